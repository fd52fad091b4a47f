"""The keys at the top of a state that tell how the work stands, by which everything that tells it finds its words."""

from milestone_cli.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Document

READABLE = 1 << 20
"""A larger state, in bytes, is not searched for words."""
SHORT = ("title", "goal", "objective", "status", "phase", "step", "progress", "done", "doing", "current_task", "next",
         "next_step", "next_steps", "todo", "blockers")  # fmt: skip
"""Those that a screen has room for, in the order of telling."""
FIRST = ("next", "next_step", "next_steps", "blockers", "goal", "objective", "doing", "current_task")
SECOND = ("title", "status", "phase", "step", "progress", "todo", "tasks", "decisions", "questions", "done", "summary",
          "notes")  # fmt: skip
"""All of them, in the order of their use to whoever goes on."""
NEXT = ("next", "next_step", "next_steps", "todo")
"""Those that say what is to be done next."""


def members_of(document: "Document | None") -> "dict[str, object]":
    """The members of a state; empty where there is none, where it is no object, or too large to be searched."""
    if document is None or len(document.text) > READABLE:
        return {}
    try:
        value = loads(document.text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
