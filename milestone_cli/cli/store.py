"""The commands without a group: init, status, schema; and `config show`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Format, Kind, MilestoneId


def init(milestone: "MilestoneId" = None, output: "Format" = "text") -> None:
    """Make a store here, and a milestone in it.

    Example: milestone init demo
    """


def status(milestone: "MilestoneId" = None, output: "Format" = "text") -> None:
    """Tell where the work stands: revision, last events, sessions, lock.

    Example: milestone status demo
    """


def schema(kind: "Kind" = None) -> None:
    """Print the JSON Schema of a kind of output.

    Example: milestone schema state-save
    """


def config_show(output: "Format" = "text") -> None:
    """Show every setting, its value, and where the value comes from.

    Example: milestone config show
    """
