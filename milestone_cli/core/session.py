"""Sessions: who works on what, from which process; begun, bound to a client or a directory, looked at, ended.

Records are files that the bash utilities write too: their keys come first, an edit leaves every other byte as it was,
and keys that are not known here stay. A session whose process is proved dead shows as orphaned; that is found out when
somebody looks, and never stored.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, agent, current_session, lock_timeout, once
from milestone_cli.core.record import data_of, indented
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads
from milestone_cli.model import Draft, Plan, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

LIMIT = 1 << 20
"""Largest record, in bytes."""
SLACK = 2.0
"""Seconds that a process may seem younger than the record that it wrote."""


class Session:
    """A session as it was found.

    Attributes:
        id: the session's.
        status: as stored, but `orphaned` for an active one whose process is gone, and `damaged` for no JSON.
        record: its keys and values; empty when damaged.
        text: the record as it is stored.
        is_current: it acts when nobody says otherwise.
        is_alive: its process is proved to live; None where that cannot be known.
        trouble: why it is damaged.
    """

    __slots__ = ("id", "is_alive", "is_current", "record", "status", "text", "trouble")

    def __init__(self, name: str, raw: bytes, written: int, current: str) -> None:
        self.id = name
        self.is_current = name == current
        self.is_alive: bool | None = None
        self.record: dict[str, object] = {}
        self.text = self.trouble = ""
        try:
            self.text = check(raw, LIMIT, "the record")
            record = loads(self.text)
        except (MilestoneError, ValueError) as error:
            self.trouble = error.message if isinstance(error, MilestoneError) else str(error)
            record = None
        if not isinstance(record, dict):
            self.status = "damaged"
            self.trouble = self.trouble or "it is no JSON object"
            return
        self.record = record
        self.status = self.word("status") or "unknown"
        if self.status == "active":
            self.is_alive = is_alive(record, written)
            if self.is_alive is False:
                self.status = "orphaned"

    def word(self, key: str) -> "str | None":
        """A value that is a text; None for anything else."""
        value = self.record.get(key)
        return value if isinstance(value, str) and value else None

    @property
    def milestone(self) -> "str | None":
        """The milestone that it works on; None where the record names none that can be one."""
        try:
            return safe(self.word("milestone_id") or "")
        except MilestoneError:
            return None

    def fields(self) -> "dict[str, object]":
        """The session as JSON values."""
        pid = self.record.get("pid")
        return {
            "session_id": self.id,
            "milestone_id": self.milestone,
            "status": self.status,
            "current": self.is_current,
            "type": self.word("type"),
            "created_at": self.word("created_at"),
            "ended_at": self.word("ended_at"),
            "pid": pid if type(pid) is int else None,
            "user": self.word("user"),
            "host": self.word("host"),
            "working_directory": self.word("working_directory"),
            "git_branch": self.word("git_branch"),
        }


def is_alive(record: "dict[str, object]", written: int) -> "bool | None":
    """Whether a session's process lives: proved by host, boot, process id and start time.

    Args:
        record: the session's.
        written: when its file was last written, nanoseconds since 1970: a process that is younger is another one.

    Returns:
        None where nothing proves it: a process of another host, or a record without a process.
    """
    pid, host, boot, start = (record.get(key) for key in ("pid", "host", "boot_id", "start_time"))
    if type(pid) is not int or not 0 < pid < 1 << 31 or (host and host != runtime.host()):
        return None
    if boot and boot != runtime.boot_id():
        return False
    if not runtime.alive(pid):
        return False
    if start:
        return runtime.start_time(pid) in ("", start)
    age = runtime.age(pid)
    return age is None or age > (runtime.now_ns() - written) / 1e9 - SLACK


def create(
    store: "Store",
    milestone: str,
    *,
    type_: str = "general",
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Session, bool]":
    """Begin a session of the calling shell, and make it the current one of the client, or else of the directory.

    Returns:
        The session, and whether it is an earlier one under the same idempotency key.
    """
    client = runtime.env("CLAUDE_CODE_SESSION_ID") or ""
    fields = identity(milestone, type_, runtime.caller(), _folder(), client)
    binding = _binding()
    made, raw = "", b""

    def build() -> Plan:
        nonlocal made, raw
        plan = Plan("session_create")
        made, raw = begin(store, plan, fields, binding)
        plan.events.append((milestone, event("session_created", made)))
        return plan

    known = once(milestone, key, b"session create", type_.encode())
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        earlier = data_of(store, milestone, receipts[0].event_id).get("session_id")
        return find(store, str(earlier)), True
    # What was written is told without looking again: from here on nothing may fail.
    return Session(made, raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or made), False


def begin(store: "Store", plan: Plan, fields: "dict[str, object]", binding: "tuple[str, str]") -> "tuple[str, bytes]":
    """Plan a new session under a name of its own, made the current one of whoever `binding` says.

    Returns:
        Its name, and its record as it is written.
    """
    now = runtime.timestamp(runtime.now_ns())
    base = f"session-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{fields['pid']}"
    made, count = base, 1
    while store.modified("session", made):
        count += 1
        made = f"{base}-{count}"
    fields["session_id"], fields["created_at"] = made, now
    raw = indented(fields).encode() + b"\n"
    plan.puts.append(("session", made, raw))
    plan.puts.append((*binding, f"{made}\n".encode()))
    return made, raw


def event(type_: str, name: str, **said: object) -> Draft:
    """An event of a session itself, whichever is the current one."""
    return Draft(type_, dumps({"session_id": name, **said}), name, agent())


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # removed meanwhile


def identity(milestone: str, type_: str, pid: int, folder: str, client: str) -> "dict[str, object]":
    """A new record: the keys of the bash utilities in their order, then ours.

    Args:
        milestone: that it works on.
        type_: of the session.
        pid: its process.
        folder: where it works.
        client: the client's own id of it; empty without a client.
    """
    from milestone_cli.core.git import branch

    fields: dict[str, object] = {
        "session_id": "",
        "milestone_id": milestone,
        "created_at": "",
        "pid": pid,
        "user": runtime.user(),
        "working_directory": os.fsencode(folder).decode("utf-8", "replace"),
        "git_branch": branch(folder),
        "status": "active",
        "type": type_,
        **process(pid),
    }
    if client:
        fields["client"] = client
    return fields


def process(pid: int) -> "dict[str, object]":
    """What tells a process from a later one under the same number."""
    return {"host": runtime.host(), "boot_id": runtime.boot_id(), "start_time": runtime.start_time(pid)}


def _binding() -> "tuple[str, str]":
    """Kind and key of the document that says which session is current: the client's own, else the directory's."""
    client = runtime.env("CLAUDE_CODE_SESSION_ID")
    return ("client", safe(client, "client session")) if client else ("current", "")


def find(store: "Store", name: str) -> Session:
    """A session by its id.

    Raises:
        MilestoneError: `not_found`, with what there is.
    """
    raw = store.get("session", safe(name, "session"))
    if raw is None:
        known = store.keys("session")
        shown = ", ".join(known[-10:])
        raise MilestoneError(
            "not_found",
            f"there is no session '{name}'",
            f"the store has {'… ' if len(known) > 10 else ''}{shown}"
            if known
            else "`milestone session create` begins one",
            session_id=name,
        )
    return Session(name, raw, store.modified("session", name), current_session(store))


def sessions(store: "Store", last: int = 0) -> list[Session]:
    """All sessions, oldest first; or only so many, the last by their names, which begin with the time."""
    current = current_session(store)
    found = []
    for name in store.keys("session")[-last:]:
        raw = store.get("session", name)
        if raw is not None:
            found.append(Session(name, raw, store.modified("session", name), current))
    return sorted(found, key=lambda one: (one.word("created_at") or "", one.id))


def current(store: "Store", given: "str | None" = None) -> Session:
    """The session that is meant: what is given, else the current one.

    Raises:
        MilestoneError: `not_found`.
    """
    name = current_session(store, given)
    if name == NO_SESSION:
        raise MilestoneError("not_found", "there is no current session", "name one, or `milestone session create`")
    return find(store, name)


def holders(store: "Store", milestone: str) -> list[Session]:
    """Active sessions of a milestone whose process lives, and is neither the current one nor what started us."""
    return [
        one
        for one in sessions(store)
        if one.milestone == milestone
        and one.status == "active"
        and one.is_alive
        and not one.is_current
        and not runtime.is_ancestor(int(str(one.record["pid"])))
    ]


def use(
    store: "Store", name: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Session, bool]":
    """Make a session the current one; one that is orphaned goes over to the calling shell.

    Returns:
        The session, and whether this was done before, under the same idempotency key; only a session of a milestone
        has a log that remembers a key.

    Raises:
        MilestoneError: `not_found`; `conflict` when it has ended; `damaged`.
    """
    kind, place = _binding()
    stream = find(store, name).milestone
    raw = b""

    def build() -> Plan:
        nonlocal raw
        found = sound(find(store, name))  # no lock of its own: whoever writes a session does it as a transaction
        if found.status == "completed":
            raise MilestoneError(
                "conflict", f"the session '{name}' has ended", "`milestone session create` begins a new one"
            )
        plan, raw = Plan("session_use"), found.text.encode()
        if found.status == "orphaned":
            pid = runtime.caller()
            raw = edited(found.text, {"pid": pid, **process(pid)})
            plan.puts.append(("session", name, raw))
        if store.get(kind, place) != f"{name}\n".encode():
            plan.puts.append((kind, place, f"{name}\n".encode()))
        if stream and (plan.puts or key):
            plan.events.append((stream, event("session_used", name)))
        return plan

    known = once(stream, key, b"session use", name.encode(), place.encode()) if stream else None
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts and receipts[0].replayed:
        return find(store, name), True
    return Session(name, raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or name), False


def end(
    store: "Store",
    given: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
    at: "str | None" = None,
    said: "dict[str, object] | None" = None,
) -> "tuple[Session, bool]":
    """End a session, and take it away from whoever has it as the current one; nobody else's current is touched.

    Args:
        store: where.
        given: the session; left out: the current one.
        key: idempotency key.
        timeout: seconds to wait for a lock.
        at: when it ended, RFC 3339; left out: now.
        said: what else its event says.

    Returns:
        The session, and whether it was ended now.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    meant = current(store, given)
    name, stream = meant.id, meant.milestone
    changed, raw = False, meant.text.encode()

    def build() -> Plan:
        nonlocal changed, raw
        found = sound(find(store, name))
        plan, raw = Plan("session_end"), found.text.encode()
        if found.status != "completed":
            changed = True
            ended_at = at or runtime.timestamp(runtime.now_ns())
            raw = edited(found.text, {"status": "completed", "ended_at": ended_at})
            plan.puts.append(("session", name, raw))
            if stream:
                plan.events.append((stream, event("session_ended", name, **(said or {}))))
        for kind in ("current", "client"):
            for one in [""] if kind == "current" else store.keys("client"):
                if (store.get(kind, one) or b"").split()[:1] == [name.encode()]:
                    plan.puts.append((kind, one, None))
        return plan

    known = once(stream, key, b"session end", name.encode()) if stream else None
    store.transact([], build, lock_timeout(store, timeout), known)
    return Session(name, raw, 0, ""), changed


def sound(found: Session) -> Session:
    """Let a session through whose record can be read.

    Raises:
        MilestoneError: `damaged`.
    """
    if found.status == "damaged":
        raise MilestoneError(
            "damaged",
            f"the record of the session '{found.id}' is damaged: {found.trouble}",
            f"mend it in an editor, as JSON: {found.id}.json among the sessions",
            session_id=found.id,
        )
    return found


def edited(text: str, values: "dict[str, object]") -> bytes:
    """A record with some values set; every other byte stays."""
    from milestone_cli.core.document import assign

    for key, value in values.items():
        text = assign(text, key, dumps(value))
    return text.encode()
