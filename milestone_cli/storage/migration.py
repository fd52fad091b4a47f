"""What every kind of store keeps to when it is brought from one format to another, and back.

Formats are numbered, and so are the steps between them; a store that says nothing has format 0, as the bash utilities
make it. An older one is read as it is. A migration that was killed is gone on with by the next one, or taken back.
"""

from typing import Protocol

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Outcome:
    """What a migration did, or would do.

    Attributes:
        store: path or URL.
        start: format that the store has, or had.
        end: format that it has afterwards.
        steps: a sentence for each step.
        backup: where the store as it was is kept; None where nothing needs that.
        log: where it is told what was done; None where the store itself keeps that.
        kept: what a way back left as it was, because somebody has written it since.
        is_back: it goes from a newer format to an older one.
        is_resumed: an earlier one was killed, and this one goes on with it.
    """

    __slots__ = ("backup", "end", "is_back", "is_resumed", "kept", "log", "start", "steps", "store")

    def __init__(self, store: str, start: int, end: int) -> None:
        self.store = store
        self.start = start
        self.end = end
        self.steps: list[str] = []
        self.backup: str | None = None
        self.log: str | None = None
        self.kept: list[str] = []
        self.is_back = end < start
        self.is_resumed = False

    def fields(self) -> "dict[str, object]":
        """The outcome as JSON values."""
        return {
            "store": self.store,
            "from": self.start,
            "to": self.end,
            "rollback": self.is_back,
            "resumed": self.is_resumed,
            "steps": self.steps,
            "backup": self.backup,
            "log": self.log,
            "kept": self.kept,
        }


class Migrator(Protocol):
    """A store that can be brought to another format.

    Invariant: killed anywhere, the store can be read in every way as before, and the same call finishes what was begun.
    """

    path: str
    newest: int

    def version(self) -> int:
        """The format that the store has."""
        ...

    def begun(self) -> "Outcome | None":
        """What an earlier migration, which was killed, had begun; None when there was none."""
        ...

    def plan(self, end: int) -> Outcome:
        """What a migration to a format would do, forwards or back; nothing is changed.

        Raises:
            MilestoneError: `not_found` when there is no way back; `store_frozen`, `store_moved`.
        """
        ...

    def run(self, end: int, sound: "Callable[[], list[str]]") -> Outcome:
        """Do it, each step whole or not at all; `sound` names the logs that prove themselves.

        Raises:
            MilestoneError: as `plan`; `damaged` when what came out is not what it should be: then all is as before.
        """
        ...


def target(migrator: Migrator, to: "int | None", *, back: bool) -> int:
    """The format that is meant.

    Raises:
        MilestoneError: `newer_format` for a store, or a wish, that this program does not know; `usage`; `not_found`.
    """
    start = migrator.version()
    if start > migrator.newest:
        raise MilestoneError(
            "newer_format",
            f"the store '{migrator.path}' has format {start}; this version of milestone knows {migrator.newest}",
            "install a newer milestone",
        )
    if to is not None and to > migrator.newest:
        raise MilestoneError(
            "newer_format",
            f"this version of milestone knows format {migrator.newest}, not {to}",
            "install a newer milestone",
        )
    if back:
        end = start - 1 if to is None else to
        if end < 0:
            raise MilestoneError(
                "not_found", "the store has the first format, so there is no way back", "leave --rollback out"
            )
        if end > start:
            raise MilestoneError("usage", f"format {end} is not before {start}", "leave --rollback out to go forwards")
        return end
    end = migrator.newest if to is None else to
    if end < start:
        raise MilestoneError("usage", f"the store has format {start} already", "--rollback goes back")
    return end
