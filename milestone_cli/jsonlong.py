"""Whole numbers of more digits than Python reads at once, which JSON allows; reached only where one stands."""

from _json import make_scanner

from milestone_cli.jsontext import SPACE, Rules, skip


class Long(float):
    """A whole number of more digits than Python reads; written again, it is the same text."""

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, text: str) -> "Long":
        """Keep the text beside its value."""
        made = super().__new__(cls, text)
        made._text = text
        return made

    def __repr__(self) -> str:
        """The number as it stood."""
        return self._text


class _Patient(Rules):
    """Rules for our own records, however long their numbers are."""

    parse_int = staticmethod(lambda text: int(text) if len(text) < 4000 else Long(text))


def scan_long(text: str) -> object:
    """Parse JSON of our own with whole numbers of any length.

    Raises:
        ValueError: when it is none.
    """
    try:
        value, end = make_scanner(_Patient)(text, skip(text, 0))  # type: ignore[arg-type]
    except (StopIteration, RecursionError, SystemError) as error:
        raise ValueError("not JSON") from error
    if text[end:].strip(SPACE):
        raise ValueError(f"something follows the document at character {end}")
    return value
