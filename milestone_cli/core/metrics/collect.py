"""Gathering the figures of a store: from its names, heads and times, and from what was noted; no state is read."""

from milestone_cli import __version__, runtime
from milestone_cli.core.hook.late import problems
from milestone_cli.core.metrics.declared import METRICS, PREFIX
from milestone_cli.core.metrics.saves import change_times, day_of_saves, is_failed_save
from milestone_cli.storage.findings import text
from milestone_cli.storage.measures import Measures, measures
from milestone_cli.storage.places import waiting
from milestone_cli.storage.transactions import parse
from milestone_cli.storage.usage import Usage, usage
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.contract import Store

    Labels = dict[str, str]
    Value = int | float

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LATEST = 50
"""Transactions whose records are read."""


class Metrics:
    """The figures of a store, gathered at one time.

    Attributes:
        store: path or URL, without a password.
        at: when, nanoseconds since 1970.
        samples: labels and value of each sample, by the name of the figure; what is not known is not there.
        usage: what the store takes.
        noted: what commands have noted.
        last_save: when a state was last written, nanoseconds since 1970; 0 for never.
        backups: how many there are.
        tasks: figures of tasks under the names of the reference.
    """

    __slots__ = ("at", "backups", "last_save", "noted", "samples", "store", "tasks", "usage")

    def __init__(self, store: str, at: int, found: Usage, noted: Measures) -> None:
        self.store = store
        self.at = at
        self.usage = found
        self.noted = noted
        self.samples: dict[str, list[tuple[Labels, Value]]] = {}
        self.last_save = 0
        self.backups = 0
        self.tasks: dict[str, object] = {}

    def add(self, name: str, value: "Value | None", **labels: str) -> None:
        """Add a sample; none where there is no value."""
        if value is not None:
            self.samples.setdefault(name, []).append((labels, value))

    def families(self) -> "Iterator[tuple[str, str, str, list[tuple[str, Labels, Value]]]]":
        """Each figure: its whole name, type, meaning, and its samples as ending of the name, labels and value."""
        for name, type_, help_ in METRICS:
            endings = ("", "_sum", "_count") if type_ == "summary" else ("",)
            samples = [(ending, *one) for ending in endings for one in self.samples.get(name + ending, ())]
            yield PREFIX + name, type_, help_, samples

    def value(self, name: str) -> "Value | None":
        """The one sample of a figure without labels; None where it is not known."""
        found = self.samples.get(name)
        return found[0][1] if found else None

    def total(self, name: str) -> "Value":
        """The sum of all samples of a figure."""
        return sum(value for _, value in self.samples.get(name, ()))


def collect(store: "Store") -> Metrics:
    """Gather everything.

    Raises:
        MilestoneError: what the store raises; OSError where the disk cannot be asked.
    """
    found = Metrics(store.path, runtime.now_ns(), usage(store), measures(store.path))
    kind = "postgresql" if "://" in store.path else "files"
    found.add("info", 1, store=text(store.path), kind=kind, version=__version__)
    found.add("collected_timestamp_seconds", found.at / SECOND)
    found.add("writable", int(found.usage.is_writable))
    _states(store, found)
    _copies(store, found)
    _disk(found)
    _locks(store, found)
    _failures(store, found)
    _tasks(store, found)
    found.add("damaged_states", len(found.usage.damaged))
    _transactions(store, found)
    found.add("hook_calls_waiting", len(waiting(store.path)))
    troubles = [str(one.get("what")) for one in problems(store.path)]
    for what in ("waits", "failed", "lost", "usage"):
        found.add("hook_problems", troubles.count(what), what=what)
    _probed(found)
    return found


def _states(store: "Store", found: Metrics) -> None:
    active = store.active()
    names = store.milestones()
    heads = [head for name in names if (head := store.head(name)) is not None]
    found.add("milestones", len(active), status="active")
    found.add("milestones", len(names) - len(active), status="other")
    found.add("revisions_total", sum(head.revision for head in heads))
    found.add("events_total", sum(head.sequence for head in heads))
    times = [store.modified(kind, name) for kind in ("active", "completed") for name in store.keys(kind)]
    found.last_save = max(times, default=0)
    found.add("last_save_timestamp_seconds", found.last_save / SECOND if found.last_save else None)
    _summary(found, "change_duration_seconds", change_times(store))


def _copies(store: "Store", found: Metrics) -> None:
    kept = store.keys("backup")
    times = [when for key in kept if (when := backup_of(key)[1])]
    found.backups = len(kept)
    found.add("backups", len(kept))
    found.add("checkpoints", len(store.keys("checkpoint")))
    found.add("backup_newest_timestamp_seconds", max(times) / SECOND if times else None)
    found.add("backup_oldest_timestamp_seconds", min(times) / SECOND if times else None)
    found.add("milestones_without_copy", sum(newest == 0 for _, newest in copies(store)))


