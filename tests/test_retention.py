"""Retention as a pure plan: golden tables by hand, and what no policy may ever remove."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestone_cli.core.retention.plan import DAY, Decision, Item, Policy, plan, spelt

NOW = 1_000 * DAY
DEFAULT = Policy()


def backup(name: str, age: float, **more: object) -> Item:
    """A good backup of so many days ago."""
    given: dict[str, object] = {"size": 100, "is_counted": True, "proved": True, **more}
    return Item("backup", name, NOW - int(age * DAY), **given)  # type: ignore[arg-type]


def broken(name: str, age: float) -> Item:
    """A backup that cannot be read."""
    return backup(name, age, hold="cannot be read", proved=False, is_counted=False)


def session(name: str, age: float, hold: str = "") -> Item:
    return Item("session", name, NOW - int(age * DAY), 10, hold=hold)


def told(items: list[Item], policy: Policy) -> list[str]:
    """The plan as lines: keep or remove, name, reason."""
    return [
        f"{'keep' if d.is_kept else 'remove'} {d.item.name}: {d.reason}" for d in plan(items, policy, NOW).decisions
    ]


GOLDEN: dict[str, tuple[list[Item], Policy, list[str]]] = {
    "nothing": ([], DEFAULT, []),
    "the last ones, however old": (
        [backup("a", 400), backup("b", 300), backup("c", 200)],
        Policy(7 * DAY, 2),
        ["keep c: one of the last 2", "keep b: one of the last 2", "remove a: older than 7d, beyond last 2"],
    ),
    "the young ones, however many": (
        [backup("a", 6), backup("b", 5), backup("c", 4)],
        Policy(7 * DAY, 1),
        ["keep c: younger than 7d", "keep b: younger than 7d", "keep a: younger than 7d"],
    ),
    "exactly at the bound is not younger": (
        [backup("a", 7), backup("b", 6.999), backup("c", 1)],
        Policy(7 * DAY, 0),
        ["keep c: younger than 7d", "keep b: younger than 7d", "remove a: older than 7d"],
    ),
    "only a number": (
        [backup("a", 3), backup("b", 2), backup("c", 1)],
        Policy(0, 1),
        ["keep c: the last one", "remove b: beyond last 1", "remove a: beyond last 1"],
    ),
    "in one second the revision tells": (
        [backup("r10", 9, rank=10), backup("r9", 9, rank=9), backup("r2", 9, rank=2)],
        Policy(DAY, 1),
        ["keep r10: the last one", "remove r9: older than 1d, beyond last 1",
         "remove r2: older than 1d, beyond last 1"],
    ),
    "the last good copy stays, though the policy would let it go": (
        [backup("good", 90), backup("older", 91), broken("bad", 80)],
        Policy(7 * DAY, 0),
        ["keep bad: cannot be read", "keep good: the last good copy", "remove older: older than 7d"],
    ),
    "what cannot be used takes no place among the last": (
        [broken("new", 10), backup("mid", 20), backup("old", 30)],
        Policy(7 * DAY, 1),
        ["keep new: cannot be read", "keep mid: the last one", "remove old: older than 7d, beyond last 1"],
    ),
    "a pinned one takes a place as any other": (
        [backup("new", 10, hold="pinned"), backup("mid", 20), backup("old", 30)],
        Policy(7 * DAY, 1),
        ["keep new: pinned", "remove mid: older than 7d, beyond last 1",
         "remove old: older than 7d, beyond last 1"],
    ),
    "the last good copy is one among backups and checkpoints": (
        [backup("old", 90), Item("checkpoint", "before", NOW - 80 * DAY, is_counted=True, proved=True)],
        Policy(7 * DAY, 0),
        ["remove old: older than 7d", "keep before: the last good copy"],
    ),
    "kinds are counted apart": (
        [backup("a", 90), backup("b", 91), Item("checkpoint", "c", NOW - 99 * DAY, is_counted=True, proved=True)],
        Policy(7 * DAY, 1),
        ["keep a: the last one", "remove b: older than 7d, beyond last 1", "keep c: the last one"],
    ),
    "sessions go by age alone": (
        [session("done", 8), session("running", 8, "it is active"), session("late", 6)],
        DEFAULT,
        ["keep late: younger than 7d", "remove done: older than 7d", "keep running: it is active"],
    ),
    "a clock that went back removes nothing": (
        [backup("a", -30), backup("b", -31)],
        Policy(7 * DAY, 0),
        ["keep b: from the future", "keep a: from the future"],
    ),
    "same time, same rank: the name decides, always alike": (
        [backup("x", 9), backup("z", 9), backup("y", 9)],
        Policy(DAY, 1),
        ["keep z: the last one", "remove y: older than 1d, beyond last 1",
         "remove x: older than 1d, beyond last 1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN)
def test_golden(case: str) -> None:
    items, policy, wanted = GOLDEN[case]
    assert sorted(told(items, policy)) == sorted(wanted)
    assert told(items, policy) == told(items[::-1], policy) or len({item.kind for item in items}) > 1


def test_the_default_is_ten_and_seven_days() -> None:
    items = [backup(f"{day:02d}", day) for day in range(1, 31)]
    decided = plan(items, DEFAULT, NOW)
    assert [item.name for item in decided.kept] == [f"{day:02d}" for day in range(1, 11)]
    assert decided.freed == 20 * 100
    busy = [backup(f"{n:03d}", n / 100) for n in range(900)]
    assert len(plan(busy, DEFAULT, NOW).kept) == 700


def test_newest_first_within_a_kind() -> None:
    items = [backup("b", 2), session("s", 3), backup("a", 1)]
    assert [d.item.name for d in plan(items, DEFAULT, NOW).decisions] == ["a", "b", "s"]


@pytest.mark.parametrize(("ns", "word"), [(7 * DAY, "7d"), (14 * DAY, "14d"), (DAY // 24, "1h"), (0, "0s"),
                                          (90 * DAY // 1440, "90m"), (5 * 10**9, "5s"), (10**6, "1ms"),
                                          (3, "3ns")])  # fmt: skip
def test_spans_are_spelt_as_they_are_typed(ns: int, word: str) -> None:
    assert spelt(ns) == word


RESTIC = """
2014-08-08T10 2014-08-10T10 2014-11-21T10 2014-11-22T10 2015-08-21T10 2015-08-22T10 2015-09-20T10 2015-09-22T10
2015-10-11T10 2015-10-20T10 2015-10-22T10 2015-11-08T10 2015-11-21T10 2015-11-22T10 2016-01-01T01:02 2016-01-01T01:03
2016-01-01T07:08 2016-01-03T07:02 2016-01-04T10:23 2016-01-04T11:23 2016-01-04T12:23 2016-01-04T12:24 2016-01-04T12:28
2016-01-04T12:30 2016-01-04T16:23 2016-01-05T09:02 2016-01-06T08:02 2016-01-07T10:02 2016-01-08T20:02 2016-01-09T21:02
2016-01-12T21:02 2016-01-12T21:08 2016-01-18T12:02
"""
"""Moments of restic's tests of `forget` (internal/restic/snapshot_policy_test.go); its answers, but for the last 2."""
FORGOTTEN: list[tuple[Policy, str]] = [
    (Policy(0, 5, calendar=(0, 5, 0, 0)),
     "2016-01-18T12:02 2016-01-12T21:08 2016-01-12T21:02 2016-01-09T21:02 2016-01-08T20:02 2016-01-07T10:02"),
    (Policy(0, 2, calendar=(0, 10, 0, 0)),
     ("2016-01-18T12:02 2016-01-12T21:08 2016-01-09T21:02 2016-01-08T20:02 2016-01-07T10:02 2016-01-06T08:02"
      " 2016-01-05T09:02 2016-01-04T16:23 2016-01-03T07:02 2016-01-01T07:08")),
    (Policy(0, 0, calendar=(0, 0, 2, 0)), "2016-01-18T12:02 2016-01-12T21:08"),
    (Policy(0, 0, calendar=(0, 0, 4, 0)), "2016-01-18T12:02 2016-01-12T21:08 2016-01-09T21:02 2016-01-03T07:02"),
    (Policy(0, 0, calendar=(0, 3, 4, 0)), "2016-01-18T12:02 2016-01-12T21:08 2016-01-09T21:02 2016-01-03T07:02"),
    (Policy(0, 0, keep_within=7 * DAY), "2016-01-18T12:02 2016-01-12T21:08 2016-01-12T21:02"),
    (Policy(0, 0, calendar=(0, 0, 0, 20)),
     ("2016-01-18T12:02 2015-11-22T10 2015-10-22T10 2015-09-22T10 2015-08-22T10 2014-11-22T10 2014-08-10T10"
      " 2014-08-08T10")),
    (Policy(0, 0, calendar=(4, 0, 0, 0)), "2016-01-18T12:02 2016-01-12T21:08 2016-01-09T21:02 2016-01-08T20:02"),
]  # fmt: skip


