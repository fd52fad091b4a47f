"""What is to be done as one transaction; others name it by `model`, which loads it when it is asked for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.errors import MilestoneError
    from milestone_cli.model import Draft


class Plan:
    """A mutation of several documents and logs, all or nothing.

    Attributes:
        operation: its name, for people.
        puts: kind, key, and the whole new content, or None where the document goes; in the order of applying. A
            state's next revision is what `revising.revise` makes.
        events: the stream that each event belongs to, and the event.
        id: of the transaction; empty: the store gives it one.
        refused: why nothing of it shall be done: the store leaves a record of that, and raises it.
    """

    __slots__ = ("events", "id", "operation", "puts", "refused")

    def __init__(self, operation: str, id_: str = "") -> None:
        self.operation = operation
        self.id = id_
        self.refused: MilestoneError | None = None
        self.puts: list[tuple[str, str, bytes | None]] = []
        self.events: list[tuple[str, Draft]] = []
