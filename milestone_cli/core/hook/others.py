"""What the events say that do not tell of one call of a tool; as with those, names and numbers, and no payload.

Two texts are kept, for the work cannot be found again without them: what a compaction kept of the conversation, and the
subject of a task. What looks like a secret is taken out of both.
"""

from milestone_cli.core.hook.facts import LONGEST, by, named, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.hook.facts import Facts

SEVERAL = 50
"""Calls of a batch that are told one by one."""
SUMMARY = 20_000
"""Characters of a summary that are kept."""


def _batch(payload: "Facts") -> "Facts":
    """The tools of several calls, and what each was for."""
    calls = payload.get("tool_calls")
    found = [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []
    tools = [named(one, payload.get("cwd")) for one in found[:SEVERAL]]
    return by(payload, {"count": len(found), "tools": tools})


def _prompt(payload: "Facts") -> "Facts":
    prompt = payload.get("prompt")
    return by(payload, {"characters": len(prompt) if isinstance(prompt, str) else 0})


def _subagent(payload: "Facts") -> "Facts | None":
    """A subagent's kind; one without a kind is the compaction itself, of which other events tell."""
    kind = word(payload.get("agent_type"))
    return {"agent_type": kind} if kind else None


def _texts(*names: str) -> "Callable[[Facts], Facts]":
    """Short texts of the payload, under their own names."""

    def facts(payload: "Facts") -> "Facts":
        return by(payload, {name: text for name in names if (text := word(payload.get(name)))})

    return facts


def _summary(payload: "Facts") -> "Facts":
    """What the compaction kept of the conversation: the client's own words, so secrets are taken out."""
    from milestone_cli.core.hook.redact import redacted

    summary = payload.get("compact_summary")
    text = redacted(summary, SUMMARY) if isinstance(summary, str) else ""
    return {"trigger": word(payload.get("trigger")) or "", "summary": text}


def _task(payload: "Facts") -> "Facts":
    from milestone_cli.core.hook.redact import redacted

    subject = payload.get("task_subject")
    data: Facts = {"task_id": word(payload.get("task_id")) or ""}
    if isinstance(subject, str):
        data["subject"] = redacted(subject, LONGEST)
    return by(payload, data)


FACTS: "dict[str, Callable[[Facts], Facts | None]]" = {
    "PostToolBatch": _batch,
    "UserPromptSubmit": _prompt,
    "SubagentStart": _subagent,
    "SubagentStop": _subagent,
    "TaskCreated": _task,
    "TaskCompleted": _task,
    "Notification": _texts("notification_type"),
    "StopFailure": _texts("error"),
    "PostCompact": _summary,
    "SessionStart": _texts("source", "model", "transcript_path", "cwd"),
    "SessionEnd": _texts("reason"),
    "PreCompact": _texts("trigger"),
    "Stop": _texts(),
}
"""The facts of each event; None where it is not recorded."""
