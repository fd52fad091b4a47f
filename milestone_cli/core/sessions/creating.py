"""Beginning sessions: all or nothing with their first checkpoint, and logged by the milestone, else on their own.

Records are files that the bash utilities write too: their keys come first. Nobody's current session is touched but the
caller's own.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, acting_agent, current_milestone, lock_timeout, once
from milestone_cli.core.record import indented, laid_out, with_members, words
from milestone_cli.core.sessions.pages import CONFIGURATION
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, digest, log_of, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.storage.contract import Store

LIMIT = 1 << 18
"""Largest metadata of a session, in bytes."""
WORKING: "dict[str, object]" = {"metadata": {}, "context": {}, "configuration": {}, "state": {}, "progress": 0,
                                "operation": None, "last_checkpoint": None, "updated_at": None,
                                "page": None}  # fmt: skip
"""What a record has to work with; keyed state is its `state`."""


class Wish:
    """What a new session shall be.

    Attributes:
        name: its own; None: made of the time and the process.
        type: of it.
        user: whose it is; None: who calls.
        context, metadata: JSON objects, as they were written.
        configuration: settings that are not the built-in ones.
        pid: process that it belongs to; 0: the calling shell.
        is_current: it becomes the current one of the client or the directory, as a shell's does.
        is_fresh: its name was drawn at random just now, so nobody else can have it.
    """

    __slots__ = ("configuration", "context", "is_current", "is_fresh", "metadata", "name", "pid", "type", "user")

    def __init__(self, type_: str = "general", name: "str | None" = None, user: "str | None" = None) -> None:
        self.type = type_
        self.name = name
        self.user = user
        self.context = b"{}"
        self.metadata = b"{}"
        self.configuration: dict[str, object] = {}
        self.pid = 0
        self.is_current = True
        self.is_fresh = False

    def checked(self) -> "tuple[str, str]":
        """Context and metadata as texts.

        Raises:
            MilestoneError: `invalid_name`, `invalid_json`, `invalid_data`, `too_large`.
        """
        if self.name is not None and safe(self.name, "session") == NO_SESSION:
            told = f"'{NO_SESSION}' stands for no session at all"
            raise MilestoneError("invalid_name", told, "use another name")
        words(self.type, "the type")
        words(self.user, "the user")
        if self.context == self.metadata == b"{}":
            return "{}", "{}"
        from milestone_cli.core.sessions.edits import check_context
        from milestone_cli.jsontext import check, skip

        context = check_context(check(self.context, LIMIT, "the context"))
        metadata = check(self.metadata, LIMIT, "the metadata")
        if metadata[skip(metadata, 0)] != "{":
            raise MilestoneError("invalid_data", "the metadata is not a JSON object", 'write it as {"name": value}')
        return context.strip(), metadata.strip()

    def request(self) -> "tuple[bytes, ...]":
        """What tells one request from another."""
        said = [self.type, self.name, self.user, self.configuration]
        return self.type.encode(), *([dumps(said).encode(), self.context, self.metadata] if self.is_more() else [])

    def is_more(self) -> bool:
        """Whether it says more than a type."""
        return bool(self.name or self.user or self.configuration or self.context != b"{}" or self.metadata != b"{}")


class Created:
    """A session that was begun, now or before.

    Attributes:
        id: the session's.
        raw: its record as it was written; None for an earlier one under the same idempotency key.
    """

    __slots__ = ("_store", "id", "raw")

    def __init__(self, store: "Store", name: str, raw: "bytes | None") -> None:
        self._store = store
        self.id = name
        self.raw = raw

    @property
    def replayed(self) -> bool:
        """Whether it is an earlier one."""
        return self.raw is None

    def session(self) -> "Session":
        """The session; what was written now is told without looking again, since nothing may fail any more."""
        from milestone_cli.core.sessions.session import Session, find

        if self.raw is None:
            return find(self._store, self.id)
        return Session(self.id, self.raw, runtime.now_ns(), runtime.env("MILESTONE_SESSION") or self.id)


def create(
    store: "Store",
    milestone: "str | None",
    wish: "Wish | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> Created:
    """Begin a session of the calling shell, and make it the current one of the client, or else of the directory.

    A program that has many sessions says otherwise in its wish.

    Args:
        store: where.
        milestone: that it works on; None: it has none, and a log of its own.
        wish: what it shall be.
        key: idempotency key; of a session without a milestone it makes the name, too.
        timeout: seconds to wait for other transactions.

    Raises:
        MilestoneError: `conflict` when the name is taken; `invalid_name`, `invalid_json`, `invalid_data`.
    """
    from milestone_cli.core.sessions.capture import FIRST, add

    wish = wish or Wish()
    context, metadata = wish.checked()
    client = (wish.is_current and runtime.env("CLAUDE_CODE_SESSION_ID")) or ""
    fields = new_record(milestone, wish.type, wish.pid or runtime.caller(), _folder(), client)
    fields["user"] = wish.user or fields["user"]
    named = wish.name or (f"session-{digest(key.encode())[:20]}" if key and not milestone else "")
    place = binding()
    made, raw = "", b""

    def build() -> Plan:
        nonlocal made, raw
        plan = Plan("session_create")
        made = named or _free_name(store, str(fields["pid"]))
        if named and not wish.is_fresh:
            _refuse_taken(store, named)
        now = runtime.timestamp(runtime.now_ns())
        settings = {**CONFIGURATION, **wish.configuration}
        text = dumps({**fields, "session_id": made, "created_at": now, **WORKING, "configuration": settings})
        if (context, metadata) != ("{}", "{}"):
            text = with_members(text, {"context": context, "metadata": metadata})
        if milestone:
            plan.events.append((milestone, event("session_created", made)))
        else:
            plan.events.append((log_of(made), event("session_initialized", made, type=wish.type)))
        text, *_ = add(store, plan, made, text, FIRST, FIRST, is_new=True)
        raw = laid_out(text).encode() + b"\n"
        plan.puts.append(("session", made, raw))
        if wish.is_current:
            plan.puts.append((*place, f"{made}\n".encode()))
        return plan

    stream = milestone or (log_of(named) if named else "")
    known = once(stream, key, b"session create", *wish.request()) if stream else None
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        from milestone_cli.core.record import data_of

        return Created(store, str(data_of(store, stream, receipts[0].event_id).get("session_id")), None)
    return Created(store, made, raw)


def begin(store: "Store", plan: Plan, fields: "dict[str, object]", place: "tuple[str, str]") -> str:
    """Plan a new session under a name of its own, made the current one of whoever has that place; its name.

    Args:
        store: where.
        plan: to add to.
        fields: what `new_record` gave, and more.
        place: as `binding` gives it.
    """
    made = _free_name(store, str(fields["pid"]))
    fields["session_id"], fields["created_at"] = made, runtime.timestamp(runtime.now_ns())
    plan.puts.append(("session", made, indented(fields).encode() + b"\n"))
    plan.puts.append((*place, f"{made}\n".encode()))
    return made


def meant_milestone(store: "Store", given: "str | None", *, is_without: bool) -> "str | None":
    """The milestone of a new session: the one that is meant; None where there is none, or none is wanted.

    Raises:
        MilestoneError: `usage`; `milestone_ambiguous` where several are active and none is meant.
    """
    if is_without:
        if given is not None:
            raise MilestoneError("usage", "a milestone or --no-milestone, not both", "leave one of them out")
        return None
    if given is None and not runtime.env("MILESTONE_ID") and not store.active():
        return None
    try:
        return current_milestone(store, given)
    except MilestoneError as error:
        if error.code == "milestone_ambiguous":
            error.hint = "name one, or give --no-milestone"
        raise


def _free_name(store: "Store", pid: str) -> str:
    """A name of this second and a process, and of nothing else."""
    now = runtime.timestamp(runtime.now_ns())
    base = f"session-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}-{pid}"
    made, count = base, 1
    while store.modified("session", made):
        count += 1
        made = f"{base}-{count}"
    return made


def _refuse_taken(store: "Store", name: str) -> None:
    """Refuse a name that is taken, in whatever case; that of a session that is deleted is free."""
    for taken in store.keys("session"):
        if taken.lower() == name.lower():
            raise MilestoneError(
                "conflict", f"there is a session '{taken}' already", "choose another name", session_id=taken
            )


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # removed meanwhile


def new_record(milestone: "str | None", type_: str, pid: int, folder: str, client: str) -> "dict[str, object]":
    """A new record: the keys of the bash utilities in their order, then ours.

    Args:
        milestone: that it works on; None for none.
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


def event(type_: str, name: str, **said: object) -> Draft:
    """An event of a session itself, whichever is the current one."""
    return Draft(type_, dumps({"session_id": name, **said}), name, acting_agent())


def process(pid: int) -> "dict[str, object]":
    """What tells a process from a later one under the same number."""
    return {"host": runtime.host(), "boot_id": runtime.boot_id(), "start_time": runtime.start_time(pid)}


def binding() -> "tuple[str, str]":
    """Kind and key of the document that says which session is current: the client's own, else the directory's."""
    client = runtime.env("CLAUDE_CODE_SESSION_ID")
    return ("client", safe(client, "client session")) if client else ("current", "")
