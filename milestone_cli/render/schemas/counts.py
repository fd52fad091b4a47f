"""Schemas of what a log comes to."""

from milestone_cli.render.schemas.shapes import COUNT, NAME, STRING, TIME, Schema, array, nullable, record

NUMBER: Schema = {"type": "number", "minimum": 0}
MS: Schema = {"type": "number", "minimum": 0, "description": "milliseconds"}
KINDS: dict[str, tuple[str, Schema]] = {
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