def moment(text: str) -> int:
    return (
        int(datetime.fromisoformat(text + (":00" if len(text) == 13 else "")).replace(tzinfo=UTC).timestamp()) * 10**9
    )


@pytest.mark.parametrize("at", range(len(FORGOTTEN)))
def test_the_rules_are_those_of_restic(at: int) -> None:
    policy, wanted = FORGOTTEN[at]
    items = [Item("backup", name, moment(name), is_counted=True) for name in RESTIC.split()]
    decided = plan(items, policy, moment("2026-01-01T00"))
    assert [item.name for item in decided.kept] == wanted.split()
    told = [one.reason for one in decided.decisions if one.is_kept]
    assert all(word.removeprefix("oldest ") in told[0] for one in told for word in one.split(", ") if "ly" in word)


def test_tags_keep_and_what_is_left_of_a_count_keeps_the_oldest() -> None:
    items = [
        Item("checkpoint", name, moment(day), is_counted=True, tags=tags)
        for name, day, tags in (
            ("both", "2024-01-02T10", ("release", "v1")), ("one", "2024-01-02T11", ("release",)),
            ("first", "2024-01-01T09", ()), ("later", "2024-01-01T10", ()), ("none", "2024-01-03T10", ()),
        )
    ]  # fmt: skip
    now = moment("2026-01-01T00")
    assert {one.name for one in plan(items, Policy(0, 0, tags=(("release", "v1"),)), now).kept} == {"both"}
    assert {one.name for one in plan(items, Policy(0, 0, tags=(("v1",), ("release",))), now).kept} == {"both", "one"}
    decided = plan(items, Policy(0, 0, calendar=(0, 9, 0, 0)), now).decisions
    assert {one.item.name: one.reason for one in decided} == {
        "none": "daily", "one": "daily", "both": "not daily", "later": "daily", "first": "oldest daily",
    }  # fmt: skip
    assert Policy(0, 0).is_empty
    assert not any(one.is_empty for one in (Policy(0, 0, tags=(("a",),)), Policy(0, 0, keep_within=1)))


