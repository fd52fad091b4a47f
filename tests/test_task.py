"""Tasks as commands: one file each, a log that stays small, dependencies without circles, reports to look at."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from chromium import PROGRAM, Chromium
from conftest import Cli
from tasked import Tasks

from milestone_cli.core.tasks import changes, claiming, creating, deleting, task
from milestone_cli.core.tasks.creating import new_id
from milestone_cli.core.tasks.task import ENTRIES, Task
from milestone_cli.core.tasks.terms import Terms
from milestone_cli.errors import MilestoneError

HOSTILE = '<script>alert(1)</script> | `x` \x1b[31m "&amp;\u202e'


@pytest.fixture
def tasks(cli: Cli, store: Path) -> Tasks:
    return Tasks(cli, store.parent)


def refused(act: Callable[..., object], *given: object, **named: object) -> MilestoneError:
    """The error of what must fail."""
    with pytest.raises(MilestoneError) as caught:
        act(*given, **named)
    return caught.value


def test_a_task_from_its_making_to_its_end(tasks: Tasks) -> None:
    making = ("create", "t1", "Implement é authentication", "--tool", "CLAUDECODE", "--idempotency-key", "k")
    made = tasks.task(*making)
    assert (made["id"], made["status"], made["milestone_id"], made["revision"]) == ("t1", "pending", "demo", 1)
    assert tasks.task(*making)["replayed"]
    assert tasks.task("create", "t1", "Another one", code=4)["code"] == "conflict"
    assert tasks.task("start", "t1", "--if-revision", "7", code=4)["code"] == "revision_conflict"
    core, me = tasks.opened(), Terms()
    assert changes.start(core, "t1", Terms(expect=1)).changed
    assert not changes.start(core, "t1", me).changed
    assert refused(changes.start, core, "t1", Terms(agent="other")).code == "conflict", "somebody else is at it"
    assert tasks.task("update", "t1", "--description", "Implement it")["description"] == "Implement it"
    tasks.task("log", "t1", "half of it", "--level", "warning", "--type", "stdout")
    result = '{"price": 1.10, "big": 1180591620717411303424, "files_created": ["auth.js"]}'
    tasks.task("result", "t1", result)
    assert tasks.task("complete", "t1", "--idempotency-key", "c")["completed_at"]
    assert changes.end(core, "t1", "complete", Terms("c")).replayed
    assert not changes.end(core, "t1", "complete", me).changed
    for act in (partial(changes.end, how="fail"), partial(changes.end, how="cancel"), changes.start, claiming.release):
        assert refused(act, core, "t1", terms=me).code == "conflict"

    raw = tasks.raw("t1")
    for text in (b'"price": 1.10,', b'"big": 1180591620717411303424,'):
        assert text in raw, "a result stays as it was written"
    found = json.loads(raw)
    reference = "id description status tool created_at updated_at started_at completed_at logs result"
    assert list(found)[:10] == reference.split(), "the keys of the reference, in its order"
    assert [list(one) for one in found["logs"]] == [["timestamp", "level", "type", "message"]] * 3
    assert [(one["level"], one["type"], one["message"]) for one in found["logs"]] == [
        ("info", "system", "Task started"), ("warning", "stdout", "half of it"), ("info", "system", "Task completed"),
    ]  # fmt: skip
    assert raw.count(b"\n") > 20, "and people can read it"
    assert [type_ for type_, _ in tasks.events()] == [
        "task_created", "task_started", "task_updated", "task_logged", "task_result", "task_completed",
    ]  # fmt: skip
    assert tasks.task("show", "t1")["result"]["files_created"] == ["auth.js"]
    assert refused(task.find, core, "nobody").code == "not_found"
    assert refused(task.find, core, "../t1").code == "invalid_name"
    assert refused(creating.create, core, None, " ", me).code == "invalid_data"
    assert refused(changes.result, core, "t1", b"{", me).code == "invalid_json"
    assert refused(changes.log, core, "t1", "x" * 5000, "info", "note", me).code == "too_large"


def test_what_waits_is_not_ready_and_nothing_waits_for_itself(tasks: Tasks) -> None:
    core, me = tasks.opened(), Terms()
    for name, *needs in (("a",), ("b", "a"), ("c", "a", "b")):
        creating.create(core, name, f"do {name}", me, depends_on=needs)
    assert refused(creating.create, core, "d", "x", me, depends_on=["nobody"]).code == "not_found"
    assert tasks.named("--ready") == ["a"]
    assert [one["waits_for"] for one in tasks.task("list")["tasks"]] == [[], ["a"], ["a", "b"]]
    assert tasks.task("update", "a", "--depends-on", "c", code=4)["details"]["tasks"] == ["a", "c", "a"]
    assert refused(changes.update, core, "a", me, depends_on=["a"]).code == "conflict"
    refusal = tasks.task("start", "b", code=4)
    assert (refusal["details"]["waits_for"], "task start b --force" in refusal["hint"]) == (["a"], True)
    assert "there is nothing to update" in tasks.task("update", "b", code=2)["message"]
    tasks.task("fail", "a", "--reason", "broken")
    assert tasks.named("--ready") == []
    assert tasks.named("--status", "failed") == ["a"]
    assert tasks.task("release", "a")["reason"] is None
    changes.end(core, "a", "complete", me)
    assert tasks.named("--ready") == ["b"]
    assert tasks.task("update", "c", "--independent")["depends_on"] == []
    assert tasks.named("--ready") == ["b", "c"]
    # What is completed may go, and nobody waits for it then; what is not holds those who wait.
    changes.update(core, "c", me, depends_on=["b"])
    assert "c would no longer wait" in tasks.task("delete", "b", code=4)["message"]
    assert tasks.task("delete", "b", "--dry-run")["dependents"] == ["c"]
    gone = tasks.task("delete", "b", "--force", "--idempotency-key", "k")
    assert deleting.delete(core, "b", Terms("k", force=True)) == (None, True)
    assert tasks.named("--ready") == ["c"]
    tasks.cli("transaction", "rollback", gone["transaction_id"], "--yes", check=True)
    assert [one.id for one in task.tasks(core)] == ["a", "b", "c"]


def test_the_log_of_a_task_stays_small_in_its_file_and_whole_in_the_events(tasks: Tasks) -> None:
    core = tasks.opened()
    creating.create(core, "t1", "talk much", Terms(), milestone="demo")
    for number in range(40):
        changes.log(core, "t1", f"{number} " + "é" * 1500, "info", "note", Terms())
    assert len(tasks.raw("t1")) < 30_000
    shown = tasks.task("show", "t1")
    assert (len(shown["logs"]), shown["log_count"]) == (ENTRIES, 40)
    assert shown["logs"][-1]["message"].endswith("…")
    told = [data["message"] for type_, data in tasks.events("demo", "--where", "task_id=t1") if type_ == "task_logged"]
    assert told == [f"{number} " + "é" * 1500 for number in range(40)]
    assert "20 older" in tasks.cli("task", "show", "t1", check=True).stdout


def test_a_task_needs_neither_milestone_nor_session(cli: Cli, tmp_path: Path) -> None:
    cli("init", check=True)
    alone = Tasks(cli, tmp_path)
    name = alone.task("create", "alone", "--idempotency-key", "k")["id"]
    assert re.fullmatch(r"task_[0-9a-f]{24}", name)
    assert alone.task("create", "alone", "--idempotency-key", "k")["id"] == name
    assert alone.task("create", "other", "--idempotency-key", "k", code=4)["code"] == "idempotency_conflict"
    assert [type_ for type_, _ in alone.events("--session", "no-session")] == ["task_created"]
    assert "session no-session: sound" in cli("events", "verify", "--all", check=True).stdout
    session = cli("session", "create", "--no-milestone", check=True).stdout.strip()
    of_session = alone.task("create", "in a session")
    assert (of_session["milestone_id"], of_session["session_id"]) == (None, session)
    assert [data["task_id"] for _, data in alone.events("--session", session)] == [of_session["id"]]
    assert alone.named("--session", session) == [of_session["id"]]
    assert alone.json("session", "create", "--no-milestone", "--name", "no-session", code=5)["code"] == "invalid_name"


def test_ids_are_sorted_by_time_and_never_collide() -> None:
    names = [new_id(ns * 1_000_000) for ns in range(5) for _ in range(1000)]
    assert len({*names}) == len(names)
    assert [name[:17] for name in names] == sorted(name[:17] for name in names)


@pytest.mark.parametrize(
    ("raw", "trouble"),
    [
        (b"{", "line 1"),
        (b"[]", "not a JSON object"),
        (b'{"id": "other", "description": "x", "status": "pending"}', "its id"),
        (b'{"id": "t", "status": "pending"}', "no description"),
        (b'{"id": "t", "description": "x", "status": "running"}', "its status"),
    ],
)
def test_what_is_no_task_is_damaged(raw: bytes, trouble: str) -> None:
    found = Task("t", raw)
    assert (found.status, trouble in found.trouble) == ("damaged", True), found.trouble


def test_a_task_of_the_reference_is_one_and_what_a_person_adds_stays() -> None:
    raw = b"""{"id": "task_1234567890", "description": "Implement authentication", "status": "completed",
      "tool": "CLAUDECODE", "created_at": "2024-01-01T10:00:00Z", "updated_at": "2024-01-01T11:30:00Z",
      "started_at": "2024-01-01T10:05:00Z", "completed_at": "2024-01-01T11:30:00Z", "note": {"a": 1.10},
      "logs": [{"timestamp": "2024-01-01T10:05:00Z", "level": "info", "type": "system", "message": "Task started"}],
      "result": {"files_created": ["auth.js"], "tests_passed": true}}"""
    found = Task("task_1234567890", raw)
    assert (found.status, found.trouble, found.number("revision"), found.fields()["log_count"]) == (
        "completed",
        "",
        0,
        1,
    )
    found.say("2024-01-01T12:00:00Z", "looked at")
    written = Task("task_1234567890", found.raw())
    assert written.texts["note"].replace("\n", "").replace(" ", "") == '{"a":1.10}'
    assert (written.number("log_count"), len(written.logs)) == (2, 2)
    assert written.raw() == found.raw(), "written once more it stays as it is"


def test_reports(tasks: Tasks, tmp_path: Path) -> None:
    core, me = tasks.opened(), Terms()
    creating.create(core, "t1", HOSTILE, me)
    creating.create(core, "t2", "after it", me, depends_on=["t1"])
    changes.log(core, "t1", HOSTILE, "info", "note", me)
    changes.end(core, "t1", "complete", me, raw=b'{"</pre>": "<b>"}')
    found = tasks.json("task", "report")
    assert found["metrics"]["completed_tasks"] == 1
    assert found["metrics"]["total_tasks"] == 2
    assert found["metrics"]["average_completion_time"] >= 0
    markdown = tasks.cli("task", "report", check=True).stdout
    assert "``<script>alert(1)</script> \\| `x` \\x1b[31m" in markdown
    tasks.cli("task", "report", "--format", "html", "-o", "r.html", check=True)
    page = (tmp_path / "r.html").read_text()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert html.unescape(policy[1]).startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    for bad in ("<script", "</pre>&", " style=", "http:", "https:", "\x1b", "\u202e"):
        assert bad not in page, bad
    assert "&lt;script&gt;" in page


def test_where_somebody_looks_the_open_tasks_are_one_line(tasks: Tasks) -> None:
    assert tasks.json("status", "demo")["tasks"] is None
    creating.create(tasks.opened(), "t1", "mend the parser", Terms())
    creating.create(tasks.opened(), "t2", "test it", Terms(), depends_on=["t1"])
    tasks.task("claim", "--agent", "builder", "--for-pid", "0")
    line = "1 in progress (t1 builder), 1 waiting"
    assert line in tasks.cli("status", "demo", check=True).stdout
    assert line in tasks.cli("watch", check=True).stdout
    packet = tasks.cli("session", "handoff", check=True).stdout
    assert "task t1 is in progress, builder has it: mend the parser" in packet
    assert tasks.json("status", "demo")["tasks"]["waiting"] == 1
    assert tasks.json("watch")["tasks"]["in_progress"] == 1
    assert tasks.cli("names", "tasks", check=True).stdout == "t1\nt2\n"


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")
def test_the_page_is_shown_in_both_themes_without_a_complaint(tasks: Tasks, tmp_path: Path) -> None:
    core, me = tasks.opened(), Terms()
    creating.create(core, "t1", HOSTILE, me)
    changes.end(core, "t1", "fail", me, raw=b'{"a": [1]}', reason=HOSTILE)
    tasks.cli("task", "report", "--format", "html", "-o", "r.html", check=True)
    browser = Chromium(tmp_path)
    address = f"file://{tmp_path}/r.html"
    papers = set()
    for dark in (False, True):
        shown = browser.open(address, dark=dark)
        papers.add(shown.eval("getComputedStyle(document.body).backgroundColor"))
        assert shown.eval("document.querySelector('h3').textContent").startswith("<script>alert(1)</script>")
        assert shown.eval("document.documentElement.scrollWidth <= innerWidth")
        assert shown.eval("document.querySelectorAll('details').length") == 2
        assert (shown.complaints(), shown.requests()) == ([], [address])
        shown.close()
    assert len(papers) == 2
    browser.close()
