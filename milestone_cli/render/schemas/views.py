"""Schemas of looks at everything that goes on."""

from milestone_cli.render.schemas.agents import METRICS, OBJECT, VITALS
from milestone_cli.render.schemas.care import LOCK
from milestone_cli.render.schemas.sessions import SESSION
from milestone_cli.render.schemas.shapes import CREW, NAME, STRING, TIME, Schema, array, nullable, record
from milestone_cli.render.schemas.states import SUMMARY

KINDS: dict[str, tuple[str, Schema]] = {
    "watch": (
        "Who is at work on what; the milestone is null where all are shown.",
        record(
            {
                "at": TIME,
                "store": STRING,
                "milestone_id": nullable(NAME),
                "session_id": nullable(STRING),
                "milestones": array(record(SUMMARY)),
                "said": {"type": "object", "description": "what the state of a single milestone says"},
                "next": nullable(record({"text": STRING, "command": nullable(STRING)})),
                "sessions": array(record(SESSION)),
                "agents": array(record({**VITALS, "state": OBJECT, "metrics": METRICS})),
                **{name: CREW[name] for name in ("fallen", "syncs", "tasks")},
                "locks": array(record(LOCK)),
                "last_events": array({"type": "object"}),
            }
        ),
    ),
}
