"""Backups and checkpoints: whether each one would bring back what it was made of, and checkpoints made good again.

A checkpoint that no longer proves itself is made anew where its notes say which revision it was, and the log or a
backup still has that text, byte for byte.
"""

from milestone_cli.core import draft, lock_timeout
from milestone_cli.core.checkpoints.checkpoint import Checkpoint, checkpoints
from milestone_cli.core.checkpoints.copies import Copy, find_copies
from milestone_cli.core.doctor.aside import mover
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Plan, safe
from milestone_cli.storage.files.envelope import compose, parse_envelope
from milestone_cli.storage.findings import Finding, count, failed, named, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Read every backup and every checkpoint, and let it prove itself."""
    backups = kept = 0
    trouble = False
    known = store.milestones()
    for name in known:
        try:
            safe(name)
        except MilestoneError:
            continue
        try:
            copies = [copy for copy in find_copies(store, name) if copy.kind == "backup"]
            ours = checkpoints(store, name)
        except (MilestoneError, OSError) as error:
            trouble = True
            yield failed("copies", error, name)
            continue
        backups += sum(copy.is_whole for copy in copies)
        kept += len(ours)
        for finding in (*_backups(store, name, copies), *_checkpoints(store, name, ours)):
            trouble = True
            yield finding
    if lost := _ownerless(store, known):
        trouble = True
        yield Finding(
            "copies", "ownerless", "note",
            f"{count(len(lost), 'copy')} of milestones that are not there: {named(lost)}",
            "`milestone state recover NAME` brings such a milestone back", lost[0],
        )  # fmt: skip
    if not trouble:
        yield sound("copies", f"{count(backups, 'backup')} and {count(kept, 'checkpoint')}: their checksums fit")


def _backups(store: "Store", name: str, copies: "list[Copy]") -> "Iterator[Finding]":
    for copy in copies:
        if copy.trouble.startswith("cannot be read"):
            yield Finding(
                "copies", "backup_damaged", "warning", f"the backup {copy.place[1]} {copy.trouble}",
                "move it into the quarantine", copy.place[1], _mover(store, name, copy.place),
            )  # fmt: skip
        elif not copy.trouble and not copy.proved:
            yield Finding(
                "copies", "backup_changed", "warning",
                f"the backup {copy.place[1]} does not fit its checksum: another program wrote through it",
                "move it into the quarantine", copy.place[1], _mover(store, name, copy.place),
            )  # fmt: skip


def _mover(store: "Store", name: str, place: "tuple[str, str]") -> "Callable[[], str]":
    what = f"the {place[0]} {place[1]}"
    return mover(store, *place, "a copy that does not fit its checksum", milestone=name, what=what)


def _checkpoints(store: "Store", name: str, found: "list[Checkpoint]") -> "Iterator[Finding]":
    for one in found:
        if one.state != "damaged":
            continue
        source = _again(store, one)
        fix = f"the other checkpoints: `milestone checkpoint list {name}`; no copy has what this one kept"
        yield Finding(
            "copies", "checkpoint_damaged", "error", f"{name}: the checkpoint {one.name} is damaged: {one.trouble}",
            f"make it again from {source[0]}, which has the same text; the damaged one goes into the quarantine"
            if source else fix,
            one.name, _maker(store, one) if source else None,
        )  # fmt: skip


def _again(store: "Store", one: Checkpoint) -> "tuple[str, bytes] | None":
    """The envelope that a damaged checkpoint was, and where it was found; None where nothing has it any more."""
    if not one.sha256:
        return None
    if one.revision:
        try:
            document = store.read(one.milestone, one.revision)
        except MilestoneError:
            pass
        else:
            if document.sha256 == one.sha256 and document.event is not None:
                keys = ("event_id", "event_type", "session_id", "agent_id")
                event = dumps({key: document.event.get(key) for key in keys})
                stamp = document.timestamp
                raw = compose(stamp, one.milestone, one.revision, one.sha256, event, document.text)
                return "the log", raw
    for copy in find_copies(store, one.milestone):
        raw_copy = store.get(*copy.place) if copy.proved else None
        if raw_copy is not None and parse_envelope(raw_copy, one.milestone).sha256 == one.sha256:
            return f"{copy.kind} {copy.name}", raw_copy
    return None


def _maker(store: "Store", one: Checkpoint) -> "Callable[[], str]":
    milestone, name = one.milestone, one.name
    key = f"{milestone}/{name}"

    def repair() -> str:
        source = ""

        def build() -> Plan:
            nonlocal source
            plan = Plan("checkpoint_repair")
            now = [again for again in checkpoints(store, milestone) if again.name == name and again.state == "damaged"]
            found = _again(store, now[0]) if now else None
            if found is None:
                return plan
            source = found[0]
            place = store.set_aside("checkpoint", key, "a checkpoint that did not fit its checksum")
            plan.puts.append(("checkpoint", key, found[1]))
            data = {"checkpoint_name": name, "source": source, "quarantined": place}
            plan.events.append((milestone, draft(store, "checkpoint_repaired", dumps(data))))
            return plan

        store.transact([milestone], build, lock_timeout(store, None))
        return f"made the checkpoint {name} of '{milestone}' again from {source}" if source else ""

    return repair


def _ownerless(store: "Store", known: "list[str]") -> "list[str]":
    """Backups and checkpoints whose names say no milestone that is there."""
    keys = [*store.keys("backup"), *[key.replace("/", "-checkpoint-") for key in store.keys("checkpoint")]]
    return [key for key in keys if not any(key.startswith(name + "-") for name in known)]
