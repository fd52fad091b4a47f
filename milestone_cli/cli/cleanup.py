"""The commands of `milestone cleanup`: what retention would keep and remove, and doing it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention.plan import Plan, Policy
    from milestone_cli.storage.contract import Store

    from .options.shared import CacheNamespace, DryRun, Format, IdempotencyKey, LockTimeout, MilestoneId, Yes
    from .options.stores import (
        Archive,
        InactiveSpan,
        KeepDaily,
        KeepHourly,
        KeepLast,
        KeepMonthly,
        KeepTag,
        KeepWeekly,
        KeepWithin,
        OlderThan,
    )


def plan(
    milestone: "MilestoneId" = None,
    older_than: "OlderThan" = None,
    keep_last: "KeepLast" = None,
    keep_within: "KeepWithin" = None,
    keep_hourly: "KeepHourly" = None,
    keep_daily: "KeepDaily" = None,
    keep_weekly: "KeepWeekly" = None,
    keep_monthly: "KeepMonthly" = None,
    keep_tag: "KeepTag" = None,
    archive: "Archive" = False,
    output: "Format" = "text",
) -> None:
    """Show what a clean-up would keep and remove, and why; nothing is changed.

    It keeps what is young; of backups and checkpoints, what a --keep rule names, as in restic; and always what is
    active, pinned or referenced, what cannot be read, and the newest good copy. Of the log it removes the oldest
    events; what is left can still be proved and replayed. Settings of the same names as the options (`keep_last`)
    change the defaults.

    Example: milestone cleanup plan demo --older-than 2w
    """
    from milestone_cli.core.retention.cleanup import plan_cleanup, policy_of
    from milestone_cli.render.cleanup import progress
    from milestone_cli.storage import open_store

    store = open_store()
    calendar = (keep_hourly, keep_daily, keep_weekly, keep_monthly)
    policy = policy_of(store, older_than, keep_last, keep_within=keep_within, calendar=calendar, tags=keep_tag)
    name = _whose(store, milestone)
    _show(name, policy, plan_cleanup(store, name, policy, archives=archive, tell=progress()), output)


def run(
    milestone: "MilestoneId" = None,
    older_than: "OlderThan" = None,
    keep_last: "KeepLast" = None,
    keep_within: "KeepWithin" = None,
    keep_hourly: "KeepHourly" = None,
    keep_daily: "KeepDaily" = None,
    keep_weekly: "KeepWeekly" = None,
    keep_monthly: "KeepMonthly" = None,
    keep_tag: "KeepTag" = None,
    archive: "Archive" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> int:
    """Remove what `cleanup plan` shows: old copies and events, and sessions, tasks and transactions that are over.

    The sealed parts of a long log that stay are compressed. An event `events_removed` names the events that were
    removed. With --archive, tasks and the copies of a completed milestone are archived instead; `milestone archive
    list` lists them.

    At a terminal the plan is shown and confirmed first, unless --yes. Exit code 9 says that something had to stay; the
    next run takes it, under another --idempotency-key if any.

    Example: milestone cleanup run demo --older-than 7d --keep-last 10
    """
    from milestone_cli import render
    from milestone_cli.core.retention.cleanup import plan_cleanup, policy_of, run_cleanup
    from milestone_cli.errors import EXIT
    from milestone_cli.render.cleanup import called, progress, run_fields, run_text, stuck_text
    from milestone_cli.storage import open_store

    store = open_store()
    calendar = (keep_hourly, keep_daily, keep_weekly, keep_monthly)
    policy = policy_of(store, older_than, keep_last, keep_within=keep_within, calendar=calendar, tags=keep_tag)
    name = _whose(store, milestone)
    tell = progress()
    found = plan_cleanup(store, name, policy, archives=archive, tell=tell)
    if dry_run:
        _show(name, policy, found, output)
        return 0
    if len(found.kept) < len(found.decisions) and not yes:
        from milestone_cli.render.cleanup import plan_text, question

        from .confirm import confirm

        confirm(plan_text(name, found), question(found))
    done, replayed = run_cleanup(
        store, name, policy, found, archives=archive, key=idempotency_key, timeout=lock_timeout, tell=tell
    )
    fields = {**run_fields(name, policy, found, done), "replayed": replayed}
    text = f"{called(name)}: cleaned already, under this key"
    if not replayed:
        text = run_text(name, done, len(found.decisions) - len(done.decisions))
    render.emit("cleanup-run", fields, text, output)
    render.notify(stuck_text(done))
    return EXIT["partial"] if done.stuck else 0


def _whose(store: "Store", given: "str | None") -> str:
    """The milestone that is meant; empty, for what belongs to none, where there is no milestone at all."""
    from milestone_cli.core import current_milestone

    return current_milestone(store, given) if given is not None or store.milestones() else ""


def _show(name: str, policy: "Policy", found: "Plan", output: str) -> None:
    from milestone_cli import render
    from milestone_cli.render.cleanup import plan_fields, plan_text

    render.emit("cleanup-plan", plan_fields(name, policy, found), plan_text(name, found), output)


def sessions(
    inactive_for: "InactiveSpan" = "24h",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Delete sessions that were silent for long, with or without a milestone; one that is alive or pinned stays.

    At a terminal the plan is shown and confirmed first, unless --yes. `transaction rollback` brings them back.

    Example: milestone cleanup sessions --inactive-for 2d --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.sessions.inactive import delete_inactive, plan_inactive
    from milestone_cli.core.times import duration
    from milestone_cli.render.cleanup import sessions_fields, sessions_text
    from milestone_cli.storage import open_store

    store, span = open_store(), duration(inactive_for)
    planned = plan_inactive(store, span)
    if not dry_run and not yes and any(not one.hold for one in planned):
        from .confirm import confirm

        confirm(sessions_text(planned), "Delete them?")
    done = [] if dry_run else delete_inactive(store, span, planned, timeout=lock_timeout)
    fields = sessions_fields(inactive_for, planned, [one.session.id for one in done])
    fields["transaction_id"] = done[0].transaction if done else None
    told = f"{len(done)} of {len(planned)} sessions deleted"
    if done:
        told += f"; `milestone transaction rollback {done[0].transaction}` brings them back"
    render.emit("cleanup-sessions", fields, sessions_text(planned) if dry_run else told, output)


def cache(
    namespace: "CacheNamespace" = None, dry_run: "DryRun" = False, yes: "Yes" = False, output: "Format" = "text"
) -> None:
    """Do all the maintenance of the cache at once, which is otherwise done in small steps as it is used.

    What has expired is removed, what was not used for long moves down a tier, every entry is checked, and the index is
    made again; in all namespaces, unless one is named. At a terminal it asks before it removes more than one entry,
    unless --yes.

    Example: milestone cleanup cache --dry-run
    """
    from milestone_cli import render, runtime
    from milestone_cli.core.cache.maintenance import maintain_all
    from milestone_cli.render.cache import cleanup_fields, cleanup_text
    from milestone_cli.storage import open_store

    store = open_store()
    if not dry_run and not yes and runtime.is_terminal(0):
        planned = maintain_all(store, namespace, dry_run=True)
        if sum(one.expired + one.damaged for one in planned) > 1:
            from .confirm import confirm

            confirm(cleanup_text(planned, dry_run=False), "Do it?")
    found = maintain_all(store, namespace, dry_run=dry_run)
    if found and not dry_run:
        runtime.applied.append("the maintenance of the cache")
    fields, text = cleanup_fields(found, dry_run=dry_run), cleanup_text(found, dry_run=dry_run)
    render.emit("cleanup-cache", fields, text, output)


def optimize(
    older_than: "OlderThan" = None,
    keep_last: "KeepLast" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> int:
    """Compress what is old and large where that saves a fifth, share what is the same, remove old session checkpoints.

    Commands read what is compressed as before, and so does `zcat`. States, checkpoints, session records, current logs
    and the newest backups stay as the bash utilities know them. A report with measured figures is left in
    `reports/optimization_report.yaml`. At a terminal it asks before removing checkpoints, unless --yes. Exit code 9
    says that something had to be left alone.

    Example: milestone cleanup optimize --dry-run
    """
    from milestone_cli import render
    from milestone_cli.core.retention import optimize as core
    from milestone_cli.core.retention.cleanup import policy_of
    from milestone_cli.core.retention.report import write_reports
    from milestone_cli.errors import EXIT
    from milestone_cli.render.cleanup import progress
    from milestone_cli.render.optimize import fields, text
    from milestone_cli.storage import open_store

    store = open_store()
    policy = policy_of(store, older_than, keep_last)
    if not dry_run and not yes:
        going = [item for item in core.old_points(store, policy) if item.kind == "session checkpoint"]
        if going:
            from .confirm import confirm

            confirm("\n".join(f"remove {item.kind} {item.name}" for item in going), "Remove them, and go on?")
    done = core.optimize(store, policy, dry_run=dry_run, timeout=lock_timeout, tell=progress())
    reports = [] if dry_run else write_reports(store, done)
    told = text(done, reports, dry_run=dry_run)
    render.emit("cleanup-optimize", fields(done, reports, dry_run=dry_run), told, output)
    return EXIT["partial"] if done.failed else 0
