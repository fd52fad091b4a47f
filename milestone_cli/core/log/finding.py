"""One thing worth saying about a log: what, where, and what would mend it."""

from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Edit


class Finding:
    """Something that was found.

    Attributes:
        severity: "damage"; "unread" for what the disk does not give now, which proves nothing; "note".
        code: what it is; machines rely on it.
        message: the same for people.
        line: number of the line, counted from 1; 0 where it concerns none.
        offset: of the line, in bytes.
        edits: what would mend it, once it is proved that nothing is invented; empty for nothing.
        after: sequence number of the last event of ours before it.
        key: what tells this damage from every other, so that it can be acknowledged and no other with it.
    """

    __slots__ = ("after", "code", "edits", "key", "line", "message", "offset", "severity")

    def __init__(self, severity: str, code: str, message: str, line: int = 0, offset: int = 0) -> None:
        self.severity = severity
        self.code = code
        self.message = message
        self.line = line
        self.offset = offset
        self.edits: list[Edit] = []
        self.after = 0
        self.key = ""

    def known_by(self, line: bytes, *words: object) -> "Finding":
        """Tell this damage from others by the line that it concerns, and by what else is known."""
        self.key = ":".join([self.code, *map(str, words), digest(line)[:32]])
        return self

    def fields(self) -> "dict[str, object]":
        """The finding as JSON values; line and offset are null where it concerns no line."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "line": self.line or None,
            "offset": self.offset if self.line else None,
        }
