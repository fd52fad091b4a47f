"""Schemas of clean-ups, stores, locks, settings, hooks and errors."""

from milestone_cli.errors import EXIT
from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, STRING, TIME, Schema, array, nullable, record

CLEANED: dict[str, Schema] = {"kind": STRING, "name": STRING, "timestamp": nullable(TIME), "bytes": COUNT}
CLEANING: dict[str, Schema] = {
    "milestone_id": nullable(NAME),
    "older_than_seconds": COUNT,
    "keep_last": COUNT,
    "keep_within_seconds": COUNT,
    "keep_hourly": COUNT,
    "keep_daily": COUNT,
    "keep_weekly": COUNT,
    "keep_monthly": COUNT,
    "keep_tags": array(array(STRING)),
    "keep": COUNT,
    "archive": COUNT,
    "remove": COUNT,
    "bytes_freed": COUNT,
}
GAIN: dict[str, Schema] = {
    "files_optimized": COUNT,
    "space_saved_bytes": COUNT,
    "bytes_before": COUNT,
    "bytes_after": COUNT,
    "files_shared": COUNT,
    "shared_bytes": COUNT,
    "old_checkpoints_removed": COUNT,
    "removed_bytes": COUNT,
}
LOCK: dict[str, Schema] = {
    "name": NAME,
    "kind": {"enum": ["milestone", "shell", "bash"]},
    "state": {"enum": ["live", "stale", "foreign"], "description": "foreign: of another host, not judged"},
    "evidence": STRING,
    "pid": nullable({"type": "integer"}),
    "host": nullable(STRING),
    "command": nullable(STRING),
    "fence": nullable(COUNT),
    "acquired_at": nullable(STRING),
    "age_seconds": nullable(COUNT),
    "waiters": array(record({"pid": {"type": "integer"}, "command": nullable(STRING)})),
}
SEVERITIES: Schema = record({"ok": COUNT, "note": COUNT, "warning": COUNT, "error": COUNT})
EXAMINED: Schema = record(
    {
        "id": {"type": "string", "description": "the check and which finding of it: locks.stale"},
        "check": STRING,
        "severity": {"enum": ["ok", "note", "warning", "error"]},
        "message": STRING,
        "fix": nullable({"type": "string", "description": "what to do, or what --fix does"}),
        "subject": nullable({"type": "string", "description": "the file, milestone, lock or session it is about"}),
        "repairable": {"type": "boolean", "description": "--fix does it"},
    }
)
SCOPE: Schema = {"enum": ["user", "project", "local", "plugin"]}
HOOKED: dict[str, Schema] = {
    "scope": SCOPE,
    "path": {"type": "string", "description": "the settings, or the folder of the plugin"},
    "events": array(STRING),
    "statusline": FLAG,
    "files": array(record({"path": STRING, "change": {"enum": ["made", "changed", "removed"]}})),
    "notes": array(STRING),
    "dry_run": FLAG,
}
SETTING: dict[str, Schema] = {
    "name": STRING,
    "value": STRING,
    "origin": STRING,
    "meaning": STRING,
    "default": STRING,
}
KINDS: dict[str, tuple[str, Schema]] = {
    "cleanup-plan": (
        "What a clean-up would keep and remove, and why.",
        record(
            {
                **CLEANING,
                "items": array(
                    record({**CLEANED, "decision": {"enum": ["keep", "archive", "remove"]}, "reason": STRING})
                ),
            }
        ),
    ),
    "cleanup-run": (
        "What a clean-up removed and archived.",
        record(
            {
                **CLEANING,
                "removed": array(record(CLEANED)),
                "archived": array(record(CLEANED)),
                "stuck": array(STRING),
                "replayed": FLAG,
            }
        ),
    ),
    "cleanup-optimize": (
        "What was compressed, shared and removed, or would be; every figure is measured.",
        record(
            {
                "dry_run": FLAG,
                "server_compresses": FLAG,
                "files_looked_at": COUNT,
                **GAIN,
                "read_seconds_before": nullable({"type": "number"}),
                "read_seconds_after": nullable({"type": "number"}),
                "sessions": array(record({"session_id": STRING, **GAIN})),
                "failed": array(STRING),
                "reports": array(STRING),
            }
        ),
    ),
    "cleanup-sessions": (
        "Sessions that a clean-up looked at, and the names of those that it deleted.",
        record(
            {
                "inactive_for": STRING,
                "sessions": array(
                    record(
                        {
                            "session_id": STRING,
                            "status": STRING,
                            "last_activity": STRING,
                            "keep": FLAG,
                            "reason": STRING,
                            "bytes": COUNT,
                        }
                    )
                ),
                "removed": array(STRING),
                "transaction_id": nullable(STRING),
            }
        ),
    ),
    "store-init": (
        "A store that was made, or was there, and the roles that got rights.",
        record({"store": STRING, "created": FLAG, "writer": nullable(STRING), "reader": nullable(STRING)}),
    ),
    "store-info": (
        "What a store is: where, its format, its marks, its size; of a database also the connection and the rights.",
        record(
            {
                "store": STRING,
                "kind": {"enum": ["files", "postgresql"]},
                "format": COUNT,
                "frozen": nullable(STRING),
                "moved_to": nullable(STRING),
                "milestones": COUNT,
                "documents": COUNT,
                "events_bytes": COUNT,
                "documents_bytes": COUNT,
            }
        ),
    ),
    "store-check": (
        "What was found about a store's own parts.",
        record({"store": STRING, "healthy": FLAG, "counts": SEVERITIES, "findings": array(EXAMINED)}),
    ),
    "store-migrate": (
        "A migration of a store to another format: what was done, or would be.",
        record(
            {
                "store": STRING,
                "from": COUNT,
                "to": COUNT,
                "rollback": FLAG,
                "resumed": {"type": "boolean", "description": "an earlier one was killed, and this one finished it"},
                "steps": array(STRING),
                "backup": {**nullable(STRING), "description": "the store as it was, below its folder"},
                "log": nullable(STRING),
                "kept": {**array(STRING), "description": "left as it is by a way back: written since"},
                "dry_run": FLAG,
            }
        ),
    ),
    "store-import": (
        "What was taken in from another program's folder or from an archive, or would be; and what was left out.",
        record(
            {
                "source": STRING,
                "kind": {
                    **STRING,
                    "description": "bash-store, session-tree, both with a +, coding-agent-state, archive",
                },
                "store": STRING,
                "milestones": {**array(STRING), "description": "whose states are new"},
                "sessions": COUNT,
                "agents": COUNT,
                "tasks": COUNT,
                "checkpoints": COUNT,
                "documents": {**COUNT, "description": "all that are new, also of other kinds"},
                "events": COUNT,
                "same": {"type": "integer", "minimum": 0, "description": "documents, states and events there already"},
                "left": array(record({"what": STRING, "why": STRING})),
                "notes": {**array(STRING), "description": "what was changed to make something fit"},
                "dry_run": FLAG,
            }
        ),
    ),
    "store-copy": (
        "What a copy of a store did, or would do: numbers of documents and logs, and bytes.",
        record(
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
                "damaged": array(STRING),
            }
        ),
    ),
    "store-mark": (
        "The marks of a store after a freeze, an unfreeze or a move.",
        record({"store": STRING, "frozen": nullable(STRING), "moved_to": nullable(STRING), "changed": FLAG}),
    ),
    "doctor": (
        "What was found in a store; with --fix what was repaired, with --dry-run what would be.",
        record(
            {
                "store": STRING,
                "healthy": {"type": "boolean", "description": "there is neither a warning nor an error"},
                "counts": SEVERITIES,
                "findings": array(EXAMINED),
                "dry_run": FLAG,
                "repairs": array(
                    record(
                        {
                            "id": STRING,
                            "subject": nullable(STRING),
                            "plan": STRING,
                            "done": nullable(STRING),
                            "trouble": nullable(STRING),
                        }
                    )
                ),
            }
        ),
    ),
    "doctor-selftest": (
        "What was tried on the disk of a store, and what can be promised there.",
        record(
            {
                "store": STRING,
                "ok": FLAG,
                "seconds": {"type": "number", "minimum": 0},
                "counts": SEVERITIES,
                "trials": array(EXAMINED),
                "promises": array(
                    record(
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
    "lock": ("One lock: who holds it, what tells so, and who waits.", record(LOCK)),
    "lock-acquire": (
        "A lock that was taken for a process.",
        record(
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
        record({**LOCK, "broken": FLAG, "released": FLAG, "replayed": FLAG}, ["name", "broken", "replayed"]),
    ),
    "lock-list": ("The locks that are held, or were left by the dead.", record({"locks": array(record(LOCK))})),
    "lock-release": (
        "A lock that was given back; what it was is told only where it was done now.",
        record({**LOCK, "forced": FLAG, "replayed": FLAG}, ["name", "replayed"]),
    ),
    "config": (
        "Every setting, its value, and where it comes from.",
        record({"settings": array(record(SETTING))}),
    ),
    "config-get": ("A setting that is in force.", record(SETTING)),
    "config-set": (
        "What was set or taken out in config.yaml; no transaction where nothing is different.",
        record(
            {
                "settings": array(record({"name": STRING, "before": nullable(STRING), "after": nullable(STRING)})),
                "transaction_id": nullable(STRING),
                "replayed": FLAG,
            }
        ),
    ),
    "config-edit": (
        "Whether config.yaml was changed in an editor, and by which transaction.",
        record({"changed": FLAG, "transaction_id": nullable(STRING)}),
    ),
    "config-validate": (
        "What is wrong with a configuration; the line is null where it is of no file.",
        record(
            {
                "file": STRING,
                "valid": FLAG,
                "problems": array(
                    record(
                        {
                            "origin": {**STRING, "description": "the file, or the variable of the environment"},
                            "line": nullable(COUNT),
                            "setting": nullable(STRING),
                            "message": STRING,
                            "hint": STRING,
                        }
                    )
                ),
            }
        ),
    ),
    "error": (
        "A failure, on standard error.",
        record(
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
    "hook-install": ("What was put into the client, or would be.", record(HOOKED)),
    "hook-status": (
        "What is installed where in the client, which program it finds, and what went wrong with hooks lately.",
        record(
            {
                "version": STRING,
                "command": record({"path": nullable(STRING), "version": nullable(STRING)}),
                "settings": array(
                    record(
                        {
                            "scope": SCOPE,
                            "path": STRING,
                            "exists": FLAG,
                            "trouble": nullable(STRING),
                            "events": array(STRING),
                            "missing": {
                                **array(STRING),
                                "description": "of those that are hooked unless told otherwise",
                            },
                            "by_hand": array(record({"event": STRING, "command": STRING})),
                            "statusline": FLAG,
                            "commands": array(STRING),
                        }
                    )
                ),
                "plugins": array(record({"name": STRING, "events": array(STRING)})),
                "twice": {"type": "boolean", "description": "in settings and in a plugin"},
                "store": nullable(STRING),
                "waiting": COUNT,
                "problems": array({"type": "object"}),
            }
        ),
    ),
    "hook-uninstall": ("What was taken out of the client, or would be.", record(HOOKED)),
}
