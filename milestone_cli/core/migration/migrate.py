"""Bringing a store to another format, of whatever kind it is: planned first, and every log proved before and after."""

from milestone_cli.storage.migration import Outcome as Outcome  # noqa: PLC0414 - whoever shows it names it here
from milestone_cli.storage.migration import target
from milestone_cli.storage.sides import open_migrator, open_side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, int], None] | None


def plan(name: "str | None", to: "int | None", *, back: bool) -> Outcome:
    """What a migration would do; nothing is changed.

    Args:
        name: of the store; None: the one that is meant.
        to: format; None: the newest, or with `back` the one before.
        back: from a newer format to an older one.

    Raises:
        MilestoneError: `newer_format`, `usage`, `not_found` when there is no way back, `store_frozen`, `conflict`.
    """
    migrator = open_migrator(name)
    return migrator.begun() or migrator.plan(target(migrator, to, back=back))


def run(name: "str | None", to: "int | None", *, back: bool, progress: "Progress" = None) -> Outcome:
    """Do it; what an earlier one had begun is finished first.

    Raises:
        MilestoneError: as `plan`; `conflict` when somebody else wrote meanwhile: then all is as before.
    """
    migrator = open_migrator(name)

    def sound() -> "list[str]":
        return _sound(name, progress)

    begun = migrator.begun()
    if begun is None:
        return migrator.run(target(migrator, to, back=back), sound)
    begun = migrator.run(begun.end, sound)
    if begun.is_back == back:
        return begun
    migrator = open_migrator(name)  # anew, since folders may have gone
    found = migrator.run(target(migrator, to, back=back), sound)
    found.steps = begun.steps + found.steps
    found.is_resumed = True
    return found


def _sound(name: "str | None", progress: "Progress") -> "list[str]":
    """Names of the logs that prove themselves."""
    from milestone_cli.core.log.verify import verify

    side = open_side(name)
    return [log for log in side.logs() if verify(side.store, log, progress).ok]
