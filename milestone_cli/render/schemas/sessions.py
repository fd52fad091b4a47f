"""Schemas of sessions, checkpoints and transactions."""

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

SESSION: dict[str, Schema] = {
    "session_id": STRING,
    "milestone_id": nullable(NAME),
    "status": {"type": "string", "description": "as stored; orphaned: its process is gone; expired; damaged: no JSON"},
    "current": FLAG,
    "type": nullable(STRING),
    "created_at": nullable(STRING),
    "ended_at": nullable(STRING),
    "pid": nullable({"type": "integer"}),
    "user": nullable(STRING),
    "host": nullable(STRING),
    "working_directory": nullable(STRING),
    "git_branch": nullable(STRING),
    "operation": nullable(STRING),
    "progress": nullable({"type": "number", "minimum": 0, "maximum": 100}),
    "last_checkpoint": nullable(STRING),
    "expires_at": nullable(TIME),
}
OPEN: Schema = {"type": "array", "items": STRING, "description": "what an orphaned or expired one left open, in words"}
LOGGED: dict[str, Schema] = {
    "session_id": STRING,
    "milestone_id": nullable(NAME),
    "event_id": STRING,
    "sequence_number": COUNT,
    "timestamp": TIME,
    "replayed": FLAG,
}
CHANGES: Schema = array(
    record({"op": {"enum": ["add", "remove", "replace"]}, "path": STRING, "value": {}, "old": {}}, ["op", "path"])
)
PLACE = nullable({"enum": ["active", "completed"]})
SIDE = nullable(record({"sha256": SHA, "bytes": COUNT, "revision": COUNT}, ["sha256", "bytes"]))
CHANGED: dict[str, Schema] = {
    "milestones": array(
        record(
            {
                "milestone_id": NAME,
                "from": nullable(COUNT),
                "to": nullable(COUNT),
                "from_state": PLACE,
                "to_state": PLACE,
            }
        )
    ),
    "documents": array(record({"kind": STRING, "key": STRING, "change": {"enum": ["made", "changed", "removed"]}})),
}
TRANSACTION: dict[str, Schema] = {
    "transaction_id": STRING,
    "status": {"enum": ["pending", "committed", "rolled_back", "damaged"]},
    "operation": nullable(STRING),
    "started_at": nullable(TIME),
    "ended_at": nullable(TIME),
    "reason": nullable(STRING),
    "agent_id": nullable(STRING),
    "session_id": nullable(STRING),
    **CHANGED,
}
POINT: dict[str, Schema] = {
    "session_id": STRING,
    "checkpoint_name": NAME,
    "state": {"enum": ["good", "damaged"]},
    "trouble": nullable(STRING),
    "created_at": nullable(TIME),
    "reason": nullable(STRING),
    "milestone_id": nullable(NAME),
    "revision": nullable(COUNT),
    "agents": nullable(COUNT),
    "operations": nullable(COUNT),
    "events": nullable(COUNT),
    "tags": array(STRING),
    "pinned": nullable({"type": "object"}),
}
RECOVERY: dict[str, Schema] = {
    "session_id": STRING,
    "checkpoint_name": NAME,
    "created_at": TIME,
    "milestone_id": nullable(NAME),
    "steps": array(
        record({"what": STRING, "action": {"enum": ["restore", "same", "keep", "cannot"]}, "detail": STRING})
    ),
    "refused": array(STRING),
    "not_restored": array(STRING),
}
KINDS: dict[str, tuple[str, Schema]] = {
    "checkpoint-create": ("A checkpoint that was made.", record({**CHECKPOINT, "replayed": FLAG})),
    "checkpoint-delete": (
        "A checkpoint that was removed, or would be.",
        record({**CHECKPOINT, "removed": FLAG, "replayed": FLAG}),
    ),
    "checkpoint-diff": (
        "What differs between a checkpoint and another or, `to` null, the present state; `changes` is a JSON Patch.",
        record({"milestone_id": NAME, "from": NAME, "to": nullable(NAME), "identical": FLAG, "changes": CHANGES}),
    ),
    "checkpoint-list": (
        "A milestone's checkpoints, oldest first.",
        record({"milestone_id": NAME, "checkpoints": array(record(CHECKPOINT))}),
    ),
    "checkpoint-pin": ("A checkpoint that was pinned, or let go.", record({**CHECKPOINT, "replayed": FLAG})),
    "checkpoint-restore": (
        "A checkpoint that was restored as a new revision.",
        record({**SAVED, "checkpoint_name": NAME, "pre_restore": nullable(NAME), "from_revision": nullable(COUNT)}),
    ),
    "checkpoint-restore-plan": (
        "What restoring a checkpoint would do; `refused` says who would lose work.",
        record(
            {
                "milestone_id": NAME,
                "checkpoint_name": NAME,
                "checkpoint": record(CHECKPOINT),
                "from_revision": nullable(COUNT),
                "sha256": SHA,
                "bytes": COUNT,
                "from_bytes": nullable(COUNT),
                "identical": FLAG,
                "refused": array(STRING),
                "changes": CHANGES,
            }
        ),
    ),
    "checkpoint-show": ("One checkpoint.", record({**CHECKPOINT, "changes": nullable(COUNT)})),
    "session-create": ("A session that was begun.", record({**SESSION, "replayed": FLAG})),
    "session-current": (
        "The session that acts when nobody says otherwise.",
        record({"session_id": nullable(STRING), "milestone_id": nullable(NAME), "status": nullable(STRING)}),
    ),
    "session-end": ("A session that has ended.", record({**SESSION, "changed": FLAG})),
    "session-checkpoint-create": (
        "A checkpoint of a session that was made.",
        record({**POINT, "replayed": FLAG}),
    ),
    "session-checkpoint-delete": (
        "A checkpoint of a session that was removed, or would be.",
        record({**POINT, "removed": FLAG, "replayed": FLAG}),
    ),
    "session-checkpoint-list": (
        "A session's checkpoints, oldest first.",
        record({"session_id": STRING, "checkpoints": array(record(POINT))}),
    ),
    "session-checkpoint-pin": (
        "A checkpoint of a session that was pinned, or let go.",
        record({**POINT, "replayed": FLAG}),
    ),
    "session-checkpoint-show": (
        "One checkpoint of a session, with its whole document.",
        record({**POINT, "document": {"type": "object"}}),
    ),
    "session-count": ("How many sessions there are.", record({"count": COUNT})),
    "session-delete": (
        "A session that was deleted, or would be; `refused` says why not.",
        record(
            {
                **SESSION,
                "documents": COUNT,
                "bytes": COUNT,
                "recoverable": FLAG,
                "refused": array(STRING),
                "transaction_id": nullable(STRING),
                "removed": FLAG,
                "replayed": FLAG,
            }
        ),
    ),
    "session-history": (
        "The last entries of a session's history, oldest first.",
        record(
            {
                "session_id": STRING,
                "milestone_id": nullable(NAME),
                "entries": array(
                    record(
                        {
                            "timestamp": TIME,
                            "request": STRING,
                            "agent": STRING,
                            "response": {},
                            "escalations": array({}),
                            "duration_ms": nullable({"type": "number", "minimum": 0}),
                            "event_id": STRING,
                        }
                    )
                ),
            }
        ),
    ),
    "session-list": ("All sessions, oldest first.", record({"sessions": array(record({**SESSION, "open": OPEN}))})),
    "session-progress": (
        "How far a session said that it is; `checkpoint` was made with it, because it was time.",
        record(
            {
                **{key: value for key, value in LOGGED.items() if key != "milestone_id"},
                "progress": {"type": "number", "minimum": 0, "maximum": 100},
                "operation": nullable(STRING),
                "checkpoint": nullable(NAME),
            }
        ),
    ),
    "session-record": ("An entry of a session's history that was added.", record(LOGGED)),
    "session-recover": (
        "A session that was recovered; `not_restored` says what did not come back.",
        record(
            {
                **RECOVERY,
                "pre_recovery": nullable(NAME),
                "revision": nullable(COUNT),
                "transaction_id": nullable(STRING),
                "validated": FLAG,
                "replayed": FLAG,
            }
        ),
    ),
    "session-recover-plan": (
        "What recovering a session would do; `refused` says who would lose work.",
        record(RECOVERY),
    ),
    "session-set": ("Values of a session's keyed state that were set.", record(LOGGED)),
    "session-show": (
        "One session, with its whole record.",
        record({**SESSION, "open": OPEN, "trouble": nullable(STRING), "record": {"type": "object"}}),
    ),
    "session-handoff": (
        "What somebody must know to go on with the work.",
        record(
            {
                "milestone_id": NAME,
                "session_id": nullable(STRING),
                "state": STRING,
                "revision": COUNT,
                "events": COUNT,
                "updated_at": nullable(TIME),
                "said": {"type": "object", "additionalProperties": STRING, "description": "the state's own words"},
                "other_keys": array(STRING),
                "done_last": array(record({"timestamp": STRING, "type": STRING, "text": STRING})),
                "tools": record({"used": COUNT, "failed": COUNT, "files": array(STRING)}),
                "transactions": array(record({"id": STRING, "operation": STRING, "started_at": STRING})),
                "locks": array(record({"name": STRING})),
                **CREW,
                "agents": array(
                    record({"agent_id": NAME, "type": nullable(STRING), "doing": nullable(STRING), "dead": FLAG})
                ),
                "doing": nullable(STRING),
                "orphaned_sessions": array(STRING),
                "left_open": {"type": "object", "additionalProperties": array(STRING)},
                "active_sessions": array(STRING),
                "checkpoint": nullable(record({"name": STRING, "created_at": STRING})),
                "git_branch": STRING,
                "git_commit": STRING,
                "working_directory": STRING,
                "max_tokens": COUNT,
                "tokens": {"type": "integer", "minimum": 0, "description": "as estimated, of the text"},
                "left_out": {"type": "integer", "minimum": 0, "description": "lines without room in the text"},
                "text": STRING,
            }
        ),
    ),
    "session-use": ("A session that was made the current one.", record({**SESSION, "replayed": FLAG})),
    "transaction-apply": (
        "A transaction that was done, or would be; without an id there was nothing to change.",
        record({"transaction_id": nullable(STRING), "operations": COUNT, "dry_run": FLAG, "replayed": FLAG, **CHANGED}),
    ),
    "transaction-list": ("Transactions, oldest first.", record({"transactions": array(record(TRANSACTION))})),
    "transaction-rollback": (
        "A transaction that was taken back, or would be; what each milestone and document goes from and to.",
        record(
            {
                "transaction_id": STRING,
                "operation": STRING,
                "rollback_id": nullable(STRING),
                "dry_run": FLAG,
                "replayed": FLAG,
                "obstacles": array(STRING),
                "changed": array(record({"kind": STRING, "key": STRING, "expected": SIDE, "found": SIDE})),
                **CHANGED,
            }
        ),
    ),
    "transaction-show": (
        "One transaction: what it did, and what changed inside of states, as a JSON Patch (RFC 6902) of each.",
        record(
            {
                **TRANSACTION,
                "rolled_back_by": nullable(STRING),
                "sides": array(record({"kind": STRING, "key": STRING, "before": SIDE, "after": SIDE})),
                "events": array(STRING),
                "changes": array(
                    record(
                        {"milestone_id": NAME, "op": OPERATION, "path": STRING, "value": {}, "old": {}},
                        ["milestone_id", "op", "path"],
                    )
                ),
            }
        ),
    ),
}
