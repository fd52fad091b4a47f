"""Doing several changes all or nothing.

Nothing here knows how a store commits: operations are done to a staging of the store, and what that gathered is one
plan. So what a dry run shows is what would be done.
"""

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once
from milestone_cli.core.record import data_of
from milestone_cli.core.transactions.operations import parse, perform
from milestone_cli.core.transactions.staging import Staging
from milestone_cli.core.transactions.transaction import read, summary
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan
from milestone_cli.storage.transactions import opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]
    Record = dict[str, Any]

REMOVING = ("delete", "checkpoint_delete", "checkpoint_restore")


class Batch:
    """The operations of a text of JSON Lines, with the milestones that they mean; see `operations`.

    Attributes:
        raw: the text.
        operations: in order.
        milestones: that they name, each once.
    """

    __slots__ = ("milestones", "operations", "raw")

    def __init__(self, store: "Store", raw: bytes) -> None:
        """Read the lines.

        Raises:
            MilestoneError: with the number of the line.
        """
        self.raw = raw
        self.operations = parse(store, raw)
        self.milestones = list(dict.fromkeys([one.milestone for one in self.operations if one.milestone]))

    @property
    def removes(self) -> bool:
        """Whether they remove or overwrite more than a state's next revision, so that a person is asked first."""
        return any(one.op in REMOVING for one in self.operations)

    def fields(self, identity: object, record: "Record") -> "Facts":
        """What became of them as JSON values; `identity` is None where nothing was changed."""
        return {"transaction_id": identity, **summary(record), "operations": len(self.operations)}


def preview(store: "Store", batch: Batch) -> "Facts":
    """What doing a batch would change, see `Batch.fields`; nothing is changed.

    Raises:
        MilestoneError: with the number of the line that cannot be done.
    """
    plan = _staged(store, batch, [])
    if plan.refused is not None:
        raise plan.refused
    record = opened(store, plan, runtime.timestamp(runtime.now_ns()), lambda kind, key: f"{kind}/{key}")
    return {**batch.fields(None, record), "dry_run": True, "replayed": False}


def apply(
    store: "Store", batch: Batch, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Facts, list[str]]":
    """Do the operations of a batch, all or nothing.

    Returns:
        What was changed, see `Batch.fields`, as the record of the transaction tells it; and what was repaired on the
        way, in sentences.

    Raises:
        MilestoneError: with the number of the line; nothing is changed then.
    """
    milestones = batch.milestones
    if key and not milestones:
        raise MilestoneError("usage", "an idempotency key needs a milestone, whose log keeps it", "name one")
    plan = Plan("apply")

    def build() -> Plan:
        nonlocal plan
        plan = _staged(store, batch, milestones[:1] if key else [])
        return plan

    named = [one.milestone.encode() for one in batch.operations]
    known = once(milestones[0], key, b"transaction apply", batch.raw, *named) if key else None
    receipts = store.transact(milestones, build, lock_timeout(store, timeout), known)
    replayed = bool(receipts) and receipts[0].replayed
    identity: object = plan.id if plan.puts or plan.events else None
    if replayed:
        identity = data_of(store, milestones[0], receipts[0].event_id).get("transaction_id")
    found = read(store, "committed", str(identity)) if identity else None
    told = batch.fields(identity, found or {"documents": []})
    return {**told, "dry_run": False, "replayed": replayed}, receipts[0].notes if receipts else []


def _staged(store: "Store", batch: Batch, told: list[str]) -> Plan:
    """Do operations to a staging of the store; the plan, refused when one of them cannot be done.

    Args:
        store: where.
        batch: of operations.
        told: streams that shall hear of it in any case, so that a key can be kept there.
    """
    staging = Staging(store, Plan("apply", runtime.new_transaction_id(runtime.now_ns())))
    plan = staging.plan
    try:
        for one in batch.operations:
            perform(staging, one)  # type: ignore[arg-type]
    except MilestoneError as error:
        plan.refused = error
        error.details["transaction_id"] = plan.id
        return plan
    streams = staging.finish()
    if plan.puts or plan.events:
        streams = list(dict.fromkeys([*streams, *told]))
        said = dumps({"transaction_id": plan.id, "operations": len(batch.operations), "milestones": streams})
        plan.events += [(stream, draft(store, "transaction_committed", said)) for stream in streams]
    return plan
