"""Where the checkpoints of sessions stand, and what of a record they keep; what making one needs, and no more."""

from milestone_cli.core.record import squeezed
from milestone_cli.jsontext import members, quote, skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

KIND, PART = "session-checkpoint", "session-part"
KEPT = ("session_id", "milestone_id", "created_at", "user", "working_directory", "git_branch", "type", "client",
        "metadata", "context", "configuration", "state", "progress", "operation")  # fmt: skip
"""What of a record comes back in a recovery; the rest says whose process it is, and what was done since."""
FIRST = "initialization"
"""Name of, and reason for, the checkpoint that is made with a session."""


def names(store: "Store", session: str) -> "list[str]":
    """Names of a session's checkpoints."""
    return [key[len(session) + 1 :] for key in store.keys(KIND, session)]


def file(session: str, name: str) -> str:
    """How the log names a checkpoint's document."""
    return f".milestones/state/sessions/{session}/checkpoints/{name}/checkpoint.yaml"


def kept_of(text: str) -> bytes:
    """The members of a record that come back, each as it is written there but for white space."""
    spans = {key: text[start:end] for key, _, start, end in members(text, skip(text, 0))}
    lines = [f"  {quote(key)}: {squeezed(spans[key])}" for key in KEPT if key in spans]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
