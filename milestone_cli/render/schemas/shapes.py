"""What the schemas of several rooms are made of."""

Schema = dict[str, object]
STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"}
SHA: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME: Schema = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    """Any number of these."""
    return {"type": "array", "items": items}


def record(properties: dict[str, Schema], required: "list[str] | None" = None) -> Schema:
    """An object with these properties, all of them required unless told otherwise; more may stand beside them."""
    return {"type": "object", "properties": properties, "required": required or list(properties)}


SAVED: dict[str, Schema] = {
    "milestone_id": NAME,
    "revision": {"type": "integer", "minimum": 1},
    "sha256": SHA,
    "event_id": STRING,
    "sequence_number": COUNT,
    "timestamp": TIME,
    "replayed": FLAG,
}
OPEN_TASKS: Schema = nullable(
    record(
        {
            **dict.fromkeys(("ready", "waiting", "in_progress", "failed"), COUNT),
            "tasks": array(
                record(
                    {
                        "id": NAME,
                        "description": nullable(STRING),
                        "status": {"enum": ["pending", "in_progress"]},
                        "claimed_by": nullable(STRING),
                        "claim_ended": FLAG,
                    }
                )
            ),
        }
    )
)
"""What is still to be done; null where there is no task."""
CREW: dict[str, Schema] = {
    "tasks": OPEN_TASKS,
    "agents": array(
        record(
            {
                "agent_id": NAME,
                "type": nullable(STRING),
                "health": {"enum": ["healthy", "stale", "dead", "unknown"]},
                "evidence": array(STRING),
                "silent_seconds": nullable({"type": "number", "minimum": 0}),
                "doing": nullable(STRING),
            }
        )
    ),
    "fallen": array(
        record({"agent_id": NAME, "type": nullable(STRING), "reason": nullable(STRING), "ended_at": nullable(TIME)})
    ),
    "syncs": array(
        record(
            {
                "sync_id": NAME,
                "status": {"enum": ["in_progress", "completed", "failed"]},
                "participants": array(NAME),
                "answered": array(NAME),
                "missing": array(NAME),
                "reason": nullable(STRING),
            }
        )
    ),
}
"""Who works on a milestone, who fell, and who waits for whom."""
OPERATION: Schema = {"enum": ["add", "remove", "replace"]}
CHECKPOINT: dict[str, Schema] = {
    "milestone_id": NAME,
    "checkpoint_name": NAME,
    "checkpoint_file": STRING,
    "state": {"enum": ["good", "replaced", "damaged"], "description": "replaced: another program made it again"},
    "trouble": nullable(STRING),
    "created_at": STRING,
    "reason": nullable(STRING),
    "revision": nullable(COUNT),
    "sha256": nullable(STRING),
    "bytes": nullable(COUNT),
    "tags": array(STRING),
    "pinned": nullable({"type": "object", "properties": {"reason": nullable(STRING), "at": STRING, "by": STRING}}),
}
