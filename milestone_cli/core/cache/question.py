"""What a command's result depends on, as far as it was said: the key of its entry, and what tells two keys apart.

A question is the command's words, the folder it runs in, the program itself by its content, the named variables of the
environment, the inputs by their contents, and what it is given to read where that is asked for. Of variables only
checksums are kept, since they may be secrets.
"""

import os

from milestone_cli import runtime
from milestone_cli.core.cache.inputs import MISSING, Inputs
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
SHOWN = 5
"""Differences of one sort that are named; the others are counted."""
LONG = 60
"""Characters of an argument that are shown."""


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


def nearest(now: "Facts", earlier: "list[Facts]") -> "Facts | None":
    """The earlier question that has most in common with this one, the latest of several; None when none is of its sort.

    Of its sort is one that runs the same program, named by its first word.
    """
    best, most = None, 0
    for one in earlier:
        score = _likeness(now, one)
        if score and score >= most:
            best, most = one, score
    return best


def _likeness(now: "Facts", then: "Facts") -> int:
    words, others = now.get("command"), then.get("command")
    if not isinstance(words, list) or not isinstance(others, list) or words[:1] != others[:1]:
        return 0
    score: int = 1 + 64 * (words == others) + sum(word == other for word, other in zip(words, others, strict=False))
    return score + sum(16 * (now.get(name) == then.get(name)) for name in ("directory", "environment", "inputs"))


def differences(now: "Facts", then: "Facts") -> "list[str]":
    """What differs between a question and an earlier one, in sentences."""
    told = []
    if now.get("command") != then.get("command"):
        told += _of_words(now.get("command"), then.get("command"))
    if now.get("directory") != then.get("directory"):
        told.append(f"the directory is {now.get('directory')}, not {then.get('directory')}")
    if now.get("program") != then.get("program"):
        told += _of_program(now.get("program"), then.get("program"))
    for name, mark in _pairs(now.get("environment"), then.get("environment")):
        told.append(f"the variable {name} {mark}")
    if now.get("given") != then.get("given"):
        told.append("what it reads from standard input differs")
    return told + _of_inputs(now.get("inputs"), then.get("inputs"))


def _of_words(now: object, then: object) -> "list[str]":
    if not isinstance(now, list) or not isinstance(then, list):
        return []
    told = [
        f"argument {at} is {_said(word)}, not {_said(other)}"
        for at, (word, other) in enumerate(zip(now, then, strict=False))
        if word != other
    ]
    told += [f"argument {at}, {_said(now[at])}, is new" for at in range(len(then), len(now))]
    return _few(told + [f"argument {at}, {_said(then[at])}, is gone" for at in range(len(now), len(then))])


def _said(word: object) -> str:
    text = str(word)
    return f"'{text}'" if len(text) <= LONG else f"'{text[:LONG]}…'"


def _of_program(now: object, then: object) -> "list[str]":
    if not isinstance(now, list) or not isinstance(then, list) or len(now) != 2 or len(then) != 2:
        return []
    if now[0] != then[0]:
        return [f"the program is {now[0]}, not {then[0]}"]
    return [f"the program changed: {now[0]}"]


def _pairs(now: object, then: object) -> "list[tuple[str, str]]":
    """What became of each member of one mapping in another."""
    if not isinstance(now, dict) or not isinstance(then, dict):
        return []
    told = []
    for name in sorted({*now, *then}):
        if name not in then:
            told.append((name, "is named now"))
        elif name not in now:
            told.append((name, "is not named any more"))
        elif now[name] != then[name]:
            was_unset, is_unset = then[name] is None, now[name] is None
            told.append((name, "is set now" if was_unset else "is not set now" if is_unset else "changed"))
    return told


def _of_inputs(now: object, then: object) -> "list[str]":
    """What became of the inputs, file by file where the files are known."""
    if not isinstance(now, dict) or not isinstance(then, dict):
        return []
    told = [f"the input '{one}' is named now" for one in now if one not in then]
    told += [f"the input '{one}' is not named any more" for one in then if one not in now]
    for pattern in now:
        if pattern not in then or now[pattern] == then[pattern]:
            continue
        files, others = (_files(side[pattern]) for side in (now, then))
        if files is None or others is None:
            told.append(f"files of the input '{pattern}' changed")
            continue
        for path in sorted({*files, *others}):
            before, after = others.get(path, MISSING), files.get(path, MISSING)
            if before != after:
                verb = "is new" if before == MISSING else "is gone" if after == MISSING else "changed"
                told.append(f"input {verb}: {path}")
    return _few(told)


def _files(side: object) -> "dict[str, str] | None":
    files = side[1] if isinstance(side, list) and len(side) == 2 else None
    return files if isinstance(files, dict) else None


def _few(told: "list[str]") -> "list[str]":
    return told if len(told) <= SHOWN else [*told[:SHOWN], f"and {len(told) - SHOWN} more"]
