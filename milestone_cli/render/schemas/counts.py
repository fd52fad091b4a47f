"""Schemas of what a log comes to, and of the figures of a store."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, STRING, TIME, Schema, array, nullable, record

NUMBER: Schema = {"type": "number", "minimum": 0}
MS: Schema = {"type": "number", "minimum": 0, "description": "milliseconds"}
TIMES: Schema = nullable(record({"count": COUNT, "min": NUMBER, "median": NUMBER, "max": NUMBER, "measured_at": TIME}))
KINDS: dict[str, tuple[str, Schema]] = {
    "metrics": (
        "Figures to watch a store by; durations in seconds, of saves and loads by the last --probe; null is not known.",
        record(
            {
                "store": STRING,
                "collected_at": TIME,
                "noted_since": nullable({**TIME, "description": "when the first failure or long wait was noted"}),
                "health": record(
                    {
                        "stateDirExists": FLAG,
                        "writeable": FLAG,
                        "diskSpace": nullable({**COUNT, "description": "free bytes"}),
                        "lastSaveTime": nullable(TIME),
                        "backupCount": COUNT,
                    }
                ),
                "change_duration": TIMES,
                "save_duration": TIMES,
                "load_duration": TIMES,
                "failure_rate": nullable({**NUMBER, "description": "share of the changes of states in the last day"}),
                "disk_usage": nullable({**COUNT, "description": "bytes on the disk"}),
                "file_counts": {"type": "object", "additionalProperties": COUNT},
                "tasks": record(
                    {
                        "total_tasks": COUNT,
                        "completed_tasks": COUNT,
                        "failed_tasks": COUNT,
                        "average_completion_time": nullable({**NUMBER, "description": "seconds from the start"}),
                    }
                ),
                "metrics": array(
                    record(
                        {
                            "name": STRING,
                            "type": {"enum": ["gauge", "counter", "summary"]},
                            "help": STRING,
                            "samples": array(
                                record(
                                    {
                                        "labels": {"type": "object", "additionalProperties": STRING},
                                        "value": {"type": "number"},
                                    }
                                )
                            ),
                        }
                    )
                ),
            }
        ),
    ),
    "event-stats": (
        "What events come to; the milestone is null where they are of all, or of a session alone.",
        record(
            {
                "milestone_id": nullable(NAME),
                "milestones": array(record({"milestone_id": NAME, "count": COUNT})),
                "events": COUNT,
                "failures": COUNT,
                "first": nullable(TIME),
                "last": nullable(TIME),
                "seconds": {**NUMBER, "description": "between the first and the last"},
                "per_hour": nullable(NUMBER),
                "types": array(record({"event_type": STRING, "count": COUNT, "failures": COUNT})),
                "agents": array(record({"agent_id": nullable(STRING), "count": COUNT})),
                "hours": array(record({"hour": TIME, "count": COUNT, "failures": COUNT})),
                "gaps": array(
                    record({"milestone_id": nullable(NAME), "seconds": NUMBER, "from": TIME, "to": TIME}),
                ),
                "tools": array(
                    record(
                        {
                            "tool": STRING,
                            "calls": COUNT,
                            "failures": COUNT,
                            "timed": {**COUNT, "description": "calls of which a duration was told"},
                            "total_ms": MS,
                            "mean_ms": nullable(MS),
                            "p50_ms": nullable({**MS, "description": "right to 9 %"}),
                            "p95_ms": nullable({**MS, "description": "right to 9 %"}),
                            "max_ms": nullable(MS),
                        }
                    )
                ),
                "slowest": array(
                    record(
                        {
                            "milestone_id": nullable(NAME),
                            "tool": STRING,
                            "target": nullable(STRING),
                            "duration_ms": MS,
                            "timestamp": nullable(STRING),
                        }
                    )
                ),
            }
        ),
    ),
}
