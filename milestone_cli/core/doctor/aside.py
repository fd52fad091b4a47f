"""What several checks of `doctor` do alike: moving what is ill into the quarantine, and how far back they look."""

from milestone_cli.core import lock_timeout
from milestone_cli.model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

LATELY = 7 * 86_400 * 1_000_000_000
"""Nanoseconds for which a failure is told."""
SKEW = 5 * 1_000_000_000
"""Nanoseconds by which clocks may differ without a word."""


def mover(
    store: "Store",
    kind: str,
    key: str,
    why: str,
    *,
    milestone: str = "",
    what: str = "it",
    is_ill: "Callable[[], bool]" = lambda: True,
) -> "Callable[[], str]":
    """A repair that moves a document into the quarantine, unless it was healed or replaced meanwhile.

    Args:
        store: where.
        kind: of the document.
        key: of the document.
        why: what stands beside it in the quarantine.
        milestone: whose lock is held; empty for none.
        what: the document as the sentence about it names it.
        is_ill: asked again behind the lock.
    """

    def repair() -> str:
        place = ""

        def build() -> Plan:
            nonlocal place
            if is_ill():
                place = store.set_aside(kind, key, why)
            return Plan("set_aside")

        store.transact([milestone] if milestone else [], build, lock_timeout(store, None))
        return f"moved {what} to '{place}'" if place else ""

    return repair
