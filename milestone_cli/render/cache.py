"""The cache for people and for machines: entries, what was put, what went, and what it all comes to."""

from milestone_cli import runtime
from milestone_cli.render.ages import count, size, when
from milestone_cli.render.statistics import PARTS
from milestone_cli.render.table import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, paint, screen_width, table
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.cache.entry import Entry
    from milestone_cli.core.cache.maintenance import Maintained
    from milestone_cli.core.cache.statistics import Statistics
    from milestone_cli.render.table import Cell

    Facts = dict[str, object]

STYLES = {"hot": RED, "warm": MAGENTA, "cold": CYAN, "shared": DIM}
WIDEST = 30
"""Columns of the longest bar."""
KEY, SHORT = 64, 12
"""Letters of a key that is a checksum, and how many of them are shown where it is not to be typed again."""
HOURS = 24
"""Hours that are shown, the last ones."""


def entry_fields(entry: "Entry") -> "Facts":
    """What is known of an entry without its data."""
    return {
        "key": entry.key,
        "tier": entry.tier,
        "agent": entry.agent or None,
        "tags": entry.tags,
        "content_hash": entry.content_hash or None,
        "created_at": runtime.timestamp(entry.created),
        "used_at": runtime.timestamp(entry.used),
        "expires_at": runtime.timestamp(entry.expires) if entry.expires else None,
        "bytes": entry.size,
        "stored_bytes": entry.stored,
        "hits": entry.hits,
    }


def whole_fields(entry: "Entry", namespace: str) -> "Facts":
    """The same with its data, as text where it is one."""
    data, encoded = None, None
    try:
        data = entry.data.decode()
    except UnicodeDecodeError:
        from binascii import b2a_base64

        encoded = b2a_base64(entry.data, newline=False).decode()
    more: Facts = {"request": entry.request or None, "meta": entry.meta, "data": data, "data_base64": encoded}
    return {"namespace": namespace, **entry_fields(entry), **more}


def list_text(entries: "list[Entry]") -> str:
    """The entries of a namespace."""
    if not entries:
        return "the cache is empty"
    rows: list[list[Cell]] = [
        [
            short_key(entry.key),
            (entry.tier, STYLES[entry.tier]),
            entry.agent or "-",
            size(entry.size),
            str(entry.hits),
            when(runtime.timestamp(entry.used)),
            when(runtime.timestamp(entry.expires) if entry.expires else None),
            (" ".join(entry.tags) or "-", DIM),
            entry.request or "-",
        ]
        for entry in entries
    ]
    head = ["KEY", "TIER", "AGENT", "BYTES", "HITS", "USED", "EXPIRES", "TAGS", "REQUEST"]
    lines = table(rows, head, align="=<<>>><<<", spare=["EXPIRES", "TAGS", "AGENT"])
    is_cut = any(row[0] != entry.key for row, entry in zip(rows, entries, strict=True))
    return lines + ("\n" + paint("whole keys: milestone cache list | cat", DIM) if is_cut else "")


def short_key(key: str) -> str:
    """The beginning of a key that nobody reads, at a terminal; a pipe has all of it."""
    return key[:SHORT] + "…" if len(key) == KEY and runtime.is_terminal(1) else key


def show_text(entry: "Entry") -> str:
    """An entry, a line for each fact."""
    rows: list[list[Cell]] = [
        [("tier", DIM), (entry.tier, STYLES[entry.tier])],
        [("agent", DIM), entry.agent or "-"],
        [("request", DIM), entry.request or "-"],
        [("tags", DIM), " ".join(entry.tags) or "-"],
        [("content hash", DIM), entry.content_hash or "-"],
        [("put", DIM), when(runtime.timestamp(entry.created))],
        [("used", DIM), f"{when(runtime.timestamp(entry.used))}, {count(entry.hits, 'time')}"],
        [("expires", DIM), when(runtime.timestamp(entry.expires)) if entry.expires else "never"],
        [("bytes", DIM), f"{size(entry.size)}, {size(entry.stored)} on the disk"],
    ]
    return "\n".join([flat(entry.key), *("  " + line for line in table(rows, [], align="<<").split("\n"))])


def removed_text(keys: "list[str]", done: str) -> str:
    """What went."""
    return f"{_entries(len(keys))} {done}"


def stats_fields(found: "Statistics") -> "Facts":
    """What a namespace comes to, as JSON values."""
    return {
        "namespace": found.namespace,
        "entries": len(found.entries),
        "entries_limit": found.limit,
        "bytes": found.bytes,
        "hits": found.hits,
        "hit_rate": None if found.rate is None else round(found.rate, 4),
        **found.tally.counts,
        "average_hits": None if found.average is None else round(found.average, 3),
        "tiers": [
            {
                "tier": tier,
                "entries": count,
                "bytes": used,
                "bytes_limit": most,
                "hits": found.tally.hits.get(tier, 0),
                "evicted": found.tally.evicted.get(tier, 0),
            }
            for tier, (count, used, most) in found.tiers.items()
        ],
        "agents": [
            {
                "agent": name or None,
                "entries": count,
                "bytes": used,
                "hits": hits,
                "misses": misses,
                "evicted": evicted,
            }
            for name, (count, used, hits, misses, evicted) in sorted(found.agents.items())
        ],
        "hours": [
            {"hour": runtime.timestamp(start), "hits": hits, "misses": misses, "hit_rate": _rate(hits, misses)}
            for start, hits, misses in found.hours
        ],
        "most_used": [_used(entry) for entry in found.most()],
        "least_used": [_used(entry) for entry in found.least()],
    }


