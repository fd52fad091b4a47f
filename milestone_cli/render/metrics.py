"""The figures of a store: for people with units, for machines, and as a textfile for Prometheus' node exporter."""

from milestone_cli.render.ages import amount, count, size, when
from milestone_cli.render.table import DIM, table
from milestone_cli.render.text import flat
from milestone_cli.runtime import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.metrics.collect import Metrics
    from milestone_cli.render.table import Cell

SECOND = 1_000_000_000
PROBED = ("save", "load")
"""Jobs whose times are those of the last probe."""


def fields(found: "Metrics") -> "dict[str, object]":
    """All figures as JSON values, and those that the reference names under its names."""
    return {
        "store": found.store,
        "collected_at": timestamp(found.at),
        "noted_since": found.noted.since,
        "health": {
            "stateDirExists": True,
            "writeable": found.usage.is_writable,
            "diskSpace": found.usage.free,
            "lastSaveTime": timestamp(found.last_save) if found.last_save else None,
            "backupCount": found.backups,
        },
        "change_duration": _times(found, "change"),
        "save_duration": _times(found, "save"),
        "load_duration": _times(found, "load"),
        "failure_rate": _rate(found),
        "disk_usage": found.usage.disk,
        "file_counts": found.usage.counts,
        "tasks": found.tasks,
        "metrics": [
            {
                "name": name,
                "type": type_,
                "help": help_,
                "samples": [{"labels": labels, "value": value} for _, labels, value in samples],
            }
            for name, type_, help_, samples in found.families()
        ],
    }


def _times(found: "Metrics", job: str) -> "dict[str, object] | None":
    """Seconds of a job: of saves and loads by the last probe, of changes and transactions by what they left."""
    name = f"{job}_duration_seconds"
    known = {labels["quantile"]: value for labels, value in found.samples.get(name, ())}
    if not known:
        return None
    return {
        "count": found.value(f"{name}_count"),
        "min": known["0"],
        "median": known["0.5"],
        "max": known["1"],
        "measured_at": found.noted.probe["at"] if job in PROBED else timestamp(found.at),
    }


def _rate(found: "Metrics") -> "float | None":
    """Share of the changes of states in the last day that failed; None where there were none, or it is not known."""
    saves, failed = found.value("day_saves"), found.value("day_save_failures")
    if saves is None or failed is None or not saves + failed:
        return None
    return round(failed / (saves + failed), 4)


def prometheus(found: "Metrics") -> str:
    """All figures in Prometheus' text format, version 0.0.4, without times, as the node exporter wants them.

    Source: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    lines = []
    for name, type_, help_, samples in found.families():
        if samples:
            lines += [f"# HELP {name} {help_}", f"# TYPE {name} {type_}"]
            lines += [f"{name}{ending}{_labels(labels)} {value!r}" for ending, labels, value in samples]
    return "".join([line + "\n" for line in lines])


def _labels(labels: "dict[str, str]") -> str:
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(value)}"' for name, value in labels.items()]) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def text(found: "Metrics") -> str:
    """The figures for people, with units."""
    rows: list[list[Cell]] = [[(name, DIM), flat(told)] for name, told in _lines(found)]
    parts = [[part, f"{number:,}", size(found.usage.sizes[part])] for part, number in found.usage.counts.items()]
    lines = [table(rows, [], align="<<"), "", table(sorted(parts), ["PART", "FILES", "SIZE"], align="=>>")]
    failures = [[*name, f"{number:,}"] for name, number in sorted(found.noted.failures.items())]
    if failures:
        lines += ["", table(failures, ["COMMAND", "ERROR", "TIMES"], align="=<>")]
    return "\n".join(lines)


def _lines(found: "Metrics") -> "Iterator[tuple[str, str]]":
    yield "store", f"{found.store}{'' if found.usage.is_writable else ' (may not be written)'}"
    yield "last save", when(timestamp(found.last_save)) if found.last_save else "never"
    yield "changes", _changes(found)
    yield "events", f"{found.value('events_total') or 0:,}"
    yield "copies", _copies(found)
    if found.tasks["total_tasks"]:
        yield "tasks", _tasks(found.tasks)
    if found.usage.disk is not None:
        room = f"{amount(found.usage.free or 0)} of {amount(found.usage.capacity or 0)} free"
        yield "disk", f"{amount(found.usage.disk)} taken, {room}"
    locks = found.total("locks")
    yield "locks", f"{locks:,} held, the oldest for {found.value('lock_oldest_seconds')} s" if locks else "none is held"
    if (waits := found.value("lock_waits_total")) is not None:
        longest = found.value("lock_wait_longest_seconds")
        seconds = found.value("lock_wait_seconds_total")
        yield "lock waits", f"{waits:,} of a second or more; {seconds} s in all, the longest {longest} s"
    last = found.noted.last
    yield "failures", f"{sum(found.noted.failures.values()):,}" + (f", the last {when(last[-1][0])}" if last else "")
    yield "damage", count(len(found.usage.damaged), "state") + " in the quarantine"
    yield "waiting", f"{count(int(found.value('hook_calls_waiting') or 0), 'call')} of hooks"
    for job in ("change", "transaction"):
        if (times := _times(found, job)) is not None:
            yield job + "s took", _told(times)
    for job in PROBED:
        times = _times(found, job)
        told = (
            f"{_told(times)}, tried {when(times['measured_at'])}"
            if times
            else "not tried; `milestone metrics --probe` does"
        )
        yield job + " time", told


def _changes(found: "Metrics") -> str:
    told = f"{found.value('revisions_total') or 0:,}"
    if (saves := found.value("day_saves")) is not None:
        told += f"; in the last 24 h {saves:,}, and {found.value('day_save_failures'):,} failed"
    rate = _rate(found)
    return told + (f" ({rate:.1%})" if rate else "")


def _copies(found: "Metrics") -> str:
    told = f"{count(found.backups, 'backup')}, {count(int(found.value('checkpoints') or 0), 'checkpoint')}"
    newest = found.value("backup_newest_timestamp_seconds")
    return told + (f"; the newest backup {when(timestamp(int(newest * SECOND)))}" if newest else "")


def _tasks(tasks: "dict[str, object]") -> str:
    told = f"{tasks['total_tasks']}; {tasks['completed_tasks']} completed, {tasks['failed_tasks']} failed"
    mean = tasks["average_completion_time"]
    return told + (f", {mean:,.1f} s each on average" if isinstance(mean, float) else "")


def _told(times: "dict[str, object]") -> str:
    low, middle, high = (f"{float(str(times[name])) * 1000:.3g}" for name in ("min", "median", "max"))
    return f"{middle} ms ({low} to {high}, of {times['count']})"
