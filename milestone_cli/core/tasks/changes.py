"""Tasks that are changed: each change a transaction, with an entry in the task's log and an event in a log.

    pending -> in_progress -> completed | failed | cancelled; what was released or failed can be pending again

A task that somebody has claimed is changed by its holder alone, unless by force: a holder that lost its claim cannot
finish what another one does by now.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, once
from milestone_cli.core.record import words
from milestone_cli.core.tasks import claims
from milestone_cli.core.tasks.task import (
    KIND,
    LEVELS,
    LIMIT,
    OPEN,
    Task,
    circle,
    find,
    in_words,
    look,
    names,
    tasks,
    waits_for,
)
from milestone_cli.core.tasks.terms import Outcome, Terms, event
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]
    Act = Callable[[Task, str], tuple[str, Facts] | None]
    """Changes a task at a time; the event that tells of it, None where nothing was to be done."""


def change(store: "Store", name: str, what: str, act: "Act", terms: Terms, *request: bytes) -> Outcome:
    """Change a task, all or nothing, and log it.

    Args:
        store: where.
        name: the task's id.
        what: is done, one word.
        act: does it.
        terms: see there.
        request: what tells this request from another under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`; `revision_conflict`; `conflict` while another agent has the task.
    """
    stream = find(store, name).stream
    made, changed = Task(name, b"{}"), False

    def build() -> Plan:
        nonlocal made, changed
        plan, made, changed = Plan(f"task_{what}"), find(store, name), False
        check_revision(made, terms.expect)
        claims.allow(store, made, terms.agent, force=terms.force)
        at = runtime.timestamp(store.clock())
        told = act(made, at)
        if told is None:
            return plan
        changed = True
        if made.status == "in_progress" and made.claim and claims.is_holder(made, terms.agent):
            claims.renew(store, made)
        made.put(updated_at=at, revision=made.number("revision") + 1)
        plan.puts.append((KIND, name, bounded(made)))
        plan.events.append((stream, event(made, told[0], terms.agent, **told[1])))
        return plan

    known = once(stream, terms.key, b"task " + what.encode(), name.encode(), *request)
    receipts = store.transact([], build, lock_timeout(store, terms.timeout), known)
    if receipts and receipts[0].replayed:
        return Outcome(find(store, name), changed=True, replayed=True)
    return Outcome(made, changed=changed, replayed=False)


def bounded(one: Task) -> bytes:
    """The document, unless it has become too large to be read again.

    Raises:
        MilestoneError: `too_large`.
    """
    raw = one.raw()
    if len(raw) > LIMIT:
        told = f"the task '{one.id}' would have {len(raw)} bytes; {LIMIT} are allowed"
        raise MilestoneError("too_large", told, "keep large results in files of their own")
    return raw


def check_revision(one: Task, expect: "int | None") -> None:
    """Let a task through that is at the revision that somebody expects.

    Raises:
        MilestoneError: `revision_conflict`.
    """
    if expect is not None and one.number("revision") != expect:
        raise MilestoneError(
            "revision_conflict",
            f"the task '{one.id}' is at revision {one.number('revision')}, not {expect}",
            f"`milestone task show {one.id}` shows what it is now",
            task_id=one.id,
            expected=expect,
            revision=one.number("revision"),
        )


def _refused(one: Task, what: str, hint: str) -> MilestoneError:
    told = f"the task '{one.id}' cannot be {what}: it is {in_words(one.status)}"
    return MilestoneError("conflict", told, hint, task_id=one.id, status=one.status)


def start(store: "Store", name: str, terms: Terms) -> Outcome:
    """Begin a task without claiming it; one that failed or was cancelled is begun anew.

    Raises:
        MilestoneError: `conflict` for one that is completed, or waits for another; what `change` raises.
    """

    def act(one: Task, at: str) -> "tuple[str, Facts] | None":
        held = claims.hold(store, one)
        if one.status == "in_progress" and not held.is_over:
            if claims.is_holder(one, terms.agent) if held.agent else claims.starter(one) == terms.agent:
                return None
            if not terms.force:
                raise claims.begun(one)
        if one.status == "completed":
            raise _refused(one, "started", "`milestone task create` makes a new one")
        one.put(status="pending")
        if not terms.force:
            check_ready(store, one)
        _begin(one, at, terms.agent)
        return "task_started", {}

    return change(store, name, "start", act, terms)


def _begin(one: Task, at: str, agent: str) -> None:
    one.put(status="in_progress", started_at=at, completed_at=None, reason=None, claim=None,
            agent_id=None if agent == "system" else agent)  # fmt: skip
    one.say(at, "Task started")


def check_ready(store: "Store", one: Task) -> None:
    """Let a task through that waits for no other.

    Raises:
        MilestoneError: `conflict`.
    """
    known = {name: found.status for name in one.depends_on if (found := look(store, name))}
    if missing := waits_for(one, known):
        told = ", ".join(f"{name} ({in_words(known.get(name, 'which is not there'))})" for name in missing[:5])
        raise MilestoneError(
            "conflict", f"the task '{one.id}' waits for {told}",
            f"complete what it waits for; `milestone task start {one.id} --force` starts it anyway",
            task_id=one.id, waits_for=missing,
        )  # fmt: skip


def update(
    store: "Store",
    name: str,
    terms: Terms,
    *,
    description: "str | None" = None,
    tool: "str | None" = None,
    depends_on: "list[str] | None" = None,
) -> Outcome:
    """Say anew what a task is, or what it depends on.

    Raises:
        MilestoneError: `conflict` where tasks would wait for each other; `not_found`; what `change` raises.
    """
    words(description, "the description")
    words(tool, "the tool")
    needs = None if depends_on is None else names(depends_on)
    wish: Facts = {"description": description, "tool": tool, "depends_on": needs}

    def act(one: Task, _: str) -> "tuple[str, Facts] | None":
        if needs:
            _refuse_circle(store, name, needs)
        said: Facts = {key: value for key, value in wish.items() if value is not None and one.value(key) != value}
        if not said:
            return None
        one.put(**said)
        return "task_updated", said

    return change(store, name, "update", act, terms, dumps(wish).encode())


def _refuse_circle(store: "Store", name: str, needs: "list[str]") -> None:
    for one in needs:
        find(store, one)
    known = {one.id: one.depends_on for one in tasks(store)} | {name: needs}
    if way := circle(name, known):
        raise MilestoneError(
            "conflict", f"the tasks would wait for each other: {' -> '.join(way)}", "leave one of them out", tasks=way
        )


def log(store: "Store", name: str, message: str, level: str, type_: str, terms: Terms) -> Outcome:
    """Add an entry to the log of a task: the last ones stand in the task, all of them are events.

    Raises:
        MilestoneError: `invalid_data`, `too_large`; what `change` raises.
    """
    words(message, "the message")
    words(type_, "the type")
    if level not in LEVELS:
        raise MilestoneError("usage", f"there is no level '{level[:40]}'", f"there are {', '.join(LEVELS)}")

    def act(one: Task, at: str) -> "tuple[str, Facts]":
        one.say(at, message, level, type_)
        return "task_logged", {"level": level, "type": type_, "message": message}

    return change(store, name, "log", act, terms, level.encode(), type_.encode(), message.encode())


def result(store: "Store", name: str, raw: bytes, terms: Terms) -> Outcome:
    """Keep what came of a task, as it is written.

    Raises:
        MilestoneError: `invalid_json`, `too_large`; what `change` raises.
    """
    text = check_result(raw)

    def act(one: Task, _: str) -> "tuple[str, Facts] | None":
        if one.texts.get("result") == text:
            return None
        one.texts["result"] = text
        return "task_result", {"bytes": len(raw)}

    return change(store, name, "result", act, terms, raw)


def check_result(raw: bytes) -> str:
    """Let a result through: any JSON value.

    Raises:
        MilestoneError: `invalid_json`, `too_large`.
    """
    return check(raw, LIMIT // 4, "the result").strip(" \t\n\r")


ENDS = {
    "complete": ("completed", OPEN, "Task completed"),
    "fail": ("failed", OPEN, "Task failed"),
    "cancel": ("cancelled", OPEN, "Task cancelled"),
}
"""Of each way in which a task ends: its status then, from which statuses, and what its log says."""


def end(
    store: "Store", name: str, how: str, terms: Terms, *, raw: "bytes | None" = None, reason: "str | None" = None
) -> Outcome:
    """Let a task end; whoever had claimed it has it no longer.

    Args:
        store: where.
        name: the task's id.
        how: a key of `ENDS`.
        terms: see there.
        raw: its result; None leaves what is there.
        reason: why, for people.

    Raises:
        MilestoneError: `conflict` for a task that ended otherwise; what `change` raises.
    """
    words(reason, "the reason")
    text = None if raw is None else check_result(raw)
    status, before, said = ENDS[how]

    def act(one: Task, at: str) -> "tuple[str, Facts] | None":
        if one.status == status:
            return None
        if one.status not in before:
            raise _refused(one, status, f"`milestone task release {one.id}` makes it pending again"
                           if one.status != "completed" else "")  # fmt: skip
        by = one.name("agent_id") or (None if terms.agent == "system" else terms.agent)
        one.put(status=status, completed_at=at if status == "completed" else None, reason=reason, claim=None,
                agent_id=by)  # fmt: skip
        if text is not None:
            one.texts["result"] = text
        one.say(at, said + (f": {reason}" if reason else ""), "error" if status == "failed" else "info")
        return f"task_{status}", {"reason": reason} if reason else {}

    return change(store, name, how, act, terms, raw or b"", (reason or "").encode())
