"""What went wrong lately, and what runs low, held against the thresholds in the configuration."""

from milestone_cli import runtime
from milestone_cli.core.configuration import settings
from milestone_cli.core.configuration.declared import BY_NAME
from milestone_cli.core.metrics.collect import copies
from milestone_cli.core.metrics.saves import RETRIED, is_failed_save
from milestone_cli.core.times import duration
from milestone_cli.errors import MilestoneError
from milestone_cli.model import size_of
from milestone_cli.storage.files.health.disk import size
from milestone_cli.storage.findings import Finding, count, named, sound
from milestone_cli.storage.measures import measures
from milestone_cli.storage.usage import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store

REFUSED = ("EACCES", "EPERM", "EROFS")
BACKUPS = ("checkpoint create",)
KINDS = (
    ("save_failures", "change of a state", "failed", "free space, permissions and the disk are told above"),
    ("backup_failures", "checkpoint", "failed", "free space, permissions and the disk are told above"),
    ("permission_errors", "permission", "was refused", "see who owns the store, and who works in it"),
)
"""Thresholds on failures: the setting behind `alert_`, what it counts, what became of it, what to do."""


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Hold what commands noted, what was set aside, copies and room against their thresholds."""
    within = _threshold(store, "alert_within")
    since = runtime.now_ns() - duration(within)
    findings = [
        *_failures(store, since, within),
        *_damage(store, since, within),
        *_old_copies(store),
        *_room(store),
    ]
    if not findings:
        yield sound("alerts", f"no threshold was passed within {within}")
    yield from findings


def _threshold(store: "Store", name: str) -> str:
    """A threshold as text; the built-in one where the configuration cannot be read, which is told elsewhere."""
    known = BY_NAME[name]
    try:
        value = runtime.env("MILESTONE_" + name.upper()) or settings(store, keeps=False).get(name) or known.default
    except MilestoneError:
        return known.default
    return value if known.kind.fits(value) else known.default


def _failures(store: "Store", since: int, within: str) -> "Iterator[Finding]":
    moment = runtime.timestamp(since)
    lately = [one for one in measures(store.path).last if one[0] >= moment]
    for kind, noun, verb, fix in KINDS:
        least = int(_threshold(store, f"alert_{kind}"))
        found = [one for one in lately if _is(kind, *one[1:])]
        if least and len(found) >= least:
            at, command, code, errno = found[-1]
            became = verb if len(found) == 1 else verb.replace("was", "were")
            last = f"{command}, {code}{f' ({errno})' if errno else ''}"
            yield Finding(
                "alerts", kind, "warning",
                f"{_many(len(found), noun)} {became} within {within}; the last, {at}: {last}",
                fix, command,
            )  # fmt: skip


def _many(number: int, noun: str) -> str:
    return f"{number:,} changes of states" if number > 1 and noun.startswith("change") else count(number, noun)


def _is(kind: str, command: str, code: str, errno: str) -> bool:
    """Whether a failure is of a kind."""
    if kind == "permission_errors":
        return errno in REFUSED
    if kind == "backup_failures":
        return command in BACKUPS and code not in RETRIED
    return is_failed_save(command, code)


def _damage(store: "Store", since: int, within: str) -> "Iterator[Finding]":
    """States that were set aside as damaged, which a load mends without being asked, and those that nothing mended."""
    least = int(_threshold(store, "alert_damage"))
    moment = runtime.timestamp(since)
    aside = sum(when >= since for when in usage(store).damaged)
    told = sum(at >= moment and code == "damaged" for at, _, code, _ in measures(store.path).last)
    if least and aside + told >= least:
        yield Finding(
            "alerts", "damage", "warning",
            f"within {within} {count(aside, 'damaged state')} set aside, {count(told, 'command')} stopped by damage",
            "look after the disk, and at what is in the quarantine",
        )  # fmt: skip


def _old_copies(store: "Store") -> "Iterator[Finding]":
    """States that were changed since their newest copy was made, long ago; and those that have none."""
    span = duration(_threshold(store, "alert_backup_age"))
    if not span:
        return
    oldest = store.clock() - span
    old = [name for name, newest in copies(store) if newest < oldest and store.modified("active", name) > newest + 1e9]
    if old:
        yield Finding(
            "alerts", "backup_age", "warning",
            f"the newest copy of {named(old)} is older than {_threshold(store, 'alert_backup_age')}, or there is none",
            "`milestone checkpoint create` makes one", old[0],
        )  # fmt: skip


def _room(store: "Store") -> "Iterator[Finding]":
    least = size_of(_threshold(store, "alert_free_space"))
    free = usage(store).free if least else None
    if free is not None and free < least:
        yield Finding(
            "alerts", "free_space", "warning",
            f"{size(free)} are free on the disk, less than the {size(least)} that shall be",
            "free some space; `milestone cleanup plan` shows what of this store could go",
        )  # fmt: skip
