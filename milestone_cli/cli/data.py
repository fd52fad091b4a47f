"""Data on the command line: the word itself, `@FILE`, or `-` for standard input; read with a bound."""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import LIMIT


def is_data(word: "str | None") -> bool:
    """Whether a word that could be an ID or data is data."""
    return word is not None and (word[:1] in ("{", "[", '"', "@") or word == "-") and word != ""


def read_data(word: "str | None") -> bytes:
    """The data that a word means; without a word, standard input when it is no terminal.

    Raises:
        MilestoneError: `usage` without any data, `not_found` without the file, `too_large`.
    """
    if word is None:
        if runtime.is_terminal(0):
            raise MilestoneError(
                "usage", "there is no data", "give it as an argument, as @FILE, or through standard input"
            )
        return read_all(0, "standard input")
    if word == "-":
        return read_all(0, "standard input")
    if word[:1] != "@":
        return os.fsencode(word)
    try:
        fd = os.open(word[1:], os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise MilestoneError(
            "not_found", f"cannot read '{word[1:][:200]}': {error.strerror}", "name a file that is there", file=word[1:]
        ) from None
    try:
        return read_all(fd, word[1:])
    finally:
        os.close(fd)


def read_all(fd: int, what: str) -> bytes:
    """Read a descriptor to its end.

    Raises:
        MilestoneError: `too_large` as soon as it is more than a document may be; `not_found` when it cannot be read.
    """
    blocks = []
    size = 0
    try:
        while block := os.read(fd, 1 << 20):
            blocks.append(block)
            size += len(block)
            if size > LIMIT:
                raise MilestoneError(
                    "too_large",
                    f"{what[:200]} has more than {LIMIT} bytes",
                    "keep large results in files of their own",
                    limit=LIMIT,
                )
    except OSError as error:
        raise MilestoneError(
            "not_found", f"cannot read {what[:200]}: {error.strerror}", "name what can be read"
        ) from None
    return b"".join(blocks)