def test_a_row_of_its_own_for_each_session() -> None:
    items = [
        Item("session checkpoint", f"{of}/{day}", NOW - day * DAY, is_counted=True, group=of)
        for of in "ab" for day in (20, 30)
    ]  # fmt: skip
    assert {one.name for one in plan(items, Policy(0, 1), NOW).kept} == {"a/20", "b/20"}


COPIES = ("backup", "checkpoint")
ITEMS = st.lists(
    st.builds(
        lambda kind, name, age, rank, hold, proved, tags: Item(
            kind, name, NOW - age, 1, rank=rank, hold=hold, proved=proved and kind in COPIES and not hold,
            is_counted=kind != "session" and proved, group=name[0] if kind == "point" else "", tags=tuple(tags),
        ),
        st.sampled_from([*COPIES, "session", "point"]),
        st.text("abc", min_size=1, max_size=3),
        st.integers(-5 * DAY, 40 * DAY),
        st.integers(0, 3),
        st.sampled_from(["", "", "", "pinned", "active"]),
        st.booleans(),
        st.lists(st.sampled_from("tu"), max_size=2),
    ),
    max_size=40,
    unique_by=lambda item: (item.kind, item.name),
)  # fmt: skip
COUNTS = st.integers(0, 4)
POLICIES = st.builds(
    Policy, st.integers(0, 30 * DAY) | st.just(0), st.integers(0, 12), keep_within=st.integers(0, 9 * DAY) | st.just(0),
    calendar=st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), tags=st.sampled_from([(), (("t",),), (("t", "u"), ("u",))]),
)  # fmt: skip
PERIODS = ("%Y%m%d%H", "%Y%m%d", "%G%V", "%Y%m")


