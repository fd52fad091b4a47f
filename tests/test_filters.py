"""One filter for all that look into logs: it agrees with looking at every event, whatever stands in them."""

import fnmatch
import json
import random
from pathlib import Path
from typing import Any

import pytest
from memory_store import MemoryStore

from milestone_cli.core import events
from milestone_cli.core.log.conditions import globbed
from milestone_cli.core.log.filters import Filter, from_options
from milestone_cli.core.log.paging import Found
from milestone_cli.core.log.query import Parser
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files import FileStore

HOSTILE = (
    'quote " and \\ slash', "line\nfeed", "tab\there", "esc \x1b[31m", "café", "\u202e", "日本語",
    "a/b", "$(id)", "'; --",
    '"event_type":"tick"', ',"event_type":"tool_used","data":', "\\u0041", "%s", "*", "?", "  ", "null", "Bash",
)  # fmt: skip
TYPES = ("tick", "tool_used", "state:saved", "state_saved", "tool_failed", "t")
VALUES: tuple[Any, ...] = (*HOSTILE, 1, 42, -3, 1.5, 2**70, True, False, None, [], [1, "x"], {"k": "v"}, "42", "true")
NUMBERS = ("1e400", "1" * 5000, "1.10", "-0")


def line(rng: random.Random) -> tuple[bytes, dict[str, Any]]:
    """A line of a log in one of several hands, and the event that it means."""
    data = {key: rng.choice(VALUES) for key in rng.sample(["n", "tool", "a.b", "ok", ""], rng.randrange(4))}
    if rng.random() < 0.5:
        data["tool"] = {"name": rng.choice(VALUES), "list": [rng.choice(VALUES)]}
    event = {
        "timestamp": "2026-11-21T12:00:00.123456Z", "milestone_id": "demo",
        "session_id": rng.choice(["no-session", "s-1"]),
        "event_type": rng.choice(TYPES), "data": data, "pid": rng.choice([1, 2]), "user": "root",
        "agent_id": rng.choice(["system", "builder"]),
    }  # fmt: skip
    if rng.random() < 0.1:
        event["event"] = event.pop("event_type")
    is_compact, is_ascii = rng.choice([(False, True), (True, False), (True, True)])
    spelt = json.dumps(event, separators=(",", ":") if is_compact else None, ensure_ascii=is_ascii)
    return spelt.encode("utf-8", "surrogatepass"), event


def naive(event: dict[str, Any], types: list[str], agent: str | None, text: str | None, where: list[str]) -> bool:
    """The same filter, as simple as can be."""
    type_: str = event.get("event_type") or event["event"]
    if types and not any(fnmatch.fnmatchcase(type_, one) or type_ == one.replace(":", "_") for one in types):
        return False
    if agent and event["agent_id"] != agent:
        return False
    if text is not None:
        told = json.dumps(event["data"], ensure_ascii=False, separators=(",", ":"))
        if text not in type_ and text not in told and json.dumps(text, ensure_ascii=False)[1:-1] not in told:
            return False
    for word in where:
        path, mark, wanted = word.partition("=")
        at: Any = event["data"]
        for part in path.split("."):
            if isinstance(at, dict) and part in at:
                at = at[part]
            elif isinstance(at, list) and part.isdigit() and int(part) < len(at):
                at = at[int(part)]
            else:
                return False
        try:
            value = json.loads(wanted)
        except ValueError:
            value = wanted
        if mark and at != wanted and (at != value or isinstance(at, bool) != isinstance(value, bool)):
            return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_looking_at_every_event(seed: int) -> None:
    rng = random.Random(seed)
    made = [line(rng) for _ in range(150)]
    block = b"".join(one + b"\n" for one, _ in made)
    for _ in range(60):
        types = rng.choice(
            [[], ["tick"], ["tool_*"], ["*saved"], ["state:saved"], ["t", "tool_used"], ["?ick", "none"]]
        )
        agent = rng.choice([None, "builder"])
        text = rng.choice([None, None, rng.choice(HOSTILE), "sla", "ool", '"name":', "42"])
        paths = ("n", "tool.name", "ok", "tool.list.0", "tool")
        spelt = [rng.choice(HOSTILE), "42", "true", "1.5", "null", str(2**70), "[]", "1"]
        where = [f"{rng.choice(paths)}={rng.choice(spelt)}" for _ in range(rng.choice([0, 0, 1, 1, 2]))]
        where += ["tool.name"] if rng.random() < 0.2 else []
        wanted = Filter(types, agent=agent, text=text, where=where)
        due = [one for one, event in made if naive(event, types, agent, text, where)]
        assert list(wanted.lines(block, Parser())) == due, (types, agent, text, where)
        assert list(wanted.lines(block, Parser(), backwards=True)) == due[::-1]
        assert list(wanted.lines(block, Parser(), is_believed=True)) == due


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_any_size_hide_no_event(number: str) -> None:
    block = f'{{"timestamp":"2026-11-21T12:00:00Z","event_type":"tick","data":{{"big":{number},"n":1}}}}\n'.encode()
    parser = Parser()
    assert list(Filter(where=["n=1"]).lines(block, parser)) == [block[:-1]]
    parser.hurry()
    assert list(Filter(["tick"]).lines(block, parser)) == [block[:-1]]
    assert parser.skipped == 0