def copies(store: "Store") -> "list[tuple[str, int]]":
    """Each active milestone whose state was ever replaced, and when its newest copy was made.

    Returns:
        Name and nanoseconds since 1970, 0 where there is neither backup nor checkpoint.
    """
    newest: dict[str, int] = {}
    for key in store.keys("backup"):
        name, when = backup_of(key)
        newest[name] = max(newest.get(name, 0), when)
    for key in store.keys("checkpoint"):
        name = key.partition("/")[0]
        newest[name] = max(newest.get(name, 0), store.modified("checkpoint", key))
    found = []
    for name in store.keys("active"):
        head = store.head(name)
        if head is not None and head.revision > 1:
            found.append((name, newest.get(name, 0)))
    return found


def backup_of(key: str) -> "tuple[str, int]":
    """The milestone of a backup and when it was made, nanoseconds since 1970, as its name says; 0 where it does not."""
    rest, mark, revision = key.rpartition("-r")
    stem = rest if mark and revision.isdigit() else key
    name, second = stem[:-16], stem[-15:]
    day, _, time = second.partition("-")
    if not (len(day) == 8 and len(time) == 6 and (day + time).isdigit()):
        return stem, 0
    moment = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"
    return name, parse_ns(moment) or 0


def _disk(found: Metrics) -> None:
    for part, count in sorted(found.usage.counts.items()):
        found.add("files", count, part=part)
        found.add("size_bytes", found.usage.sizes[part], part=part)
    found.add("disk_used_bytes", found.usage.disk)
    found.add("disk_free_bytes", found.usage.free)
    found.add("disk_capacity_bytes", found.usage.capacity)
    found.add("disk_free_files", found.usage.free_files)


def _locks(store: "Store", found: Metrics) -> None:
    locks = store.locks()
    known = [one for name in locks.names() if (one := locks.show(name)) is not None]
    for state in ("live", "stale", "foreign"):
        found.add("locks", sum(one["state"] == state for one in known), state=state)
    ages = [age for one in known if one["state"] == "live" and isinstance(age := one["age_seconds"], int)]
    found.add("lock_oldest_seconds", max(ages, default=0))


def _failures(store: "Store", found: Metrics) -> None:
    noted = found.noted
    if "://" not in store.path:
        found.add("lock_waits_total", int(noted.waits["count"]))
        found.add("lock_wait_seconds_total", round(noted.waits["seconds"], 3))
        found.add("lock_wait_longest_seconds", noted.waits["longest"])
    for (command, code), count in sorted(noted.failures.items()):
        found.add("failures_total", count, command=command, code=code)
    last = parse_ns(noted.last[-1][0]) if noted.last else None
    found.add("last_failure_timestamp_seconds", last / SECOND if last else None)
    since = runtime.timestamp(found.at - DAY)
    failed = sum(at >= since and is_failed_save(command, code) for at, command, code, _ in noted.last)
    found.add("day_saves", day_of_saves(store, store.clock() - DAY))
    found.add("day_save_failures", failed)


def _tasks(store: "Store", found: Metrics) -> None:
    from milestone_cli.core.tasks.report import metrics
    from milestone_cli.core.tasks.task import tasks

    known = tasks(store)
    found.tasks = metrics(known)
    for status in sorted({one.status for one in known}):
        found.add("tasks", sum(one.status == status for one in known), status=status)


def _probed(found: Metrics) -> None:
    probe = found.noted.probe
    at = parse_ns(probe.get("at"))
    if at is None:
        return
    found.add("probe_timestamp_seconds", at / SECOND)
    for job in ("save", "load"):
        times = probe.get(job)
        if isinstance(times, list) and all(type(one) in (int, float) for one in times):
            _summary(found, f"{job}_duration_seconds", times)


def _summary(found: Metrics, name: str, times: "list[float]") -> None:
    """Add a summary: the shortest, the median and the longest of some times, their sum and number; none of none."""
    if not times:
        return
    times = sorted(times)
    for quantile in (0, 0.5, 1):
        found.add(name, times[round(quantile * (len(times) - 1))], quantile=str(quantile))
    found.add(f"{name}_sum", round(sum(times), 6))
    found.add(f"{name}_count", len(times))


def _transactions(store: "Store", found: Metrics) -> None:
    """How long the last transactions took, by the times in their records."""
    found.add("transactions_pending", len(store.keys("pending")))
    times = []
    for key in store.keys("committed")[-LATEST:]:
        record = parse(store.get("committed", key) or b"", key)
        said = record["transaction"] if record else None
        if isinstance(said, dict):
            begun, ended = parse_ns(said.get("started_at")), parse_ns(said.get("committed_at"))
            if begun is not None and ended is not None and ended >= begun:
                times.append((ended - begun) / SECOND)
    _summary(found, "transaction_duration_seconds", times)
