"""A change that has no state, only events: what most calls are, so nothing else is loaded for it."""

from milestone_cli import runtime
from milestone_cli.storage.files.log import Log, find_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Change, Receipt
    from milestone_cli.storage.files import FileStore


def append(store: "FileStore", change: "Change") -> "Receipt":
    """Log the events of a change; see `FileStore.commit`."""
    deadline = runtime.monotonic() + change.timeout
    log = Log(store, change.milestone, deadline)
    try:
        store.refuse_unusable(is_writing=True)  # whoever freezes a store waits for the log's lock
        if log.fd < 0:
            from milestone_cli.storage.files.founding import refuse_twin

            refuse_twin(store, log.stream)
        if earlier := known(store, change, log):
            return earlier
        receipt = log.append(change.drafts, change.key, change.request)
        runtime.applied.append(f"event {receipt.sequence} of '{change.milestone}'")
        return receipt
    finally:
        log.close()


def known(store: "FileStore", change: "Change", log: Log) -> "Receipt | None":
    """The receipt of the same request under the same key, when it was done before."""
    if not change.key or log.head_fd < 0 or not (sequence := find_key(log.head_fd, change.key, change.request)):
        return None
    from milestone_cli.storage.files.history import receipt_of

    return receipt_of(store, change.milestone, sequence)
