"""Pins: what keeps a checkpoint, of a milestone or of a session, from every removal."""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]


def pin(reason: "str | None") -> "Facts":
    """A pin of now."""
    return {"reason": reason, "at": runtime.timestamp(runtime.now_ns()), "by": runtime.user()}


def refuse_pinned(name: str, pinned: "Facts | None", words: str, **whose: object) -> None:
    """Refuse to remove what is pinned.

    Args:
        name: of the checkpoint.
        pinned: its pin; None for none.
        words: by which a command names it.
        whose: the same for machines.

    Raises:
        MilestoneError: `conflict`, with the reason of the pin.
    """
    if pinned is not None:
        reason = pinned.get("reason")
        raise MilestoneError(
            "conflict",
            f"the checkpoint '{name}' is pinned{f': {reason}' if reason else ''}",
            f"`milestone checkpoint unpin {words}` lets it go",
            **whose,
            checkpoint_name=name,
        )
