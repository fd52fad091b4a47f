"""Why a command was run, or was not, in sentences for people."""

from milestone_cli import runtime
from milestone_cli.core.cache.question import differences, nearest
from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.entries import Entry
    from milestone_cli.core.cache.question import Facts, Question
    from milestone_cli.storage.files.folders import Folders


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
    like = nearest(now, known)
    if like is None:
        return ["cache miss: no earlier run of this command is known"]
    first, *others = differences(now, like) or ["something else differs"]
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
