"""Schemas of events, timelines and their proof."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, SHA, STRING, TIME, Schema, array, nullable, record

EVENT = record(
    {
        "timestamp": TIME,
        "milestone_id": nullable(STRING),
        "session_id": STRING,
        "event_type": STRING,
        "event": {"type": "string", "description": "the type, as the first line of the bash utilities spells it"},
        "data": {"description": "what the event says; an object in our own lines"},
        "pid": {"type": "integer"},
        "user": STRING,
        "agent_id": STRING,
        "event_id": STRING,
        "key": {"type": "string", "description": "idempotency key"},
        "request": {"type": "string", "description": "what tells requests under one key apart"},
        "revision": {"type": "integer", "minimum": 0, "description": "the milestone's revision after this event"},
        "sequence_number": {"type": "integer", "minimum": 1},
        "checksum": SHA,
    },
    ["timestamp"],
)
FINDING = record(
    {
        "severity": {"enum": ["damage", "unread", "note"]},
        "code": STRING,
        "message": STRING,
        "line": nullable(COUNT),
        "offset": nullable(COUNT),
    }
)
KINDS: dict[str, tuple[str, Schema]] = {
    "event-batch": (
        "Events that were logged together.",
        record(
            {
                "milestone_id": NAME,
                "count": COUNT,
                "first_sequence_number": COUNT,
                "sequence_number": COUNT,
                "timestamp": TIME,
                "replayed": FLAG,
            },
            ["milestone_id", "count"],
        ),
    ),
    "event-log": (
        "An event that was logged.",
        record(
            {"milestone_id": NAME, "event_id": STRING, "sequence_number": COUNT, "timestamp": TIME, "replayed": FLAG}
        ),
    ),
    "events-repair": (
        "What repairing a log did, or would do.",
        record(
            {
                "milestone_id": nullable(NAME),
                "session_id": nullable(NAME),
                "dry_run": FLAG,
                "ok": {"type": "boolean", "description": "whether the log is sound: now, or before with dry_run"},
                "event_id": nullable(STRING),
                "sequence_number": nullable(COUNT),
                "kept": {**nullable(STRING), "description": "where the log as it was is kept"},
                "actions": array(
                    {
                        **FINDING,
                        "properties": {
                            **FINDING["properties"],  # type: ignore[dict-item]
                            "action": {"enum": ["mend", "record", "accept", "leave"]},
                            "what": STRING,
                        },
                    }
                ),
                "left": array(FINDING),
            }
        ),
    ),
    "events-replay": (
        "Every change of a state in a range of events, with the state after each.",
        record(
            {
                "milestone_id": nullable(NAME),
                "session_id": nullable(NAME),
                "from": COUNT,
                "to": nullable(COUNT),
                "states": array(
                    record(
                        {
                            "sequence_number": COUNT,
                            "timestamp": TIME,
                            "event_type": STRING,
                            "revision": COUNT,
                            "agent_id": nullable(STRING),
                            "session_id": nullable(STRING),
                            "event_id": nullable(STRING),
                            "sha256": nullable(SHA),
                            "state": {"description": "the state after the event, verbatim; null: it was deleted"},
                        }
                    )
                ),
            }
        ),
    ),
    "cursor": ("The cursor behind events in JSON Lines.", record({"cursor": STRING})),
    "event-count": (
        "How many events matched a query.",
        record({"milestone_id": nullable(NAME), "count": COUNT, "cursor": STRING}, ["milestone_id", "count"]),
    ),
    "events": (
        "Events that matched a query; the milestone is null where they are of all, or of a session alone.",
        record({"milestone_id": nullable(NAME), "events": array(EVENT), "cursor": STRING}, ["milestone_id", "events"]),
    ),
    "session-log": (
        "What happened in a session; no milestone_id where it has no milestone.",
        record({"milestone_id": nullable(NAME), "events": array(EVENT)}),
    ),
    "timeline": (
        "Everything that happened, in order; no milestone_id where it is of all.",
        record({"milestone_id": nullable(NAME), "events": array(EVENT)}),
    ),
    "wait": (
        "What made it true that was waited for; null or empty where it was not asked for.",
        record(
            {
                "event": nullable(EVENT),
                "revision": nullable(COUNT),
                "values": {"type": "object", "description": "the values of the state, by their paths"},
                "agents": {"type": "object", "additionalProperties": STRING, "description": "status by agent"},
                "locks": array(NAME),
                "cursor": nullable(STRING),
            }
        ),
    ),
    "verify": (
        "What verifying logs found.",
        record(
            {
                "ok": FLAG,
                "milestones": array(
                    record(
                        {
                            "milestone_id": nullable(NAME),
                            "session_id": nullable(NAME),
                            "session_events": nullable(COUNT),
                            "ok": FLAG,
                            "events": COUNT,
                            "foreign_lines": COUNT,
                            "revision": COUNT,
                            "findings": array(FINDING),
                        }
                    )
                ),
            }
        ),
    ),
}
