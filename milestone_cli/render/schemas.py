"""JSON Schemas (draft 2020-12) of what commands print; the tests hold every real output against them.

Within v1 keys are only added, so what is not named here is allowed.
"""

from milestone_cli.errors import EXIT, MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.render.document import pretty

Schema = dict[str, object]

STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"}
SHA: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME: Schema = {"type": "string", "format": "date-time"}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: dict[str, Schema], required: "list[str] | None" = None) -> Schema:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


EVENT = _object(
    {
        "timestamp": TIME,
        "milestone_id": STRING,
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
SAVED: dict[str, Schema] = {
    "milestone_id": NAME,
    "revision": {"type": "integer", "minimum": 1},
    "sha256": SHA,
    "event_id": STRING,
    "sequence_number": COUNT,
    "timestamp": TIME,
    "replayed": FLAG,
}
SUMMARY: dict[str, Schema] = {
    "milestone_id": NAME,
    "revision": COUNT,
    "events": COUNT,
    "state": STRING,
    "bytes": COUNT,
    "updated_at": _maybe(TIME),
}
STEP: dict[str, Schema] = {
    **SAVED,
    "undo": {"type": "integer", "minimum": 1, "description": "the change that was taken back"},
    "redo": {"type": "integer", "minimum": 1, "description": "the change that was done again"},
    "restores": {"type": "integer", "minimum": 1, "description": "the revision whose text this is"},
    "deleted": {"const": True, "description": "what was taken back is a deletion"},
}
OPERATION: Schema = {"enum": ["add", "remove", "replace"]}
FINDING = _object(
    {
        "severity": {"enum": ["damage", "note"]},
        "code": STRING,
        "message": STRING,
        "line": _maybe(COUNT),
        "offset": _maybe(COUNT),
    }
)
CLEANED: dict[str, Schema] = {"kind": STRING, "name": STRING, "timestamp": _maybe(TIME), "bytes": COUNT}
CLEANING: dict[str, Schema] = {
    "milestone_id": NAME,
    "older_than_seconds": COUNT,
    "keep_last": COUNT,
    "keep": COUNT,
    "remove": COUNT,
    "bytes_freed": COUNT,
}
CHECKPOINT: dict[str, Schema] = {
    "milestone_id": NAME,
    "checkpoint_name": NAME,
    "checkpoint_file": STRING,
    "state": {"enum": ["good", "replaced", "damaged"], "description": "replaced: another program made it again"},
    "trouble": _maybe(STRING),
    "created_at": STRING,
    "reason": _maybe(STRING),
    "revision": _maybe(COUNT),
    "sha256": _maybe(STRING),
    "bytes": _maybe(COUNT),
    "pinned": _maybe({"type": "object", "properties": {"reason": _maybe(STRING), "at": STRING, "by": STRING}}),
}
SESSION: dict[str, Schema] = {
    "session_id": STRING,
    "milestone_id": _maybe(NAME),
    "status": {"type": "string", "description": "as stored; orphaned: its process is gone; damaged: no JSON"},
    "current": FLAG,
    "type": _maybe(STRING),
    "created_at": _maybe(STRING),
    "ended_at": _maybe(STRING),
    "pid": _maybe({"type": "integer"}),
    "user": _maybe(STRING),
    "host": _maybe(STRING),
    "working_directory": _maybe(STRING),
    "git_branch": _maybe(STRING),
}
OPEN = ["active", "orphaned"]
"""Status of a session that has not ended."""
LOCK: dict[str, Schema] = {
    "name": NAME,
    "kind": {"enum": ["milestone", "shell", "bash"]},
    "state": {"enum": ["live", "stale", "foreign"], "description": "foreign: of another host, not judged"},
    "evidence": STRING,
    "pid": _maybe({"type": "integer"}),
    "host": _maybe(STRING),
    "command": _maybe(STRING),
    "fence": _maybe(COUNT),
    "acquired_at": _maybe(STRING),
    "age_seconds": _maybe(COUNT),
    "waiters": _list(_object({"pid": {"type": "integer"}, "command": _maybe(STRING)})),
}
SEVERITIES: Schema = _object({"ok": COUNT, "note": COUNT, "warning": COUNT, "error": COUNT})
EXAMINED: Schema = _object(
    {
        "id": {"type": "string", "description": "the check and which finding of it: locks.stale"},
        "check": STRING,
        "severity": {"enum": ["ok", "note", "warning", "error"]},
        "message": STRING,
        "fix": _maybe({"type": "string", "description": "what to do, or what --fix does"}),
        "subject": _maybe({"type": "string", "description": "the file, milestone, lock or session it is about"}),
        "repairable": {"type": "boolean", "description": "--fix does it"},
    }
)
CHANGES: Schema = _list(
    _object({"op": {"enum": ["add", "remove", "replace"]}, "path": STRING, "value": {}, "old": {}}, ["op", "path"])
)
PLACE = _maybe({"enum": ["active", "completed"]})
SIDE = _maybe(_object({"sha256": SHA, "bytes": COUNT, "revision": COUNT}, ["sha256", "bytes"]))
CHANGED: dict[str, Schema] = {
    "milestones": _list(
        _object(
            {"milestone_id": NAME, "from": _maybe(COUNT), "to": _maybe(COUNT), "from_state": PLACE, "to_state": PLACE}
        )
    ),
    "documents": _list(_object({"kind": STRING, "key": STRING, "change": {"enum": ["made", "changed", "removed"]}})),
}
TRANSACTION: dict[str, Schema] = {
    "transaction_id": STRING,
    "status": {"enum": ["pending", "committed", "rolled_back", "damaged"]},
    "operation": _maybe(STRING),
    "started_at": _maybe(TIME),
    "ended_at": _maybe(TIME),
    "reason": _maybe(STRING),
    "agent_id": _maybe(STRING),
    "session_id": _maybe(STRING),
    **CHANGED,
}
SCOPE: Schema = {"enum": ["user", "project", "local", "plugin"]}
HOOKED: dict[str, Schema] = {
    "scope": SCOPE,
    "path": {"type": "string", "description": "the settings, or the folder of the plugin"},
    "events": _list(STRING),
    "statusline": FLAG,
    "files": _list(_object({"path": STRING, "change": {"enum": ["made", "changed", "removed"]}})),
    "notes": _list(STRING),
    "dry_run": FLAG,
}
KINDS: dict[str, tuple[str, Schema]] = {
    "checkpoint-create": ("A checkpoint that was made.", _object({**CHECKPOINT, "replayed": FLAG})),
    "checkpoint-delete": (
        "A checkpoint that was removed, or would be.",
        _object({**CHECKPOINT, "removed": FLAG, "replayed": FLAG}),
    ),
    "checkpoint-diff": (
        "What differs between a checkpoint and another or, `to` null, the present state; `changes` is a JSON Patch.",
        _object({"milestone_id": NAME, "from": NAME, "to": _maybe(NAME), "identical": FLAG, "changes": CHANGES}),
    ),
    "checkpoint-list": (
        "A milestone's checkpoints, oldest first.",
        _object({"milestone_id": NAME, "checkpoints": _list(_object(CHECKPOINT))}),
    ),
    "checkpoint-pin": ("A checkpoint that was pinned, or let go.", _object({**CHECKPOINT, "replayed": FLAG})),
    "checkpoint-restore": (
        "A checkpoint that was restored as a new revision.",
        _object({**SAVED, "checkpoint_name": NAME, "pre_restore": _maybe(NAME), "from_revision": _maybe(COUNT)}),
    ),
    "checkpoint-restore-plan": (
        "What restoring a checkpoint would do; `refused` says who would lose work.",
        _object(
            {
                "milestone_id": NAME,
                "checkpoint_name": NAME,
                "checkpoint": _object(CHECKPOINT),
                "from_revision": _maybe(COUNT),
                "sha256": SHA,
                "bytes": COUNT,
                "from_bytes": _maybe(COUNT),
                "identical": FLAG,
                "refused": _list(STRING),
                "changes": CHANGES,
            }
        ),
    ),
    "checkpoint-show": ("One checkpoint.", _object({**CHECKPOINT, "changes": _maybe(COUNT)})),
    "session-create": ("A session that was begun.", _object({**SESSION, "replayed": FLAG})),
    "session-current": (
        "The session that acts when nobody says otherwise.",
        _object({"session_id": _maybe(STRING), "milestone_id": _maybe(NAME), "status": _maybe(STRING)}),
    ),
    "session-end": ("A session that has ended.", _object({**SESSION, "changed": FLAG})),
    "session-list": ("All sessions, oldest first.", _object({"sessions": _list(_object(SESSION))})),
    "session-show": (
        "One session, with its whole record.",
        _object({**SESSION, "trouble": _maybe(STRING), "record": {"type": "object"}}),
    ),
    "session-handoff": (
        "What somebody must know to go on with the work.",
        _object(
            {
                "milestone_id": NAME,
                "session_id": _maybe(STRING),
                "state": STRING,
                "revision": COUNT,
                "events": COUNT,
                "updated_at": _maybe(TIME),
                "said": {"type": "object", "additionalProperties": STRING, "description": "the state's own words"},
                "other_keys": _list(STRING),
                "done_last": _list(_object({"timestamp": STRING, "type": STRING, "text": STRING})),
                "tools": _object({"used": COUNT, "failed": COUNT, "files": _list(STRING)}),
                "transactions": _list(_object({"id": STRING, "operation": STRING, "started_at": STRING})),
                "locks": _list(_object({"name": STRING})),
                "orphaned_sessions": _list(STRING),
                "active_sessions": _list(STRING),
                "checkpoint": _maybe(_object({"name": STRING, "created_at": STRING})),
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
    "session-use": ("A session that was made the current one.", _object({**SESSION, "replayed": FLAG})),
    "cleanup-plan": (
        "What a clean-up would keep and remove, and why.",
        _object(
            {
                **CLEANING,
                "items": _list(_object({**CLEANED, "decision": {"enum": ["keep", "remove"]}, "reason": STRING})),
            }
        ),
    ),
    "cleanup-run": (
        "What a clean-up removed.",
        _object({**CLEANING, "removed": _list(_object(CLEANED)), "replayed": FLAG}),
    ),
    "store-init": (
        "A store that was made, or was there, and the roles that got rights.",
        _object({"store": STRING, "created": FLAG, "writer": _maybe(STRING), "reader": _maybe(STRING)}),
    ),
    "store-info": (
        "What a store is: where, its format, its marks, its size; of a database also the connection and the rights.",
        _object(
            {
                "store": STRING,
                "kind": {"enum": ["files", "postgresql"]},
                "format": COUNT,
                "frozen": _maybe(STRING),
                "moved_to": _maybe(STRING),
                "milestones": COUNT,
                "documents": COUNT,
                "events_bytes": COUNT,
                "documents_bytes": COUNT,
            }
        ),
    ),
    "store-check": (
        "What was found about a store's own parts.",
        _object({"store": STRING, "healthy": FLAG, "counts": SEVERITIES, "findings": _list(EXAMINED)}),
    ),
    "store-migrate": (
        "The steps to the newest format that were done, or would be.",
        _object({"steps": _list(STRING), "dry_run": FLAG}),
    ),
    "store-copy": (
        "What a copy of a store did, or would do: numbers of documents and logs, and bytes.",
        _object(
            {
                "source": STRING,
                "target": STRING,
                "documents": COUNT,
                "removed": COUNT,
                "logs": COUNT,
                "bytes": COUNT,
                "same": {"type": "integer", "minimum": 0, "description": "documents and logs that were there already"},
                "dry_run": FLAG,
                "verified": FLAG,
                "damaged": _list(STRING),
            }
        ),
    ),
    "store-mark": (
        "The marks of a store after a freeze, an unfreeze or a move.",
        _object({"store": STRING, "frozen": _maybe(STRING), "moved_to": _maybe(STRING), "changed": FLAG}),
    ),
    "doctor": (
        "What was found in a store; with --fix what was repaired, with --dry-run what would be.",
        _object(
            {
                "store": STRING,
                "healthy": {"type": "boolean", "description": "there is neither a warning nor an error"},
                "counts": SEVERITIES,
                "findings": _list(EXAMINED),
                "dry_run": FLAG,
                "repairs": _list(
                    _object(
                        {
                            "id": STRING,
                            "subject": _maybe(STRING),
                            "plan": STRING,
                            "done": _maybe(STRING),
                            "trouble": _maybe(STRING),
                        }
                    )
                ),
            }
        ),
    ),
    "doctor-selftest": (
        "What was tried on the disk of a store, and what can be promised there.",
        _object(
            {
                "store": STRING,
                "ok": FLAG,
                "seconds": {"type": "number", "minimum": 0},
                "counts": SEVERITIES,
                "trials": _list(EXAMINED),
                "promises": _list(
                    _object(
                        {
                            "promise": STRING,
                            "answer": {"enum": ["yes", "with limits", "no", "not known"]},
                            "because": STRING,
                        }
                    )
                ),
            }
        ),
    ),
    "lock": ("One lock: who holds it, what tells so, and who waits.", _object(LOCK)),
    "lock-acquire": (
        "A lock that was taken for a process.",
        _object(
            {
                "name": NAME,
                "pid": {"type": "integer"},
                "host": STRING,
                "fence": COUNT,
                "token": STRING,
                "replayed": FLAG,
            }
        ),
    ),
    "lock-break": (
        "A lock that was broken, or would be; `released` is false while a living holder keeps the kernel's lock.",
        _object({**LOCK, "broken": FLAG, "released": FLAG, "replayed": FLAG}, ["name", "broken", "replayed"]),
    ),
    "lock-list": ("The locks that are held, or were left by the dead.", _object({"locks": _list(_object(LOCK))})),
    "lock-release": (
        "A lock that was given back; what it was is told only where it was done now.",
        _object({**LOCK, "forced": FLAG, "replayed": FLAG}, ["name", "replayed"]),
    ),
    "config": (
        "Every setting, its value, and where it comes from.",
        _object({"settings": _list(_object({"name": STRING, "value": STRING, "origin": STRING, "meaning": STRING}))}),
    ),
    "error": (
        "A failure, on standard error.",
        _object(
            {
                "code": {"enum": list(EXIT)},
                "message": STRING,
                "hint": STRING,
                "retryable": FLAG,
                "exit_code": {"type": "integer", "minimum": 1},
                "details": {"type": "object"},
            }
        ),
    ),
    "event-batch": (
        "Events that were logged together.",
        _object(
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
        _object(
            {"milestone_id": NAME, "event_id": STRING, "sequence_number": COUNT, "timestamp": TIME, "replayed": FLAG}
        ),
    ),
    "events": ("Events that matched a query.", _object({"milestone_id": NAME, "events": _list(EVENT)})),
    "hook-install": ("What was put into the client, or would be.", _object(HOOKED)),
    "hook-status": (
        "What is installed where in the client, which program it finds, and what went wrong with hooks lately.",
        _object(
            {
                "version": STRING,
                "command": _object({"path": _maybe(STRING), "version": _maybe(STRING)}),
                "settings": _list(
                    _object(
                        {
                            "scope": SCOPE,
                            "path": STRING,
                            "exists": FLAG,
                            "trouble": _maybe(STRING),
                            "events": _list(STRING),
                            "missing": {
                                **_list(STRING),
                                "description": "of those that are hooked unless told otherwise",
                            },
                            "by_hand": _list(_object({"event": STRING, "command": STRING})),
                            "statusline": FLAG,
                            "commands": _list(STRING),
                        }
                    )
                ),
                "plugins": _list(_object({"name": STRING, "events": _list(STRING)})),
                "twice": {"type": "boolean", "description": "in settings and in a plugin"},
                "store": _maybe(STRING),
                "waiting": COUNT,
                "problems": _list({"type": "object"}),
            }
        ),
    ),
    "hook-uninstall": ("What was taken out of the client, or would be.", _object(HOOKED)),
    "init": (
        "A store that was made or found.",
        _object({"store": STRING, "created": FLAG, "milestone_id": _maybe(NAME), "initialized": FLAG}),
    ),
    "overview": (
        "All milestones of a store at a look.",
        _object({"store": STRING, "session_id": _maybe(STRING), "milestones": _list(_object(SUMMARY))}),
    ),
    "state-complete": ("A milestone that was completed.", _object(SAVED)),
    "state-delete": (
        "A state that was deleted, or would be.",
        _object(
            {**SAVED, "dry_run": FLAG, "backup": _maybe(STRING), "bytes": COUNT, "completed": FLAG},
            ["milestone_id", "revision", "dry_run", "backup"],
        ),
    ),
    "state-diff": (
        "What differs between two revisions; `changes` is also a JSON Patch (RFC 6902) from the one to the other.",
        _object(
            {
                "milestone_id": NAME,
                "from": COUNT,
                "to": COUNT,
                "outside": FLAG,
                "identical": FLAG,
                "changes": _list(
                    _object({"op": OPERATION, "path": STRING, "value": {}, "old": {}}, ["op", "path"]),
                ),
            }
        ),
    ),
    "state-history": (
        "The revisions of a state, newest first.",
        _object(
            {
                "milestone_id": NAME,
                "revisions": _list(
                    _object(
                        {
                            "revision": COUNT,
                            "timestamp": TIME,
                            "event_type": STRING,
                            "agent_id": _maybe(STRING),
                            "session_id": _maybe(STRING),
                            "event_id": _maybe(STRING),
                            "bytes": _maybe(COUNT),
                            "marks": _list({"enum": ["undo", "redo", "outside", "restored", "recovered"]}),
                            "changed": _maybe(COUNT),
                            "changes": _maybe(_list(_object({"op": OPERATION, "path": STRING}))),
                        }
                    )
                ),
            }
        ),
    ),
    "state-list": ("The milestones of a store.", _object({"milestones": _list(_object(SUMMARY))})),
    "state-patch": ("A state that was patched.", _object(SAVED)),
    "state-recover": (
        "A state that was recovered, or would be.",
        _object(
            {
                "milestone_id": NAME,
                "trouble": {"enum": ["damaged", "missing", "none"]},
                "source": _maybe(STRING),
                "bytes": _maybe(COUNT),
                "sha256": _maybe(SHA),
                "dry_run": FLAG,
                "recovered": FLAG,
                "revision": _maybe(COUNT),
            }
        ),
    ),
    "state-redo": ("A change that was done again.", _object(STEP, [*SAVED, "redo", "restores"])),
    "state-reopen": ("A completed milestone that is active again.", _object(SAVED)),
    "state-save": ("A state that was saved.", _object(SAVED)),
    "state-set": ("A state in which values were set.", _object(SAVED)),
    "state-undo": ("A change that was taken back.", _object(STEP, [*SAVED, "undo", "restores"])),
    "state-validate": (
        "A state that fits a JSON Schema; one that does not is an error, with the paths in its details.",
        _object({"milestone_id": NAME, "revision": COUNT, "schema_file": STRING, "valid": {"const": True}}),
    ),
    "status": (
        "One milestone at a look.",
        _object(
            {
                **SUMMARY,
                "store": STRING,
                "session_id": _maybe(STRING),
                "sessions": _list(
                    _object({"session_id": STRING, "created_at": _maybe(STRING), "status": {"enum": OPEN}})
                ),
                "lock": _maybe({"type": "object"}),
                "checkpoints": COUNT,
                "last_checkpoint": _maybe(_object({"name": STRING, "created_at": TIME, "state": CHECKPOINT["state"]})),
                "said": {"type": "object", "description": "what the state itself says: goal, next, blockers, …"},
                "last_events": _list({"type": "object"}),
                "next": _object({"text": STRING, "command": _maybe(STRING)}),
            }
        ),
    ),
    "timeline": ("Everything that happened, in order.", _object({"milestone_id": NAME, "events": _list(EVENT)})),
    "transaction-apply": (
        "A transaction that was done, or would be; without an id there was nothing to change.",
        _object({"transaction_id": _maybe(STRING), "operations": COUNT, "dry_run": FLAG, "replayed": FLAG, **CHANGED}),
    ),
    "transaction-list": ("Transactions, oldest first.", _object({"transactions": _list(_object(TRANSACTION))})),
    "transaction-rollback": (
        "A transaction that was taken back, or would be; what each milestone and document goes from and to.",
        _object(
            {
                "transaction_id": STRING,
                "operation": STRING,
                "rollback_id": _maybe(STRING),
                "dry_run": FLAG,
                "replayed": FLAG,
                "obstacles": _list(STRING),
                "changed": _list(_object({"kind": STRING, "key": STRING, "expected": SIDE, "found": SIDE})),
                **CHANGED,
            }
        ),
    ),
    "transaction-show": (
        "One transaction: what it did, and what changed inside of states, as a JSON Patch (RFC 6902) of each.",
        _object(
            {
                **TRANSACTION,
                "rolled_back_by": _maybe(STRING),
                "sides": _list(_object({"kind": STRING, "key": STRING, "before": SIDE, "after": SIDE})),
                "events": _list(STRING),
                "changes": _list(
                    _object(
                        {"milestone_id": NAME, "op": OPERATION, "path": STRING, "value": {}, "old": {}},
                        ["milestone_id", "op", "path"],
                    )
                ),
            }
        ),
    ),
    "verify": (
        "What verifying logs found.",
        _object(
            {
                "ok": FLAG,
                "milestones": _list(
                    _object(
                        {
                            "milestone_id": NAME,
                            "ok": FLAG,
                            "events": COUNT,
                            "foreign_lines": COUNT,
                            "revision": COUNT,
                            "findings": _list(FINDING),
                        }
                    )
                ),
            }
        ),
    ),
}


def schema(kind: str) -> Schema:
    """The JSON Schema of a kind of output.

    Raises:
        MilestoneError: `not_found` for an unknown kind.
    """
    if kind not in KINDS:
        raise MilestoneError("not_found", f"there is no kind of output '{kind[:140]}'", "there are " + ", ".join(KINDS))
    title, body = KINDS[kind]
    properties = body["properties"]
    required = body["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"milestone/{kind}/v1",
        "description": title,
        "type": "object",
        "properties": {"schema": {"const": f"milestone/{kind}/v1"}, **properties},
        "required": ["schema", *required],
    }


def schema_text(kind: "str | None") -> str:
    """The schema as text; without a kind, the kinds, one a line."""
    if kind is None:
        return "".join(f"{name}\n" for name in KINDS)
    return pretty(dumps(schema(kind)).encode(), 2)
