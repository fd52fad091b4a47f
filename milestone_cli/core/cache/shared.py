"""A cache whose entries many machines share through the database; see `SharedCache`."""

from milestone_cli.core.cache.bounds import Bounds
from milestone_cli.core.cache.entries import Cache
from milestone_cli.core.cache.opening import root_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


class SharedCache(Cache):
    """A namespace in the database, with the tiers of this machine in front of it."""

    def __init__(self, store: "Store", namespace: str, bounds: Bounds, *, timeout: float) -> None:
        """Name it; nothing is made but a folder for the user."""
        super().__init__(root_of(store), namespace, bounds, timeout=timeout)
        self.store = store
