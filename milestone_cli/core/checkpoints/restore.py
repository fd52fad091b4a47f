"""Bringing a checkpoint's state back: planned and shown first, refused while somebody is at work, and undoable.

The present state is kept as a checkpoint `pre-restore-…` before anything changes, and what is restored becomes a new
revision, so history goes on and nothing is ever rewound. What was planned with must still be there, else nothing is
done.
"""

from milestone_cli import runtime
from milestone_cli.core import commit, draft, lock_timeout, once
from milestone_cli.core.checkpoints.checkpoint import find
from milestone_cli.core.checkpoints.checkpointing import changed, create
from milestone_cli.errors import MilestoneError, completed
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.checkpoints.checkpoint import Checkpoint
    from milestone_cli.core.sessions.session import Session
    from milestone_cli.core.states.compare import Difference
    from milestone_cli.model import Document, Receipt
    from milestone_cli.storage.contract import Store

PATIENCE = 1.0
"""Seconds that somebody may hold the milestone's lock before a restore takes it for work that would be lost."""


class Restore:
    """What a restore would do.

    Attributes:
        checkpoint: what comes back.
        revision: the present one; 0 where there is no state, None where it is damaged.
        present: the present text; None where there is none, or none that can be read.
        sha256: of the present text, or empty.
        changes: from the present state to the restored one; empty where they cannot be compared.
        holder: who holds the milestone's lock; None when it is free.
        sessions: others that are at work on the milestone.
    """

    __slots__ = ("changes", "checkpoint", "holder", "present", "revision", "sessions", "sha256")

    def __init__(self, checkpoint: "Checkpoint") -> None:
        self.checkpoint = checkpoint
        self.revision: int | None = 0
        self.present: bytes | None = None
        self.sha256 = ""
        self.changes: list[Difference] = []
        self.holder: dict[str, object] | None = None
        self.sessions: list[Session] = []

    @property
    def blockers(self) -> list[str]:
        """Who would lose work, a sentence each."""
        found = []
        if self.holder is not None:
            host = self.holder.get("host")
            found.append(f"process {self.holder.get('pid')}{f' on {host}' if host else ''} holds the milestone's lock")
        return found + [f"the session '{one.id}' of process {one.record.get('pid')} is active" for one in self.sessions]


def plan_restore(store: "Store", milestone: str, name: str) -> Restore:
    """Look what restoring a checkpoint would do.

    Raises:
        MilestoneError: `not_found`; `damaged` when the checkpoint does not prove itself; `completed`.
    """
    from milestone_cli.core.sessions.session import holders
    from milestone_cli.core.states.compare import compare

    plan = Restore(find(store, milestone, name))
    text = plan.checkpoint.proved()
    if not store.modified("active", milestone) and store.modified("completed", milestone):
        raise completed(milestone)
    try:
        document = store.read(milestone)
    except MilestoneError as error:
        if error.code == "damaged":
            plan.revision = None
        elif error.code != "not_found":
            raise
    else:
        plan.present, plan.sha256 = document.text, document.sha256
        plan.revision = _coming(store, milestone, document)
        plan.changes = compare(document.text, text)
    plan.holder = _holder(store, milestone)
    plan.sessions = holders(store, milestone)
    return plan


def _coming(store: "Store", milestone: str, document: "Document") -> int:
    """The revision that the state on disk has, or will have once a change from outside is recorded."""
    head = store.head(milestone)
    recorded = head.revision if head else 0
    if head is not None and document.sha256 == head.state:
        return recorded
    return document.revision if document.event and document.revision == recorded + 1 else recorded + 1


def _holder(store: "Store", milestone: str) -> "dict[str, object] | None":
    """Who holds the milestone's lock for longer than a save takes; None for nobody but what started us."""
    until = runtime.monotonic() + PATIENCE
    while (found := store.lock_holder(milestone)) and runtime.monotonic() < until:
        runtime.sleep(0.05)
    pid = found.get("pid") if found else None
    return None if isinstance(pid, int) and runtime.is_ancestor(pid) else found


def restore(
    store: "Store",
    plan: Restore,
    *,
    force: bool = False,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Receipt, Checkpoint | None]":
    """Do what was planned.

    Returns:
        The receipt of the new revision, and the checkpoint that was made of the state before; None where there was
        none, or when the same was done before under the idempotency key.

    Raises:
        MilestoneError: `conflict` when others would lose work, unless `force`; `revision_conflict` when the state is
            not the one that was planned with.
    """
    milestone, name, text = plan.checkpoint.milestone, plan.checkpoint.name, plan.checkpoint.proved()
    request = (b"checkpoint restore", name.encode(), text)
    known = once(milestone, key, *request)
    if known and (done := store.transact([], lambda: Plan("look"), lock_timeout(store, timeout), known)):
        return done[0], None
    if plan.blockers and not force:
        raise MilestoneError(
            "conflict",
            f"restoring would take work away: {'; '.join(plan.blockers)}",
            "end it first, or give --force",
            milestone_id=milestone,
            lock=plan.holder,
            sessions=[one.id for one in plan.sessions],
        )
    before = None
    if plan.present is not None:
        why = f"before restoring {name}"
        before, _ = create(store, milestone, None, why, timeout=timeout, prefix="pre-restore", sha256=plan.sha256)

    def edit(old: "bytes | None") -> bytes:
        if plan.revision is not None and (digest(old) if old is not None else "") != plan.sha256:
            raise changed(milestone)
        return text

    data = {"checkpoint_name": name, **({"pre_restore": before.name} if before else {})}
    event = draft(store, "state_restored", dumps(data))
    return commit(store, milestone, event, edit, request, expect=plan.revision, key=key, timeout=timeout), before
