"""Snapshots: the last one and its backups can be read, saving did not fail lately, and nothing waits elsewhere."""

from milestone_cli import runtime
from milestone_cli.core.doctor.aside import LATELY
from milestone_cli.core.snapshots.document import MAIN
from milestone_cli.core.snapshots.listing import listed
from milestone_cli.jsontext import loads
from milestone_cli.storage import spool
from milestone_cli.storage.emergency import dumps
from milestone_cli.storage.findings import Finding, count, named, sound
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Look at every snapshot, and at what was written down of saving them."""
    rows = listed(store)
    findings = [*_damaged(rows), *_failed(store, rows), *_waiting(store, rows)]
    yield from findings
    if not findings:
        yield sound("snapshots", f"they can be read; {count(len(rows), 'snapshot')}" if rows else "there is none yet")


def _damaged(rows: "list[dict[str, object]]") -> "Iterator[Finding]":
    bad = [str(one["name"]) for one in rows if one["trouble"]]
    if bad:
        why = next(str(one["trouble"]) for one in rows if one["trouble"])
        told = f"{named(bad)} cannot be read: {why}"
        severity = "error" if MAIN in bad else "warning"
        yield Finding(
            "snapshots", "damaged", severity, told,
            "`milestone snapshot load` goes on with the newest that can be read, and sets a damaged one aside", bad[0],
        )  # fmt: skip


def _failed(store: "Store", rows: "list[dict[str, object]]") -> "Iterator[Finding]":
    """Tell of saves that failed lately, and of which none has succeeded since."""
    last_saved = parse_ns(str(rows[0]["written"])) if rows and rows[0]["name"] == MAIN else None
    since = max(runtime.now_ns() - LATELY, last_saved or 0)
    lately = []
    for line in spool.notes(store.path):
        try:
            one = loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and one.get("what") == "snapshot" and (parse_ns(str(one.get("at"))) or 0) >= since:
            lately.append(one)
    if lately:
        last = lately[-1]
        told = f"{count(len(lately), 'snapshot')} could not be saved; the last, {last['at']}: {last.get('message')}"
        yield Finding("snapshots", "not_saved", "warning", told, "see to it that the store can be written")


def _waiting(store: "Store", rows: "list[dict[str, object]]") -> "Iterator[Finding]":
    """Tell of what was kept elsewhere since the last snapshot was saved."""
    kept = dumps(store.path)
    last = parse_ns(str(rows[0]["written"])) if rows and rows[0]["name"] == MAIN else None
    if kept and (last is None or _written(kept[-1]) > last):
        yield Finding(
            "snapshots", "emergency", "note",
            f"a snapshot was kept in {kept[-1]}, for the store could not be written",
            "`milestone snapshot save` supersedes it; `milestone snapshot load FILE` takes it in", kept[-1],
        )  # fmt: skip


def _written(path: str) -> int:
    import os

    try:
        return os.stat(path, follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0
