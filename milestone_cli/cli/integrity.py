"""The commands of `milestone events` that prove a log and rest on its proof: verify, repair, replay."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.log.replay import Step

    from .options.logs import Accept, AllLogs, FromEvent, ReplayAt, ReplayFormat, SessionLog, ToEvent, VerifyFormat
    from .options.shared import DryRun, Format, LockTimeout, MilestoneId, Yes


def replay(
    milestone: "MilestoneId" = None,
    session: "SessionLog" = None,
    first: "FromEvent" = None,
    last: "ToEvent" = None,
    at: "ReplayAt" = None,
    output: "ReplayFormat" = "text",
) -> None:
    """Print the state exactly as it was after an event, taken from the log alone and proved by its checksum.

    With --from: every change of a range, each with the state after it. With --session: the state as the session left
    it.

    Example: milestone events replay demo --to 3
    """
    from milestone_cli import render
    from milestone_cli.core.log import replay as core
    from milestone_cli.core.log.streams import meant, milestone_of
    from milestone_cli.storage import open_store

    if last is not None and at is not None:
        raise _usage("--to and --at both say where to end", "give one of them")
    store = open_store()
    stream = meant(store, milestone, session)
    stop = core.end_of(store, stream, to=last, at=at, session=session)
    if first is not None:
        named: dict[str, object] = {"milestone_id": milestone_of(stream), "session_id": session}
        _show(core.states(store, stream, first, stop, session), {**named, "from": first, "to": last}, output)
        return
    step = core.state_at(store, stream, stop)
    if output == "jsonl":
        from milestone_cli.render.replay import as_lines

        for piece in as_lines([step]):
            render.write(piece)
        return
    from .state import print_document

    assert step.text is not None
    print_document(step.text, None, output, bare=False)


def _show(steps: "Iterator[Step]", named: "dict[str, object]", output: str) -> None:
    """Print every change of a range as it comes."""
    from milestone_cli import render
    from milestone_cli.render import replay as shapes

    pieces: Iterator[str] | Iterator[bytes] = shapes.as_text(steps)
    if output == "json":
        pieces = shapes.as_json("events-replay", named, steps)
    elif output != "text":
        pieces = shapes.as_lines(steps) if output == "jsonl" else shapes.as_yaml(steps)
    is_empty = True
    for piece in pieces:
        render.write(piece)
        is_empty = False
    if is_empty:
        render.notify(["nothing changed the state between these events"])


def verify(
    milestone: "MilestoneId" = None,
    session: "SessionLog" = None,
    all_: "AllLogs" = False,
    output: "VerifyFormat" = "text",
) -> int:
    """Prove a log: its sequence, checksum chain and head, and that it explains the state. Exit 6 if it is damaged.

    A session's events are proved with the log that holds them: its milestone's, or its own.

    Example: milestone events verify demo
    """
    from milestone_cli import render
    from milestone_cli.core.log import proof
    from milestone_cli.core.log.streams import meant
    from milestone_cli.errors import EXIT
    from milestone_cli.render import findings
    from milestone_cli.storage import open_store

    if all_ and (milestone is not None or session is not None):
        raise _usage("one log or --all, not both", "leave one of them out")
    store = open_store()
    names = [*store.milestones(), *store.session_logs()] if all_ else [meant(store, milestone, session)]
    reports = list(proof.prove(store, names, findings.progress(), is_every=all_))
    if session is not None:
        proof.count_session(store, reports[0], session)
    if output == "github":
        render.write(findings.github(reports, proof.places(store)) + "\n")
    elif output == "junit":
        render.write(findings.junit(reports) + "\n")
    else:
        render.emit("verify", findings.fields(reports), findings.text(reports), output)
    if all(report.ok for report in reports):
        return 0
    if not any(report.damaged for report in reports):
        return EXIT["store_unreachable"]
    if output == "text":
        render.notify(["`milestone events repair --dry-run` shows what can be repaired"])
    return EXIT["damaged"]


def repair(
    milestone: "MilestoneId" = None,
    session: "SessionLog" = None,
    accept: "Accept" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> int:
    """Repair a damaged log as far as its checksums prove how; what is taken out is kept. Exit 6 if damage is left.

    At a terminal the plan is shown and confirmed first, unless --yes. What nothing proves, such as an edited or removed
    event, stays as it is; --accept acknowledges it, so that `events verify` can tell it from new damage.

    Example: milestone events repair demo --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.log import repair as core
    from milestone_cli.core.log.streams import meant
    from milestone_cli.errors import EXIT
    from milestone_cli.render import repairs
    from milestone_cli.storage import open_store

    store = open_store()
    found = core.plan(store, meant(store, milestone, session), accept=accept)
    fields: dict[str, object] = {**found.fields(), "dry_run": dry_run, "ok": found.report.ok, "event_id": None}
    fields.update(sequence_number=None, kept=None, left=[act.finding.fields() for act in found.of("leave")])
    if dry_run or found.is_idle:
        render.emit("events-repair", fields, repairs.plan_text(found), output)
        return 0 if dry_run or found.report.ok else EXIT["damaged"]
    if not yes:
        from .confirm import confirm

        confirm(repairs.plan_text(found), "Repair it?")
    receipt, kept, after = core.run(store, found, timeout=lock_timeout)
    assert receipt is not None
    render.notify(receipt.notes)
    left = [one for one in after.findings if one.severity == "damage"]
    fields.update(ok=after.ok, event_id=receipt.event_id, sequence_number=receipt.sequence, kept=kept or None)
    fields["left"] = [one.fields() for one in left]
    render.emit("events-repair", fields, repairs.done_text(found, receipt, kept, left), output)
    return 0 if after.ok else EXIT["damaged"]


def _usage(message: str, hint: str) -> Exception:
    from milestone_cli.errors import MilestoneError

    return MilestoneError("usage", message, hint)