def forget(row: list[Item], policy: Policy) -> set[int]:
    """What restic's `forget` keeps of a row, newest first, by its own algorithm over the calendar of Python."""
    kept = {id(item) for item in row for tags in policy.tags if set(tags) <= set(item.tags)}
    latest = max((item.time for item in row if item.time <= NOW), default=NOW)
    kept |= {id(item) for item in row if policy.keep_within and item.time > latest - policy.keep_within}
    kept |= {id(item) for item in row[: policy.keep_last]}
    for form, count in zip(PERIODS, policy.calendar, strict=True):
        last, left = "", count
        for item in row:
            value = datetime.fromtimestamp(item.time // 10**9, UTC).strftime(form)
            if left and (value != last or item is row[-1]):
                kept.add(id(item))
                last, left = value, left - 1
    return kept


@given(items=ITEMS, policy=POLICIES)
def test_no_policy_removes_what_must_stay(items: list[Item], policy: Policy) -> None:
    decided = plan(items, policy, NOW)
    kept = decided.kept
    assert sorted(map(id, items)) == sorted(id(d.item) for d in decided.decisions)
    assert all(d.reason for d in decided.decisions)
    for item in items:
        if item.hold or item.time > NOW - policy.older_than:
            assert item in kept
    good = [item for item in items if item.proved]
    if good:
        assert max(good, key=lambda item: item.age_key) in kept
    rows: dict[tuple[str, str], list[Item]] = {}
    for item in sorted(items, key=lambda item: item.age_key, reverse=True):
        if item.is_counted:
            rows.setdefault((item.kind, item.group), []).append(item)
    ruled = {one for row in rows.values() for one in forget(row, policy)}
    last = max(good, key=lambda item: item.age_key) if good else None
    for item in items:
        stays = item.hold or item.time > NOW - policy.older_than or id(item) in ruled or item is last
        assert (item in kept) == bool(stays), item.name


@given(items=ITEMS, policy=POLICIES, older=st.integers(0, 10 * DAY), more=st.integers(0, 5))
def test_a_wider_policy_keeps_no_less(items: list[Item], policy: Policy, older: int, more: int) -> None:
    wider = Policy(
        policy.older_than + older, policy.keep_last + more, keep_within=policy.keep_within + older,
        calendar=tuple(count + more for count in policy.calendar), tags=(*policy.tags, ("u",)),  # type: ignore[arg-type]
    )  # fmt: skip
    assert {id(i) for i in plan(items, policy, NOW).kept} <= {id(i) for i in plan(items, wider, NOW).kept}


@given(items=ITEMS, policy=POLICIES)
def test_a_second_run_removes_nothing(items: list[Item], policy: Policy) -> None:
    assert plan(plan(items, policy, NOW).kept, policy, NOW).removed == []


def test_a_decision_is_small() -> None:
    assert not hasattr(Decision(backup("a", 1), "why", is_kept=True), "__dict__")