def test_patterns() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        pattern = "".join(rng.choice("ab*?") for _ in range(rng.randrange(7)))
        text = "".join(rng.choice("ab") for _ in range(rng.randrange(7)))
        assert globbed(pattern, text) == fnmatch.fnmatchcase(text, pattern), (pattern, text)
    assert not globbed("*a" * 30 + "b", "a" * 5000)  # not in exponential time


def test_the_fast_search_is_a_search() -> None:
    from milestone_cli.needle import finder

    rng = random.Random(2)
    for _ in range(2000):
        block = bytes(rng.choice(b"ab\0") for _ in range(rng.randrange(40)))
        needle = bytes(rng.choice(b"ab\0") for _ in range(rng.randrange(1, 5)))
        find = finder(block)
        for start in range(len(block) + 2):
            assert find(needle, start) == block.find(needle, start)


def test_paths_reach_the_event_itself() -> None:
    event = {"event_type": "tick", "user": "root", "pid": 7, "data": {"user": "other", "a.b": {"": 1}}}
    for word in (".user=root", "user=other", ".pid=7", ".data.user=other", "/a.b/=1", "/a.b"):
        assert Filter(where=[word]).matches(event), word
    for word in (".user=other", "user=root", ".pid=8", "/a.b/=2", "pid=7", ".nothing"):
        assert not Filter(where=[word]).matches(event), word
    for word in ("", "=x", ".", "..", "a..b=1"):
        with pytest.raises(MilestoneError) as caught:
            Filter(where=[word])
        assert caught.value.code == "invalid_path"


@pytest.mark.parametrize("kind", ["files", "memory", "postgres"])
def test_every_store_finds_the_same(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    store: Any = MemoryStore()
    if kind == "files":
        (tmp_path / ".milestones").mkdir()
        store = FileStore(str(tmp_path / ".milestones"))
        store.initialise(None)
    elif kind == "postgres":
        from milestone_cli.storage.postgres import PostgresStore

        store = PostgresStore(request.getfixturevalue("postgres_url"), is_new=True)
        store.initialise(None)
    batch = [
        ("tick", json.dumps({"n": n, "said": text}, ensure_ascii=False).encode()) for n, text in enumerate(HOSTILE)
    ]
    for name in ("demo", "other"):
        events.log(store, name, batch)

    def found(*names: str, **options: Any) -> list[int]:
        lines = Found(store, list(names), from_options(limit=0, **options)).lines()
        return [json.loads(one)["data"]["n"] for one in lines]

    for number, text in enumerate(HOSTILE):
        assert found("demo", where=[f"said={text}"]) == [number]
        assert number in found("demo", text=text)
        assert found("demo", "other", where=[f"said={text}"]) == [number, number]
    assert found("demo", first=3, last=5) == [2, 3, 4]
    assert found("demo", first=18) == list(range(17, len(HOSTILE)))
    assert found("demo", last=0) == []
    assert found("demo", types=["t*"], last=2) == [0, 1]
    assert found("demo", "other", reverse=True) == found("demo", "other")[::-1]
    assert sorted(found("demo", "other")) == sorted([*range(len(HOSTILE))] * 2)
