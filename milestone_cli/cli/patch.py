"""The command `milestone state patch`."""

from milestone_cli.core import current_milestone
from milestone_cli.core.states.patch import patch as apply
from milestone_cli.storage import open_store

from .data import is_data, read_data
from .state import acknowledge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import Data, Format, IdempotencyKey, LockTimeout, MilestoneId
    from .options.states import IfRevision, PatchType


def patch(
    milestone: "MilestoneId" = None,
    data: "Data" = None,
    form: "PatchType" = "merge",
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Patch a state, all or nothing; what the patch does not name keeps its exact text.

    merge (RFC 7396) takes an object of what changes, in which null removes. json (RFC 6902) takes an array of
    operations.

    Example: milestone state patch demo '{"step": 3, "draft": null}'
    """
    if data is None and is_data(milestone):
        milestone, data = None, milestone
    store = open_store()
    name = current_milestone(store, milestone)
    raw = read_data(data)
    receipt = apply(store, name, raw, form, expect=if_revision, key=idempotency_key, timeout=lock_timeout)
    acknowledge("state-patch", receipt, "patched", output)
