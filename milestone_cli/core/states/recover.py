"""Recovery on demand: the newest copy that proves itself in the place of a state that is damaged or gone.

`state load` does the same for a damaged state unasked. A damaged file is set aside, never deleted, and what another
milestone saved is never taken.
"""

from milestone_cli.core import commit, draft, lock_timeout
from milestone_cli.core.states.lifecycle import move, reopen_damaged
from milestone_cli.errors import MilestoneError, completed, conflict
from milestone_cli.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document
    from milestone_cli.storage.contract import Store


class Recovery:
    """What is to be recovered, and from what.

    Attributes:
        trouble: what is the matter: `damaged`, `missing`, or `none`.
        source: the copy: a file of the store, or `the log`; empty when nothing is to be done.
        copy: what it holds.
        completed: the state is a completed one.
    """

    __slots__ = ("completed", "copy", "milestone", "source", "trouble")

    def __init__(self, milestone: str) -> None:
        self.milestone = milestone
        self.trouble = "none"
        self.source = ""
        self.copy: Document | None = None
        self.completed = False

    def fields(self) -> "dict[str, object]":
        """The plan as JSON values."""
        return {
            "milestone_id": self.milestone,
            "trouble": self.trouble,
            "source": self.source or None,
            "bytes": len(self.copy.text) if self.copy else None,
            "sha256": self.copy.sha256 if self.copy else None,
        }


def plan(store: "Store", milestone: str, name: "str | None" = None) -> Recovery:
    """Find out what is the matter with a state, and which copy would take its place; nothing is changed.

    Args:
        store: where.
        milestone: whose.
        name: a backup or checkpoint to take, also when nothing is the matter; left out: the newest good copy.

    Raises:
        MilestoneError: `not_found`, and `damaged` when no copy is good.
    """
    found = Recovery(milestone)
    trouble: MilestoneError | None = None
    found.completed = not store.modified("active", milestone) and bool(store.modified("completed", milestone))
    try:
        store.read(milestone)
    except MilestoneError as error:
        if error.code not in ("damaged", "not_found"):
            raise
        found.trouble = "damaged" if error.code == "damaged" else "missing"
        trouble = error
    if found.trouble == "none" and name is None:
        return found
    try:
        found.source, found.copy = store.good_copy(milestone, name)
    except MilestoneError as lost:
        if name is not None or trouble is None:
            raise
        trouble.hint = lost.hint
        raise trouble from None
    return found


def run(
    store: "Store",
    found: Recovery,
    *,
    named: bool,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Document, list[str]]":
    """Do what was planned.

    Args:
        store: where.
        found: the plan.
        named: the copy was asked for by name, so it takes the place of a good state too; otherwise the choice is
            made once more under the lock.
        expect: the revision that must be current.
        key: idempotency key.
        timeout: seconds to wait for the lock.

    Returns:
        The state as it is now, and what was done, in sentences.
    """
    name, copy = found.milestone, found.copy
    if copy is None:
        return store.read(name), []
    if found.completed:
        if found.trouble == "none":
            raise completed(name)
        reopen_damaged(store, name, timeout)
    if found.trouble == "damaged" and not named:
        _expected(store, name, expect)
        notes = store.recover(name, lock_timeout(store, timeout))[1]
    else:
        data = {"backup_file": found.source, "reason": "asked for" if named else "the state is missing"}
        event, request = draft(store, "state_recovered", dumps(data)), found.source.encode() if named else b""
        if found.trouble == "missing" and expect is None:
            expect = 0  # what somebody saved since the plan was made is not overwritten
        receipt = commit(
            store, name, event, lambda _: copy.text, (b"recover", request), expect=expect, key=key, timeout=timeout
        )
        again = " already, under this key" if receipt.replayed else ""
        notes = [*receipt.notes, f"'{name}' was recovered from {found.source}{again}"]
    if found.completed:
        move(store, name, "complete", timeout=timeout)
    return store.read(name), notes


def _expected(store: "Store", milestone: str, expect: "int | None") -> None:
    """Compare with what the log says, since a damaged state does not say its revision."""
    head = store.head(milestone)
    known = head.revision if head else 0
    if expect is not None and expect != known:
        raise conflict(milestone, expect, known)
