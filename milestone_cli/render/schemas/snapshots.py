"""Schemas of what the commands of snapshots, of exports, and of what is archived print."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, SHA, STRING, TIME, Schema, array, nullable, record

METRICS = record(
    {
        "total_tasks": COUNT,
        "completed_tasks": COUNT,
        "failed_tasks": COUNT,
        "average_completion_time": {
            "type": "number",
            "minimum": 0,
            "description": "seconds from start to completion, over the completed tasks; 0 where there is none",
        },
    }
)
HELD: dict[str, Schema] = {"last_saved": nullable(TIME), "tasks": COUNT, "sessions": COUNT, "metrics": METRICS}
"""How much is in a snapshot."""
AMOUNT: dict[str, Schema] = {"documents": COUNT, "logs": COUNT, "bytes": COUNT}
"""How much is in a store."""
COLD: dict[str, Schema] = {"kind": {"enum": ["task", "milestone"]}, "name": NAME}
"""What can be put away."""
PLACES = array(record({"kind": {"enum": ["task", "session"]}, "name": NAME}))
KINDS: dict[str, tuple[str, Schema]] = {
    "snapshot-save": (
        "A snapshot that was saved; `saved` is false where nothing had changed.",
        record(
            {
                "store": STRING,
                "reason": {"enum": ["manual", "start", "change", "interval", "shutdown", "recovery"]},
                "saved": FLAG,
                **HELD,
                "bytes": COUNT,
                "sha256": SHA,
                "backup": nullable(NAME),
                "set_aside": nullable(STRING),
                "skipped": array(STRING),
                "replayed": FLAG,
                "file": nullable(STRING),
            }
        ),
    ),
    "snapshot-load": (
        "What a snapshot brings back, or brought back, and how it was found.",
        record(
            {
                "source": {"enum": ["main", "backup", "rebuilt", "empty", "file"]},
                "name": nullable(STRING),
                "steps": array(
                    record(
                        {
                            "step": {"enum": ["main", "backup", "rebuild", "empty", "file"]},
                            "name": nullable(STRING),
                            "result": {"enum": ["used", "damaged", "missing"]},
                            "detail": STRING,
                        }
                    )
                ),
                **HELD,
                "restored": PLACES,
                "differing": PLACES,
                "gone": PLACES,
                "same": COUNT,
                "skipped": array(STRING),
                "recoverable": FLAG,
                "transaction_id": nullable(STRING),
                "repaired": FLAG,
                "dry_run": FLAG,
                "replayed": FLAG,
            }
        ),
    ),
    "snapshot-show": (
        "What a snapshot holds, and which snapshots there are, newest first.",
        record(
            {
                "name": STRING,
                **HELD,
                "tasks_list": array({"type": "object"}),
                "sessions_list": array({"type": "object"}),
                "snapshots": array(
                    record(
                        {
                            "name": NAME,
                            "last_saved": nullable(TIME),
                            "written": TIME,
                            "bytes": COUNT,
                            "trouble": nullable(STRING),
                        }
                    )
                ),
                "emergency": array(STRING),
            }
        ),
    ),
    "archive-run": (
        "What is completed, what of it is archived and why not; `archived` is what was done.",
        record(
            {
                "older_than": STRING,
                "dry_run": FLAG,
                "items": array(
                    record(
                        {
                            **COLD,
                            "completed_at": TIME,
                            "documents": COUNT,
                            "bytes": COUNT,
                            "kept": FLAG,
                            "reason": STRING,
                        }
                    )
                ),
                "archived": array(record(COLD)),
                "transactions": array(STRING),
            }
        ),
    ),
    "archive-list": (
        "What is archived.",
        record(
            {
                "items": array(
                    record(
                        {
                            **COLD,
                            "archived_at": TIME,
                            "documents": COUNT,
                            "bytes": COUNT,
                            "packed_bytes": COUNT,
                            "trouble": nullable(STRING),
                        }
                    )
                )
            }
        ),
    ),
    "archive-show": (
        "What is archived under a name, document for document.",
        record({**COLD, "documents": array(record({"kind": STRING, "key": STRING, "written": TIME, "text": STRING}))}),
    ),
    "archive-restore": (
        "What was taken out again, or would be.",
        record({**COLD, "documents": COUNT, "transaction_id": nullable(STRING), "dry_run": FLAG}),
    ),
    "store-export": (
        "A store that was written into an archive, or would be.",
        record({"store": STRING, **AMOUNT, "file": STRING, "dry_run": FLAG}),
    ),
    "store-clear": (
        "A store that was cleared, or would be, and the archive that has what was in it.",
        record(
            {
                "store": STRING,
                **AMOUNT,
                "refused": array(STRING),
                "backup": nullable(STRING),
                "resumed": FLAG,
                "dry_run": FLAG,
                "cleared": FLAG,
            }
        ),
    ),
}
