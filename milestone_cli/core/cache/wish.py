"""How a command shall be run that is answered from the cache, and what it is given to read."""

import os

from milestone_cli.errors import MilestoneError

WAIT = 600.0
"""Seconds to wait for another one's run of the same command, unless it is said."""
GIVEN = 32 << 20
"""Most bytes of standard input that a question can have."""


class Wish:
    """How a command shall be run.

    Attributes:
        patterns: of its inputs.
        names: of the variables that its result depends on.
        reads: it reads standard input, which belongs to the question; else it has an empty one.
        ttl: nanoseconds for which its result holds; None: as configured.
        agent, tags: what the entry is found by.
        namespace: where it is kept.
        failures: keep the result when its exit code is not 0.
        refresh: run it whatever is kept.
        explain: say why it was a hit or a miss.
        wait: seconds to wait for another one's run.
    """

    def __init__(self) -> None:
        self.patterns: list[str] = []
        self.names: list[str] = []
        self.reads = False
        self.ttl: int | None = None
        self.agent = ""
        self.tags: list[str] = []
        self.namespace: str | None = None
        self.failures = False
        self.refresh = False
        self.explain = False
        self.wait = WAIT


def standard_input() -> "tuple[int, str]":
    """Standard input, read to its end into a file without a name, and its checksum.

    Raises:
        MilestoneError: `too_large`.
    """
    import tempfile

    from milestone_cli.model import sha256

    hash_, size = sha256(), 0
    with tempfile.TemporaryFile() as file:
        while block := os.read(0, 1 << 16):
            size += len(block)
            if size > GIVEN:
                told = f"standard input has more than {GIVEN >> 20} MB"
                raise MilestoneError("too_large", told, "write it to a file, and name that with --input")
            hash_.update(block)
            file.write(block)
        file.flush()
        fd = os.dup(file.fileno())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd, hash_.hexdigest()
