"""Why a command was run, or was not, in sentences for people."""

from milestone_cli import runtime
from milestone_cli.core.cache.inputs import MISSING
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.entry import Entry
    from milestone_cli.core.cache.question import Facts, Question
    from milestone_cli.storage.files.folders import Folders

SHOWN = 5
"""Differences of one sort that are named; the others are counted."""
LONG = 60
"""Characters of an argument that are shown."""


def hit(kept: "Entry", question: "Question") -> str:
    """What is written again."""
    spared = kept.meta.get("seconds")
    took = f" and took {spared:.1f} s" if isinstance(spared, float) else ""
    count = question.inputs.count()
    same = f"; {count} input{'s' * (count != 1)} unchanged" if question.inputs.patterns else ""
    return f"cache hit: it ran {_ago(runtime.now_ns() - kept.created)}{took}{same}"


def miss(question: "Question", known: "list[Facts]") -> "list[str]":
    """Why there is nothing to write again, by what is known of earlier runs, oldest first."""
    now = question.facts()
    same = [one for one in known if one.get("key") == question.key]
    if same:
        at = same[-1].get("at")
        age = f" {_ago(runtime.now_ns() - at)}" if isinstance(at, int) else ""
        return [f"cache miss: it ran{age}, and that result has expired, was removed or is a failure"]
    like = _nearest(now, known)
    if like is None:
        return ["cache miss: no earlier run of this command is known"]
    first, *others = _differences(now, like) or ["something else differs"]
    return [f"cache miss: {first}", *[f"            {one}" for one in others]]


def earlier(folders: "Folders | None", namespace: str) -> "list[Facts]":
    """What is known of earlier runs, oldest first."""
    if folders is None:
        return []
    from milestone_cli.storage.files import runlog

    found: list[Facts] = []
    for line in runlog.read(folders, namespace):
        try:
            one = loads(line)
        except ValueError:
            continue  # of a writer that was killed
        if isinstance(one, dict):
            found.append(one)
    return found


def _ago(ns: int) -> str:
    """How long ago something was, in its largest unit."""
    seconds = max(0, ns) // 10**9
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if seconds >= unit:
            return f"{seconds // unit}{name} ago"
    return "just now"


def _nearest(now: "Facts", earlier: "list[Facts]") -> "Facts | None":
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


def _differences(now: "Facts", then: "Facts") -> "list[str]":
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
