"""Saying no on purpose: what `--block` asks for, at the events where the client takes a no."""

from milestone_cli.core.hook import Turn
from milestone_cli.core.hook.acts import meant
from milestone_cli.storage import open_store

BLOCKABLE = ("UserPromptSubmit", "PreToolUse", "PreCompact", "TaskCreated", "TaskCompleted")
"""Where exit 2 stops what is about to happen, and nothing worse."""


def refusal(turn: Turn, policy: str, reason: str) -> str:
    """Why the client shall not go on, a sentence; empty when it may.

    Args:
        turn: the call.
        policy: `completed`: the milestone is completed; `locked`: somebody else holds its lock; `unrecorded`: the
            call is not in the log; `any` of them.
        reason: why it is not recorded, or empty.
    """
    call = turn.call
    if call is None or call.event not in BLOCKABLE or turn.path is None:
        return ""
    if reason and policy in ("unrecorded", "any"):
        return f"not recorded: {reason}"
    store = open_store(turn.path)
    milestone = meant(store, call)[1]
    if milestone is None:
        return ""
    if (
        policy in ("completed", "any")
        and store.modified("completed", milestone)
        and not store.modified("active", milestone)
    ):
        return f"the milestone {milestone} is completed; `milestone state reopen {milestone}` makes it active again"
    if policy in ("locked", "any") and (holder := store.lock_holder(milestone)):
        return f"the milestone {milestone} is locked by process {holder.get('pid')}"
    return ""
