"""Schemas of states, their history, and what a status tells."""

from milestone_cli.render.schemas.shapes import (
    CHECKPOINT,
    COUNT,
    CREW,
    FLAG,
    NAME,
    OPERATION,
    SAVED,
    SHA,
    STRING,
    TIME,
    Schema,
    array,
    nullable,
    record,
)

SUMMARY: dict[str, Schema] = {
    "milestone_id": NAME,
    "revision": COUNT,
    "events": COUNT,
    "state": STRING,
    "bytes": COUNT,
    "updated_at": nullable(TIME),
}
STEP: dict[str, Schema] = {
    **SAVED,
    "undo": {"type": "integer", "minimum": 1, "description": "the change that was taken back"},
    "redo": {"type": "integer", "minimum": 1, "description": "the change that was done again"},
    "restores": {"type": "integer", "minimum": 1, "description": "the revision whose text this is"},
    "deleted": {"const": True, "description": "what was taken back is a deletion"},
}
OPEN = ["active", "orphaned"]
KINDS: dict[str, tuple[str, Schema]] = {
    "init": (
        "A store that was made or found.",
        record({"store": STRING, "created": FLAG, "milestone_id": nullable(NAME), "initialized": FLAG}),
    ),
    "overview": (
        "All milestones of a store at a look.",
        record({"store": STRING, "session_id": nullable(STRING), "milestones": array(record(SUMMARY))}),
    ),
    "state-complete": ("A milestone that was completed.", record(SAVED)),
    "state-delete": (
        "A state that was deleted, or would be.",
        record(
            {**SAVED, "dry_run": FLAG, "backup": nullable(STRING), "bytes": COUNT, "completed": FLAG},
            ["milestone_id", "revision", "dry_run", "backup"],
        ),
    ),
    "state-diff": (
        "What differs between two revisions; `changes` is also a JSON Patch (RFC 6902) from the one to the other.",
        record(
            {
                "milestone_id": NAME,
                "from": COUNT,
                "to": COUNT,
                "outside": FLAG,
                "identical": FLAG,
                "changes": array(
                    record({"op": OPERATION, "path": STRING, "value": {}, "old": {}}, ["op", "path"]),
                ),
            }
        ),
    ),
    "state-history": (
        "The revisions of a state, newest first.",
        record(
            {
                "milestone_id": NAME,
                "revisions": array(
                    record(
                        {
                            "revision": COUNT,
                            "timestamp": TIME,
                            "event_type": STRING,
                            "agent_id": nullable(STRING),
                            "session_id": nullable(STRING),
                            "event_id": nullable(STRING),
                            "bytes": nullable(COUNT),
                            "marks": array({"enum": ["undo", "redo", "outside", "restored", "recovered"]}),
                            "changed": nullable(COUNT),
                            "changes": nullable(array(record({"op": OPERATION, "path": STRING}))),
                        }
                    )
                ),
                "removed_through": nullable(COUNT),
            }
        ),
    ),
    "state-list": ("The milestones of a store.", record({"milestones": array(record(SUMMARY))})),
    "state-patch": ("A state that was patched.", record(SAVED)),
    "state-recover": (
        "A state that was recovered, or would be.",
        record(
            {
                "milestone_id": NAME,
                "trouble": {"enum": ["damaged", "missing", "none"]},
                "source": nullable(STRING),
                "bytes": nullable(COUNT),
                "sha256": nullable(SHA),
                "dry_run": FLAG,
                "recovered": FLAG,
                "revision": nullable(COUNT),
            }
        ),
    ),
    "state-redo": ("A change that was done again.", record(STEP, [*SAVED, "redo", "restores"])),
    "state-reopen": ("A completed milestone that is active again.", record(SAVED)),
    "state-save": ("A state that was saved.", record(SAVED)),
    "state-set": ("A state in which values were set.", record(SAVED)),
    "state-undo": ("A change that was taken back.", record(STEP, [*SAVED, "undo", "restores"])),
    "state-validate": (
        "A state that fits a JSON Schema; one that does not is an error, with the paths in its details.",
        record({"milestone_id": NAME, "revision": COUNT, "schema_file": STRING, "valid": {"const": True}}),
    ),
    "status": (
        "One milestone at a look.",
        record(
            {
                **SUMMARY,
                "store": STRING,
                "session_id": nullable(STRING),
                "sessions": array(
                    record({"session_id": STRING, "created_at": nullable(STRING), "status": {"enum": OPEN}})
                ),
                "lock": nullable({"type": "object"}),
                **CREW,
                "checkpoints": COUNT,
                "last_checkpoint": nullable(record({"name": STRING, "created_at": TIME, "state": CHECKPOINT["state"]})),
                "said": {"type": "object", "description": "what the state itself says: goal, next, blockers, …"},
                "last_events": array({"type": "object"}),
                "next": record({"text": STRING, "command": nullable(STRING)}),
            }
        ),
    ),
}
