"""A store as a transaction will leave it: the same functions that change a store change this, and nothing happens yet.

What they do is gathered in one plan. Each sees what those before it did; several changes of one state make one
revision, so none of them is ever seen alone.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError, completed, conflict
from milestone_cli.model import GENESIS, Document, Plan, Receipt
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.revising import revise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Change, Draft
    from milestone_cli.storage.contract import Store

STATES = ("active", "completed")


class Staging:
    """Stands in for a store while a plan is made; what it does not change it reads from there.

    Attributes:
        store: the one that it stands in for.
        plan: what was planned so far; complete after `finish`.
    """

    def __init__(self, store: "Store", plan: Plan) -> None:
        self.store = store
        self.plan = plan
        self._puts: dict[tuple[str, str], bytes | None] = {}
        self._states: dict[str, Draft] = {}  # milestones with a next revision, and its event
        self._texts: dict[str, bytes] = {}  # its text, as long as nobody has asked for its envelope
        self._settled: dict[str, str] = {}  # milestones whose state was kept or moved as it is now, and by what

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    # reading

    def get(self, kind: str, key: str) -> "bytes | None":
        """A document as it will be."""
        if (kind, key) not in self._puts:
            return self.store.get(kind, key)
        if kind == "active" and key in self._texts:
            self._puts[kind, key] = revise(self.store, key, self._texts.pop(key), self._states[key])
        return self._puts[kind, key]

    def modified(self, kind: str, key: str) -> int:
        """When a document will have been written last; 0 when it will not be there."""
        if (kind, key) in self._puts:
            return 0 if self._puts[kind, key] is None else runtime.now_ns()
        return self.store.modified(kind, key)

    def keys(self, kind: str, under: str = "") -> "list[str]":
        """Keys of all documents of a kind that will be there, sorted; or only those that begin with `under/`."""
        staged = {key: data is not None for (one, key), data in self._puts.items() if one == kind}
        if under:
            staged = {key: is_there for key, is_there in staged.items() if key.startswith(under + "/")}
        there = {key for key in self.store.keys(kind, under) if staged.get(key, True)}
        return sorted(there | {*filter(staged.get, staged)})

    def read(self, milestone: str, revision: "int | None" = None) -> Document:
        """A state as it will be, or that of a revision which is there already."""
        if revision is not None or not any((kind, milestone) in self._puts for kind in STATES):
            return self.store.read(milestone, revision)
        found = self._staged(milestone)
        if found is None:
            raise MilestoneError(
                "not_found",
                f"there is no state of '{milestone}' any more",
                "put this operation before the one that removes it",
                milestone_id=milestone,
            )
        return found

    def _staged(self, milestone: str) -> "Document | None":
        raw = self.get("active", milestone) or self.get("completed", milestone)
        if raw is None:
            return None
        document = parse_envelope(raw, milestone)
        if not document.revision:
            head = self.store.head(milestone)
            document.outside, document.revision = True, head.revision if head else 0
        return document

    def lock_holder(self, name: str) -> None:  # noqa: ARG002 - part of the contract
        """Nobody who is in the way: the transaction itself holds the lock."""
        return

    # writing

    def commit(self, change: "Change") -> Receipt:
        """Plan a change of a state, or events."""
        name = change.milestone
        if not change.edit:
            self.plan.events += [(name, draft) for draft in change.drafts]
            return self._receipt(name)
        if not self.modified("active", name) and self.modified("completed", name):
            raise completed(name)
        text, current = self._present(name)
        if change.expect is not None and change.expect != current:
            raise conflict(name, change.expect, current)
        self._revise(name, text, change)
        return self._receipt(name)

    def _present(self, name: str) -> "tuple[bytes | None, int]":
        """A state's text and revision as they will be; None and 0 where there will be none."""
        if name in self._texts:
            head = self.store.head(name)
            return self._texts[name], head.revision + 1 if head else 1
        document = self._staged(name)
        return (document.text, document.revision) if document else (None, 0)

    def _revise(self, name: str, old: "bytes | None", change: "Change") -> None:
        """Make a changed text the next revision of a milestone, in the place of what was to be it so far."""
        assert change.edit is not None
        if name in self._settled:
            raise MilestoneError(
                "invalid_data",
                f"this would change the state of '{name}' once more, after '{self._settled[name]}' took it as it was",
                "put the changes of a state before what keeps or moves it, or make two transactions",
                milestone_id=name,
            )
        text, draft = change.edit(old), change.drafts[0]
        own = self._states.setdefault(name, draft)
        if own is draft:
            self.plan.events.append((name, draft))
        elif own.type != draft.type:
            own.type, draft.data = "state_saved", "{}"
        own.data = self._named(draft.data)
        self._texts[name] = text
        self._put("active", name, b"")  # until somebody asks

    def transact(
        self,
        names: "list[str]",  # noqa: ARG002 - part of the contract
        build: "Callable[[], Plan]",
        timeout: float,  # noqa: ARG002
        once: "tuple[str, str, str] | None" = None,  # noqa: ARG002
    ) -> "list[Receipt]":
        """Take what was planned into the plan."""
        plan = build()
        streams = dict.fromkeys(stream for stream, _ in plan.events)
        for kind, key, data in plan.puts:
            self._texts.pop(key if kind == "active" else "", None)
            self._put(kind, key, data)
            if data is not None and kind in ("checkpoint", "completed", "backup"):
                for name in streams:
                    if kind != "checkpoint" or name in self._states:
                        self._settled[name] = plan.operation
        for stream, draft in plan.events:
            draft.data = self._named(draft.data)
            self.plan.events.append((stream, draft))
        return [self._receipt(stream) for stream in streams]

    def put(self, kind: str, key: str, data: "bytes | None") -> None:
        """Plan that a document, which is no state, has this content, or goes."""
        self._put(kind, key, data)

    def _put(self, kind: str, key: str, data: "bytes | None") -> None:
        self._puts.pop((kind, key), None)
        self._puts[kind, key] = data

    def _named(self, data: str) -> str:
        """An event's data, with the transaction's id."""
        return f'{data[:-1]}{"," if len(data) > 2 else ""}"transaction_id":"{self.plan.id}"}}'

    def _receipt(self, stream: str) -> Receipt:
        return Receipt(stream, self._present(stream)[1], GENESIS, 0, 0, "", runtime.timestamp(runtime.now_ns()))

    def finish(self) -> "list[str]":
        """Complete the plan; the streams that it tells something, in the order of its events."""
        puts = [(kind, key, self.get(kind, key)) for kind, key in self._puts]
        # What goes goes last, so that a state that moves is never in neither place.
        self.plan.puts = sorted(puts, key=lambda put: put[2] is None)
        return list(dict.fromkeys(stream for stream, _ in self.plan.events))
