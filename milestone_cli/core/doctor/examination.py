"""An examination of a store: checks of one shape, each a line in a table, and the repairs that they know.

A check that fails is a finding of its own, so one broken part hides no other. Without `--fix` nothing is changed; with
it nothing is deleted, and a second time there is nothing left to do.
"""

from milestone_cli.core.doctor import (
    agents,
    alerts,
    cache,
    client,
    coldstore,
    configuration,
    copies,
    hooks,
    logs,
    records,
    snapshots,
    tasks,
)
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.findings import SEVERITIES, failed, reason, text
from milestone_cli.storage.findings import Finding as Finding  # noqa: PLC0414 - who shows findings has it from here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.contract import Store

    Progress = Callable[[str], Callable[[int, int], None] | None]
    """Given a milestone's name: what shall be told how far its log has been read; see `verify`."""
    Check = Callable[[Store, Progress], Iterator[Finding]]


def of_the_store(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """What the store says of itself: files, locks, the disk; or whatever it is made of."""
    return store.health()


CHECKS: "tuple[tuple[str, Check], ...]" = (
    ("store", of_the_store),
    ("logs", logs.check),
    ("copies", copies.check),
    ("records", records.check),
    ("agents", agents.check),
    ("tasks", tasks.check),
    ("snapshots", snapshots.check),
    ("archive", coldstore.check),
    ("cache", cache.check),
    ("configuration", configuration.check),
    ("hooks", hooks.check),
    ("client", client.check),
    ("alerts", alerts.check),
)
"""Everything that is looked at, in the order in which it is shown and repaired; one line adds a check.

The name is for what keeps a check from its work; its findings say themselves under which subject they stand.
"""


class Repair:
    """A finding that was to be repaired.

    Attributes:
        finding: what was found.
        told: what was done; empty when nothing was left to do.
        trouble: why it could not be done; empty when it could.
    """

    __slots__ = ("finding", "told", "trouble")

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        self.told = ""
        self.trouble = ""

    def fields(self) -> "dict[str, object]":
        """The repair as JSON values."""
        return {
            "id": self.finding.id,
            "subject": self.finding.subject or None,
            "plan": self.finding.fix,
            "done": self.told or None,
            "trouble": self.trouble or None,
        }


def examine(store: "Store", progress: "Progress" = lambda _: None) -> "list[Finding]":
    """Look at everything.

    Args:
        store: the store; only read.
        progress: what to tell how far long work is.

    Returns:
        Findings in the order of `CHECKS`, an `ok` where there is nothing to find.
    """
    found: list[Finding] = []
    for name, check in CHECKS:
        try:
            found += check(store, progress)
        except (MilestoneError, OSError) as error:
            found.append(failed(name, error))
    ill = {one.check for one in found if one.severity != "ok"}
    return [one for one in found if one.severity != "ok" or one.check not in ill]


def repair(findings: "list[Finding]") -> "list[Repair]":
    """Do every repair that the findings carry, in their order; one that fails keeps no other from being done."""
    done = []
    for finding in repairable(findings):
        one = Repair(finding)
        assert finding.repair is not None
        try:
            one.told = text(finding.repair())
        except (MilestoneError, OSError) as error:
            one.trouble = text(reason(error))
        done.append(one)
    return done


def repairable(findings: "list[Finding]") -> "list[Finding]":
    """The findings that can be repaired."""
    return [finding for finding in findings if finding.repair is not None]


def worst(findings: "list[Finding]") -> str:
    """The worst severity among the findings."""
    return SEVERITIES[max((SEVERITIES.index(finding.severity) for finding in findings), default=0)]
