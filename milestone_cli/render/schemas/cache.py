"""Schemas of what is in the cache, and of what was done to it."""

from milestone_cli.render.schemas.shapes import COUNT, FLAG, NAME, STRING, TIME, Schema, array, nullable, record

TIER: Schema = {"enum": ["hot", "warm", "cold", "shared"], "description": "shared: only the database has it"}
RATE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
ENTRY: dict[str, Schema] = {
    "key": NAME,
    "tier": TIER,
    "agent": nullable(STRING),
    "tags": array(STRING),
    "content_hash": nullable(STRING),
    "created_at": TIME,
    "used_at": TIME,
    "expires_at": nullable(TIME),
    "bytes": {**COUNT, "description": "of the answer"},
    "stored_bytes": {**COUNT, "description": "of its file"},
    "hits": COUNT,
}
SPACE: dict[str, Schema] = {"namespace": NAME}
DATA: dict[str, Schema] = {
    "data": {**nullable(STRING), "description": "null where it is no text"},
    "data_base64": nullable(STRING),
}
KINDS: dict[str, tuple[str, Schema]] = {
    "cache-key": ("The key of a question.", record({"key": NAME, "inputs": COUNT})),
    "cache-entry": (
        "An entry of the cache, with its data where it was asked for.",
        record({**SPACE, **ENTRY, "request": nullable(STRING), "meta": {"type": "object"}, **DATA}),
    ),
    "cache-put": (
        "What was put; not stored where the disk or the bounds would not have it, and why.",
        record({**SPACE, "key": NAME, "stored": FLAG, "tier": nullable(TIER), "bytes": COUNT, "stored_bytes": COUNT,
                "expires_at": nullable(TIME), "reason": nullable(STRING)}),
    ),
    "cache-list": ("What is in a namespace.", record({**SPACE, "entries": array(record(ENTRY))})),
    "cache-removed": (
        "What went, or would go.",
        record({**SPACE, "keys": array(NAME), "count": COUNT, "dry_run": FLAG}),
    ),
    "cache-stats": (
        "What a namespace comes to.",
        record(
            {
                **SPACE,
                "entries": COUNT,
                "entries_limit": COUNT,
                "bytes": COUNT,
                "hits": COUNT,
                "misses": COUNT,
                "hit_rate": nullable(RATE),
                "puts": COUNT,
                "evicted": COUNT,
                "expired": COUNT,
                "invalidated": COUNT,
                "damaged": COUNT,
                "average_hits": nullable({"type": "number", "minimum": 0, "description": "of an entry that is there"}),
                "tiers": array(
                    record({"tier": TIER, "entries": COUNT, "bytes": COUNT, "bytes_limit": COUNT, "hits": COUNT,
                            "evicted": COUNT})
                ),
                "agents": array(
                    record(
                        {"agent": nullable(STRING), "entries": COUNT, "bytes": COUNT, "hits": COUNT, "misses": COUNT,
                         "evicted": COUNT}
                    )
                ),
                "hours": array(record({"hour": TIME, "hits": COUNT, "misses": COUNT, "hit_rate": nullable(RATE)})),
                "most_used": array(record({"key": NAME, "hits": COUNT, "agent": nullable(STRING)})),
                "least_used": array(record({"key": NAME, "hits": COUNT, "agent": nullable(STRING)})),
            }
        ),
    ),
    "cleanup-cache": (
        "What maintenance of the cache did, or would do.",
        record(
            {
                "dry_run": FLAG,
                "namespaces": array(
                    record({**SPACE, "expired": COUNT, "damaged": COUNT, "moved": COUNT, "cleared": COUNT,
                            "entries": COUNT, "bytes": COUNT})
                ),
            }
        ),
    ),
}  # fmt: skip
