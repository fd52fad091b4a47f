"""What an examination finds, in one small shape: whatever looks at a store, from whichever floor, yields this.

A finding that can be repaired carries the repair, which looks again before it acts: what was repaired meanwhile, or is
in use now, is left alone, so repairing twice does nothing the second time.
"""

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SEVERITIES = ("ok", "note", "warning", "error")
"""From good to bad: a note asks for nothing, a warning weakens a promise, an error is damage or stops the work."""


class Finding:
    """One thing worth saying about a store.

    Attributes:
        check: the subject under which it stands: layout, locks, logs, …
        code: which finding of that check it is; `sound` for an `ok`.
        severity: of `SEVERITIES`.
        message: one sentence; it may hold text from outside.
        fix: what to do about it, or what `repair` does; empty where nothing is to be done.
        subject: the file, milestone, lock or session that it is about; empty where it is the store.
        repair: does what `fix` says and tells in a sentence what it did; an empty one: nothing was left to do.
    """

    __slots__ = ("check", "code", "fix", "message", "repair", "severity", "subject")

    def __init__(
        self,
        check: str,
        code: str,
        severity: str,
        message: str,
        fix: str = "",
        subject: str = "",
        repair: "Callable[[], str] | None" = None,
    ) -> None:
        self.check = check
        self.code = code
        self.severity = severity
        self.message = text(message)
        self.fix = text(fix)
        self.subject = text(subject)
        self.repair = repair

    @property
    def id(self) -> str:
        """What machines tell findings apart by: `locks.stale`."""
        return f"{self.check}.{self.code}"

    def fields(self) -> "dict[str, object]":
        """The finding as JSON values."""
        return {
            "id": self.id,
            "check": self.check,
            "severity": self.severity,
            "message": self.message,
            "fix": self.fix or None,
            "subject": self.subject or None,
            "repairable": self.repair is not None,
        }


def text(name: str) -> str:
    r"""A text in which what was no UTF-8 on the disk stands as `\udcNN`: a name may be any bytes, output may not."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def failed(check: str, error: "MilestoneError | OSError", subject: str = "") -> Finding:
    """The finding that something could not be looked at."""
    hint = error.hint if isinstance(error, MilestoneError) else "see to it that the store can be read"
    what = f"{subject}: " if subject else ""
    return Finding(check, "failed", "error", f"{what}this could not be looked at: {reason(error)}", hint, subject)


def reason(error: "MilestoneError | OSError") -> str:
    """What an error says, in one sentence."""
    if isinstance(error, MilestoneError):
        return error.message
    where = f": {error.filename}" if isinstance(error.filename, str) else ""
    return f"{error.strerror or error}{where}"


def sound(check: str, message: str) -> Finding:
    """The finding that there is nothing to find."""
    return Finding(check, "sound", "ok", message)


def named(names: "Iterable[str]", shown: int = 2) -> str:
    """The first of several names, and how many more there are."""
    all_ = list(names)
    more = f" and {len(all_) - shown} more" if len(all_) > shown else ""
    return ", ".join(all_[:shown]) + more


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where that is due."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
