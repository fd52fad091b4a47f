"""Making, pinning and removing checkpoints; each all or nothing, and logged.

Under the milestone's lock the envelope on disk is copied as it stands, with notes beside it in a file that the bash
utilities never take for a state. Nothing is overwritten, and what is pinned is not removed.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once
from milestone_cli.core.checkpoints.checkpoint import Checkpoint, find, fitting
from milestone_cli.core.checkpoints.copies import checkpoint_names
from milestone_cli.core.record import data_of, indented, tagged, words
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.names import checkpoint_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document, Draft
    from milestone_cli.storage.contract import Store


def create(
    store: "Store",
    milestone: str,
    name: "str | None" = None,
    reason: "str | None" = None,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
    prefix: str = "manual",
    sha256: "str | None" = None,
    session: "str | None" = None,
    tags: "list[str] | None" = None,
) -> "tuple[Checkpoint, bool]":
    """Keep a milestone's present state under a name.

    Args:
        store: where.
        milestone: whose.
        name: left out: PREFIX-YYYYmmdd-HHMMSS, in UTC.
        reason: why, for people.
        key: idempotency key.
        timeout: seconds to wait for the milestone's lock.
        prefix: of a name that is left out.
        sha256: what the state must still be.
        session: in which session; left out: the current one.
        tags: by which a clean-up may be told to keep it.

    Returns:
        The checkpoint, and whether it is an earlier one under the same idempotency key.

    Raises:
        MilestoneError: `not_found` and `damaged` for the state; `conflict` when the name is taken; `revision_conflict`.
    """
    given = None if name is None else fitting(milestone, name)
    words(reason, "the reason")
    marks = tagged(tags)
    made = ""
    found: Checkpoint | None = None

    def build() -> Plan:
        nonlocal made, found
        raw = store.get("active", milestone)
        if raw is None:
            raw = store.get("completed", milestone)
        if raw is None:
            raise MilestoneError(
                "not_found", f"there is no state of '{milestone}' to keep", "`milestone state save` makes one"
            )
        document = parse_envelope(raw, milestone)
        if sha256 is not None and document.sha256 != sha256:
            raise changed(milestone)
        made = given or _free_name(store, milestone, prefix)
        if given:
            _refuse_taken(store, milestone, given)
        info = _notes(milestone, made, reason, _revision(store, milestone, document), document.sha256)
        info |= marks
        found = Checkpoint(milestone, made, checkpoint_path(milestone, made), info, 0)
        found.text = document.text
        plan = Plan("checkpoint_create")
        plan.puts.append(("checkpoint", f"{milestone}/{made}", raw))
        plan.puts.append(("checkpoint-info", f"{milestone}/{made}", indented(info).encode() + b"\n"))
        said = {"checkpoint_file": checkpoint_path(milestone, made), "sha256": document.sha256}
        event = _event(store, "checkpoint_created", made, {**said, "reason": reason}, session)
        plan.events.append((milestone, event))
        return plan

    request = [(name or "").encode(), (reason or "").encode(), *[one.encode() for one in tags or []]]
    known = once(milestone, key, b"checkpoint create", *request)
    receipts = store.transact([milestone], build, lock_timeout(store, timeout), known)
    if receipts[0].replayed:
        made = str(data_of(store, milestone, receipts[0].event_id).get("checkpoint_name"))
    # What was written is told without looking again: from here on nothing may fail.
    return found or find(store, milestone, made), receipts[0].replayed


def _notes(milestone: str, name: str, reason: "str | None", revision: "int | None", sha256: str) -> "dict[str, object]":
    return {
        "milestone_id": milestone,
        "checkpoint_name": name,
        "created_at": runtime.timestamp(runtime.now_ns()),
        "reason": reason,
        "revision": revision,
        "sha256": sha256,
        "pinned": None,
    }


def _event(store: "Store", type_: str, name: str, more: "dict[str, object]", session: "str | None" = None) -> "Draft":
    data = {"checkpoint_name": name, **{key: value for key, value in more.items() if value is not None}}
    return draft(store, type_, dumps(data), session)


def _free_name(store: "Store", milestone: str, prefix: str) -> str:
    """A name of this second, and of nothing else."""
    now = runtime.timestamp(runtime.now_ns())
    base = f"{prefix}-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}"
    name, count = fitting(milestone, base), 1
    while store.modified("checkpoint", f"{milestone}/{name}"):
        count += 1
        name = f"{base}-{count}"
    return name


def _refuse_taken(store: "Store", milestone: str, name: str) -> None:
    """Refuse a name that is taken, in whatever case, by whichever milestone; nothing is ever overwritten."""
    for taken in checkpoint_names(store, milestone):
        if taken.lower() == name.lower():
            raise MilestoneError(
                "conflict",
                f"'{milestone}' has a checkpoint '{taken}' already",
                "choose another name, or leave --name out",
                milestone_id=milestone,
                checkpoint_name=taken,
            )


def _revision(store: "Store", milestone: str, document: "Document") -> "int | None":
    """Which revision a state on disk is; None for one that another program made and nobody recorded."""
    head = store.head(milestone)
    if head is not None and document.sha256 == head.state:
        return head.revision
    return document.revision if head is None or document.revision > head.revision else None


def changed(milestone: str) -> MilestoneError:
    """The error for a state that is no longer what was planned with."""
    return MilestoneError(
        "revision_conflict",
        f"'{milestone}' changed meanwhile; nothing was restored",
        "look at the plan again with --dry-run, then restore",
        milestone_id=milestone,
    )


def delete(
    store: "Store", milestone: str, name: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Checkpoint, bool]":
    """Remove a checkpoint with its notes.

    Returns:
        The checkpoint as it was, and whether it was removed before, under the same idempotency key; then only what
        the log says of it is known.

    Raises:
        MilestoneError: `not_found`; `conflict` when it is pinned.
    """
    found: Checkpoint | None = None

    def build() -> Plan:
        nonlocal found
        found = find(store, milestone, name)
        found.refuse_pinned()
        plan = Plan("checkpoint_delete")
        plan.puts = [("checkpoint-info", f"{milestone}/{name}", None), ("checkpoint", f"{milestone}/{name}", None)]
        said: dict[str, object] = {"checkpoint_file": found.file, "revision": found.revision}
        said["sha256"] = found.sha256 or None
        plan.events.append((milestone, _event(store, "checkpoint_deleted", name, said)))
        return plan

    known = once(milestone, key, b"checkpoint delete", name.encode())
    receipts = store.transact([milestone], build, lock_timeout(store, timeout), known)
    if found is None:
        info = data_of(store, milestone, receipts[0].event_id)
        found = Checkpoint(milestone, name, checkpoint_path(milestone, name), info, 0)
    return found, receipts[0].replayed


def pin(
    store: "Store",
    milestone: str,
    name: str,
    reason: "str | None" = None,
    *,
    is_kept: bool = True,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Checkpoint, bool]":
    """Keep a checkpoint from every removal, or let it go; pinned again, it has the new reason.

    One of the bash utilities, which has no notes yet, gets them.

    Returns:
        The checkpoint, and whether this was done before, under the same idempotency key.

    Raises:
        MilestoneError: `not_found`.
    """
    from milestone_cli.core.checkpoints import pins

    words(reason, "the reason")
    verb = "pin" if is_kept else "unpin"
    found: Checkpoint | None = None

    def build() -> Plan:
        nonlocal found
        found = find(store, milestone, name)
        plan = Plan(f"checkpoint_{verb}")
        if not is_kept and found.pinned is None:
            return plan
        info = _notes(milestone, name, None, found.revision, found.sha256)
        info["created_at"] = found.created_at
        found.info = {**info, **found.info, "pinned": pins.pin(reason) if is_kept else None}
        plan.puts.append(("checkpoint-info", f"{milestone}/{name}", indented(found.info).encode() + b"\n"))
        plan.events.append((milestone, _event(store, f"checkpoint_{verb}ned", name, {"reason": reason})))
        return plan

    known = once(milestone, key, f"checkpoint {verb}".encode(), name.encode(), (reason or "").encode())
    receipts = store.transact([milestone], build, lock_timeout(store, timeout), known)
    return found or find(store, milestone, name), bool(receipts) and receipts[0].replayed
