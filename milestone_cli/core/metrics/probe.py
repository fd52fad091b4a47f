"""Trying how long saving and loading take, when somebody asks; what comes out is kept until the next time."""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.measures import note_probe
from milestone_cli.storage.usage import save_times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

STATES = 20
"""States that are read: the first by name."""
ROUNDS = 3
"""Times that each is read."""


def probe(store: "Store") -> "dict[str, object]":
    """Time saves and loads inside of one process: what a command takes beside the start of Python.

    Returns:
        `at`, RFC 3339; `save` and `load`, seconds of each: saves of 1 KB in a scratch store on the same disk (none
        in a database, where they would leave something), and reads of states of this store.
    """
    found: dict[str, object] = {"at": runtime.timestamp(runtime.now_ns())}
    found["save"] = [round(one, 6) for one in save_times(store)]
    found["load"] = [round(one, 6) for one in _load_times(store)]
    note_probe(store.path, found)
    return found


def _load_times(store: "Store") -> "list[float]":
    times = []
    for name in store.keys("active")[:STATES]:
        try:
            times += [_load(store, name) for _ in range(ROUNDS)]
        except MilestoneError as error:
            if error.code not in ("not_found", "damaged", "invalid_name"):
                raise
    return times


def _load(store: "Store", name: str) -> float:
    began = runtime.monotonic()
    store.read(name)
    return runtime.monotonic() - began