def _used(entry: "Entry") -> "Facts":
    return {"key": entry.key, "hits": entry.hits, "agent": entry.agent or None}


def _rate(hits: int, misses: int) -> "float | None":
    return round(hits / (hits + misses), 4) if hits + misses else None


def stats_text(found: "Statistics") -> str:
    """The same for people, with small bars."""
    counts = found.tally.counts
    asked = found.hits + counts["misses"]
    rate = "nothing asked for yet" if found.rate is None else f"{found.rate:.0%} of {count(asked, 'request')} hit"
    head = (
        f"{paint(flat(found.namespace), BOLD)}: {_entries(len(found.entries))} of {found.limit:,}, {size(found.bytes)}"
    )
    average = "" if found.average is None else f"{found.average:.1f} uses of an entry on average; "
    gone = ", ".join(f"{counts[name]:,} {name}" for name in ("evicted", "expired", "invalidated", "damaged"))
    blocks = [[f"{head}{'' if runtime.is_terminal(1) else ' bytes'}; {rate}", paint(f"{average}{gone}", DIM)]]
    blocks += [_tiers(found), _agents(found), _over_time(found), _extremes(found)]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _tiers(found: "Statistics") -> "list[str]":
    rows: list[list[Cell]] = [
        [(tier, STYLES[tier]), f"{count:,}", size(used), size(most), f"{found.tally.hits.get(tier, 0):,}",
         f"{found.tally.evicted.get(tier, 0):,}", (_bar(used / most if most else 0), STYLES[tier])]
        for tier, (count, used, most) in found.tiers.items()
    ]  # fmt: skip
    return table(rows, ["TIER", "ENTRIES", "BYTES", "OF", "HITS", "EVICTED", "FILLED"], align="<>>>>><").split("\n")


def _agents(found: "Statistics") -> "list[str]":
    named = sorted(found.agents.items(), key=lambda one: (-one[1][2], one[0]))
    if not any(name for name, _ in named):
        return []
    rows: list[list[Cell]] = [
        [name or "-", f"{count:,}", size(used), f"{hits:,}", f"{misses:,}", f"{evicted:,}"]
        for name, (count, used, hits, misses, evicted) in named[:10]
    ]
    return table(rows, ["AGENT", "ENTRIES", "BYTES", "HITS", "MISSES", "EVICTED"], align="=>>>>>").split("\n")


def _over_time(found: "Statistics") -> "list[str]":
    rows: list[list[Cell]] = [
        [runtime.timestamp(start)[:16].replace("T", " "), f"{hits + misses:,}", f"{hits / (hits + misses):.0%}",
         (_bar(hits / (hits + misses)), GREEN)]
        for start, hits, misses in found.hours[-HOURS:] if hits + misses
    ]  # fmt: skip
    return table(rows, ["HOUR (UTC)", "ASKED", "HIT", ""], align="=>><").split("\n") if rows else []


def _extremes(found: "Statistics") -> "list[str]":
    lines: list[str] = []
    for title, entries in (("MOST USED", found.most()), ("LEAST USED", found.least())):
        if entries:
            rows: list[list[Cell]] = [
                [short_key(entry.key), str(entry.hits), entry.agent or "-", entry.request or "-"] for entry in entries
            ]
            lines += table(rows, [title, "HITS", "AGENT", "REQUEST"], align="=><<").split("\n")
    return lines


def _bar(share: float) -> str:
    """A bar in eighths of a column, and what is left of it in dots; what is there at all can be seen."""
    room = max(min(screen_width() - 50, WIDEST), 6)
    eighths = min(max(round(share * room * 8), 1 if share else 0), room * 8)
    filled = "█" * (eighths // 8) + PARTS[eighths % 8].strip()
    return filled + "·" * (room - len(filled))


def cleanup_fields(found: "list[Maintained]", *, dry_run: bool) -> "Facts":
    """What maintenance did, or would do, as JSON values."""
    names = ("namespace", "expired", "damaged", "moved", "cleared", "entries", "bytes")
    return {"dry_run": dry_run, "namespaces": [{name: getattr(one, name) for name in names} for one in found]}


def cleanup_text(found: "list[Maintained]", *, dry_run: bool) -> str:
    """The same for people."""
    if not found:
        return "there is no cache"
    rows: list[list[Cell]] = [
        [one.namespace, str(one.expired), str(one.damaged), str(one.moved), str(one.cleared), str(one.entries),
         size(one.bytes)]
        for one in found
    ]  # fmt: skip
    head = ["NAMESPACE", "EXPIRED", "DAMAGED", "MOVED", "CLEARED", "LEFT", "BYTES"]
    told = table(rows, head, align="=>>>>>>")
    return f"{told}\nnothing was changed; this is what would be done" if dry_run else told


def _entries(count: int) -> str:
    return f"{count:,} " + ("entry" if count == 1 else "entries")
