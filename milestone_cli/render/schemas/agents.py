"""Schemas of agents, their health, and synchronisation points."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, STRING, TIME, Schema, array, nullable, record

NUMBER: Schema = {"type": "number", "minimum": 0}
OBJECT: Schema = {"type": "object"}
METRICS = record({"operations_completed": COUNT, "errors_encountered": COUNT, "total_execution_time": NUMBER})
AGENT: dict[str, Schema] = {
    "agent_id": NAME,
    "status": {"enum": ["active", "retired", "failed", "damaged"]},
    "type": nullable(STRING),
    "session_id": nullable(STRING),
    "milestone_id": nullable(NAME),
    "registered_at": nullable(TIME),
    "last_updated": nullable(TIME),
    "ended_at": nullable(TIME),
    "reason": nullable(STRING),
    "host": nullable(STRING),
    "user": nullable(STRING),
    "command": nullable(STRING),
    "pid": nullable(COUNT),
    "state": OBJECT,
    "metrics": METRICS,
    "dependencies": array(NAME),
    "subscribers": {**array(NAME), "description": "agents that depend on it"},
    "subscriptions": {**array(STRING), "description": "types of events; * and ? match any text"},
    "exit_code": nullable({"type": "integer"}),
}
VITALS: dict[str, Schema] = {
    "agent_id": NAME,
    "type": nullable(STRING),
    "status": {"enum": ["active", "retired", "failed", "damaged"]},
    "health": {"enum": ["healthy", "stale", "dead", "unknown", "retired"]},
    "evidence": array(STRING),
    "session_id": nullable(STRING),
    "milestone_id": nullable(NAME),
    "pid": nullable(COUNT),
    "host": nullable(STRING),
    "last_heartbeat": nullable(TIME),
    "silent_seconds": nullable(NUMBER),
}
BURIED = array(
    record(
        {
            "agent_id": NAME,
            "evidence": STRING,
            "locks": array(STRING),
            "syncs": array(STRING),
            "tasks": {**array(STRING), "description": "that it had claimed, and that are pending again"},
            "last_checkpoint": nullable(STRING),
        },
        ["agent_id", "evidence", "locks", "syncs", "last_checkpoint"],
    )
)
HEALTH: dict[str, Schema] = {
    "session_id": nullable(STRING),
    "healthy": COUNT,
    "stale": COUNT,
    "dead": COUNT,
    "unknown": COUNT,
    "agents": array(record(VITALS)),
    "buried": {**BURIED, "description": "the dead that were recorded as failed now"},
}
ANSWERS: Schema = {
    "type": "object",
    "additionalProperties": record({"at": TIME, "revision": COUNT, "state": nullable(OBJECT)}),
}
SYNC: dict[str, Schema] = {
    "sync_id": nullable(NAME),
    "status": {"enum": ["in_progress", "completed", "failed"]},
    "session_id": nullable(STRING),
    "milestone_id": nullable(NAME),
    "trigger_agent": STRING,
    "started_at": TIME,
    "ended_at": nullable(TIME),
    "timeout": NUMBER,
    "reason": nullable(STRING),
    "participants": array(NAME),
    "answers": ANSWERS,
    "lost": {"type": "object", "additionalProperties": STRING, "description": "who died or left, and why"},
    "missing": array(NAME),
    "replayed": FLAG,
    "agreed": {"type": "boolean", "description": "all answers name the same revision"},
}
NEEDED = ["sync_id", "status", "participants", "answers", "lost", "missing"]
KINDS: dict[str, tuple[str, Schema]] = {
    "agent-register": ("An agent that was made known.", record({**AGENT, "replayed": FLAG, "buried": BURIED})),
    "agent-update": ("An agent of which something was recorded.", record({**AGENT, "replayed": FLAG})),
    "agent-heartbeat": ("A heartbeat.", record({"agent_id": NAME, "beat_at": TIME})),
    "agent-list": (
        "Agents in the order of their registration.",
        record({"agents": array(record({**AGENT, **VITALS}))}),
    ),
    "agent-show": ("One agent, and whether it lives.", record({**AGENT, **VITALS, "open_syncs": array(NAME)})),
    "agent-retire": ("An agent that has left.", record({**AGENT, "changed": FLAG, "replayed": FLAG})),
    "agent-health": ("Whether agents live, and what tells so.", record(HEALTH)),
    "agent-monitor": ("One look of a monitor.", record({**HEALTH, "timestamp": TIME})),
    "sync": ("A synchronisation point; without an id there was nobody to ask.", record(SYNC, NEEDED)),
    "sync-ack": ("A participant's answer.", record({**SYNC, "agent_id": NAME}, [*NEEDED, "agent_id", "replayed"])),
    "sync-list": ("Synchronisation points, oldest first.", record({"syncs": array(record(SYNC, NEEDED))})),
}
