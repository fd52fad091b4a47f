"""Schemas of tasks, of claims, and of reports."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, STRING, TIME, Schema, array, nullable, record

STATUS: Schema = {"enum": ["pending", "in_progress", "completed", "failed", "cancelled", "damaged"]}
SECONDS: Schema = {"type": "number", "minimum": 0}
TASK: dict[str, Schema] = {
    "id": NAME,
    "description": nullable(STRING),
    "status": STATUS,
    "tool": nullable(STRING),
    "created_at": nullable(STRING),
    "updated_at": nullable(STRING),
    "started_at": nullable(STRING),
    "completed_at": nullable(STRING),
    "reason": {**nullable(STRING), "description": "why it failed, or was cancelled"},
    "depends_on": array(STRING),
    "agent_id": {**nullable(NAME), "description": "who works at it, or did"},
    "milestone_id": nullable(NAME),
    "session_id": nullable(NAME),
    "log_count": {**COUNT, "description": "entries of its log; the events have them all"},
    "revision": COUNT,
    "trouble": {**nullable(STRING), "description": "why its file cannot be read"},
}
STANDING: dict[str, Schema] = {
    "waits_for": {**array(STRING), "description": "what must be completed before it can be begun"},
    "ready": {**FLAG, "description": "a claim would give it away"},
    "claimed_by": nullable(STRING),
    "claim_ended": {**FLAG, "description": "its holder is dead, or its lease is over"},
    "evidence": {**nullable(STRING), "description": "what tells whether the claim has ended"},
}
ENTRY = record({"timestamp": STRING, "level": STRING, "type": STRING, "message": STRING})
CLAIM = record({"agent": STRING, "expires_at": TIME, "lease_seconds": SECONDS})
WHOLE: dict[str, Schema] = {
    **TASK,
    "logs": {**array(ENTRY), "description": "the last ones, oldest first"},
    "result": {"description": "any JSON value"},
    "claim": nullable(CLAIM),
}
METRICS = record(
    {
        **{f"{word}_tasks": COUNT for word in ("total", "completed", "failed", "pending", "in_progress", "cancelled")},
        "average_completion_time": {**nullable(SECONDS), "description": "seconds from the start"},
    }
)
FREED = record({"id": NAME, "agent_id": STRING, "evidence": STRING})
KINDS: dict[str, tuple[str, Schema]] = {
    "task-change": ("A task that was made or changed.", record({**TASK, "changed": FLAG, "replayed": FLAG})),
    "task-list": ("Tasks, oldest first.", record({"tasks": array(record({**TASK, **STANDING}))})),
    "task-show": ("All of a task.", record({**WHOLE, **STANDING})),
    "task-claim": (
        "A task that is the agent's now.",
        record({**WHOLE, "renewed": FLAG, "replayed": FLAG, "freed": array(FREED)}),
    ),
    "task-delete": (
        "A task that was deleted, or would be.",
        record(
            {
                **TASK,
                "dependents": {**array(STRING), "description": "what waits for it no longer then"},
                "refused": {**array(STRING), "description": "why it stays"},
                "transaction_id": nullable(STRING),
                "removed": FLAG,
                "replayed": FLAG,
            }
        ),
    ),
    "task-report": (
        "What was done, and what is open.",
        record(
            {
                "generated_at": TIME,
                "milestone_id": nullable(NAME),
                "session_id": nullable(STRING),
                "metrics": METRICS,
                "tasks": array(record({**WHOLE, **STANDING})),
            }
        ),
    ),
}
