"""The name of a store in PostgreSQL: libpq's URL, and the project behind a `#`; never shown with a password.

postgresql://user@host:5432/database?sslmode=verify-full#project
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe

DEFAULT = "default"
"""The project of a URL that names none."""
SECRET = "***"  # noqa: S105 - what stands in a secret's place


def split(url: str) -> "tuple[str, str]":
    """Part a store's name into the URL for libpq and the project.

    Raises:
        MilestoneError: `invalid_config` when it is none, `invalid_name` for the project.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise MilestoneError(
            "invalid_config",
            f"'{mask(url)[:140]}' is neither a folder nor a database",
            "write postgresql://USER@HOST/DATABASE#PROJECT",
        )
    if _is_ambiguous(url.partition("://")[2]):
        raise unreadable()
    # A fragment follows the last slash; a # before it may belong to a password.
    at = url.rfind("#")
    if at < 0 or at < url.rfind("@"):
        return url, DEFAULT
    return url[:at], safe(url[at + 1 :], "project")


def _is_ambiguous(rest: str) -> bool:
    """Whether libpq would take a part of the password for host, port or database, and name it in its messages."""
    at, slash = rest.find("@"), rest.find("/")
    has_credentials = at >= 0 and (slash < 0 or at < slash)
    return "@" in (rest[at + 1 :] if has_credentials else rest).partition("?")[0]


def unreadable() -> MilestoneError:
    """The error for a URL that says nothing of what is in it."""
    return MilestoneError(
        "invalid_config",
        "the URL of the store cannot be read",
        "write postgresql://USER@HOST/DATABASE#PROJECT, with %XX for special characters in a password",
    )


def mask(text: str) -> str:
    """Put stars in the place of every password in what holds URLs, such as a command line."""
    return " ".join([_mask_word(word) for word in text.split(" ")]) if "://" in text or "password=" in text else text


def _mask_word(word: str) -> str:
    before, scheme, rest = word.partition("://")
    user, at, after = rest.rpartition("@")
    if scheme and at and ":" in user:
        word = f"{before}://{user.partition(':')[0]}:{SECRET}@{after}"
    pieces = word.split("password=")
    for index, piece in enumerate(pieces[1:], 1):
        ends = [piece.index(mark) for mark in "&#" if mark in piece]
        pieces[index] = SECRET + (piece[min(ends) :] if ends else "")
    return "password=".join(pieces)
