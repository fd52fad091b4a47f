"""What a command's result depends on, as far as it was said: the key of its entry, and the facts that it is made of.

A question is the command's words, the folder it runs in, the program itself by its content, the named variables of the
environment, the inputs by their contents, and what it is given to read where that is asked for. Of variables only
checksums are kept, since they may be secrets.
"""

import os

from milestone_cli import runtime
from milestone_cli.core.cache.inputs import Inputs
from milestone_cli.core.cache.keys import key_of
from milestone_cli.jsontext import dumps
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.files.checksums import Checksums

    Facts = dict[str, object]

SHORT = 16
"""Hexadecimal digits of a checksum by which two versions are told apart, for people."""
MOST = 500
"""Files of a pattern that are told one by one."""


class Question:
    """A command in its surroundings.

    Attributes:
        command: its words.
        inputs: the files that it depends on.
        key: of its result, 64 hexadecimal digits.
        content: checksum over all inputs.
    """

    def __init__(
        self,
        command: "list[str]",
        patterns: "list[str]",
        names: "list[str]",
        checksums: "Checksums | None" = None,
        given: "str | None" = None,
    ) -> None:
        """Look at everything.

        Args:
            command: its words.
            patterns: of its inputs.
            names: of the variables that it depends on.
            checksums: what is remembered of files.
            given: checksum of what it reads; None: nothing.

        Raises:
            OSError: when an input, or the folder, cannot be read.
        """
        self.command = command
        self._patterns, self._names, self._checksums, self._given = patterns, sorted(set(names)), checksums, given
        self._folder = os.getcwd()
        self._program = program(command[0], self._folder)
        self.look()

    def look(self) -> None:
        """Look at everything (again)."""
        self.inputs = Inputs(self._patterns, self._folder, self._checksums, self._program)
        self._values = {
            name: None if (value := runtime.env(name)) is None else digest(os.fsencode(value)) for name in self._names
        }
        sums = self.inputs.sums()
        self.content = digest(dumps(sums).encode("utf-8", "surrogateescape")) if sums else ""
        self.key = key_of(
            "",
            digest(b"\0".join([os.fsencode(word) for word in self.command])),
            inputs=[("inputs", self.content), ("program", self.inputs.program)],
            directory=digest(os.fsencode(self._folder)),
            environment=dumps(self._values),
            given=self._given or "",
        )

    def facts(self) -> "Facts":
        """What tells this question from others, as JSON values."""
        sums = self.inputs.sums()
        return {
            "key": self.key,
            "command": [_text(word) for word in self.command],
            "directory": _text(self._folder),
            "environment": {name: value and value[:SHORT] for name, value in self._values.items()},
            "program": [_text(self._program), self.inputs.program[:SHORT]],
            "given": self._given and self._given[:SHORT],
            "inputs": {
                _text(pattern): [
                    sums[pattern][:SHORT],
                    {_text(path): sum_[:SHORT] for path, sum_ in files} if len(files) <= MOST else None,
                ]
                for pattern, files in self.inputs.files.items()
            },
        }


def program(word: str, folder: str) -> str:
    """The file that a command runs, as the system finds it; empty when it finds none."""
    if "/" in word:
        return os.path.join(folder, word)
    for place in (runtime.env("PATH") or os.defpath).split(":"):
        path = os.path.join(folder, place, word)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def _text(word: str) -> str:
    """A word as a text that JSON can hold, whatever bytes are in it."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
