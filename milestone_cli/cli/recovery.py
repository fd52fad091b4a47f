"""The command `milestone session recover`."""

from milestone_cli import render
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.checkpoints import FromPoint, GitWay, KeepState
    from .options.shared import DryRun, Force, Format, IdempotencyKey, LockTimeout, SessionId, Yes


def session_recover(
    name: "SessionId" = None,
    checkpoint: "FromPoint" = "latest",
    keep_state: "KeepState" = False,
    git: "GitWay" = "warn",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    force: "Force" = False,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> int:
    """Bring an interrupted session back from a checkpoint: record, session.yaml, agents, the milestone's state.

    At a terminal the plan is shown and confirmed first, unless --yes. It is refused (exit 4) while somebody at work
    would lose work, unless --force. What is there before is kept as checkpoint `pre-recover-…`. What does not come back
    is listed (exit 9). Git is only looked at, unless --git checkout, which never overwrites uncommitted changes.

    Example: milestone session recover "$(milestone session create demo)" --from initialization --dry-run
    """
    from milestone_cli.core.sessions import recovery
    from milestone_cli.core.sessions.recovery_plan import meant, plan_recovery
    from milestone_cli.errors import EXIT
    from milestone_cli.render.recovery import outcome_text, plan_text

    store = open_store()
    plan = plan_recovery(store, meant(store, name), checkpoint, keeps_state=keep_state, checks_out=git == "checkout")
    if dry_run:
        render.emit("session-recover-plan", plan.fields(), plan_text(plan.fields()), output)
        return 0
    if not yes and (force or not plan.blockers):
        from .confirm import confirm

        confirm(plan_text(plan.fields()), "Recover?")
    done = recovery.recover(store, plan, force=force, key=idempotency_key, timeout=lock_timeout)
    fields = done.fields()
    render.emit("session-recover", fields, outcome_text(fields), output)
    return EXIT["partial"] if done.lacking else 0
