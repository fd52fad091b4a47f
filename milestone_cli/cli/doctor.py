"""The command `milestone doctor`: what is the matter with a store, repairing it, and trying the disk."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Format, Yes
    from .options.stores import FailOn, Fix, SelfTest


def doctor(
    fix: "Fix" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    selftest: "SelfTest" = False,
    fail_on: "FailOn" = "error",
    output: "Format" = "text",
) -> int:
    """Find what is wrong with the store, and repair it with --fix.

    Without --fix nothing is changed. With it the plan is shown and confirmed first, nothing is deleted (what is in the
    way is moved into the quarantine), and repeated, it has nothing left to do. Exit 6 when an error is left, or a
    warning with --fail-on warning; exit 9 when a repair failed.

    Example: milestone doctor
    """
    from milestone_cli.errors import MilestoneError

    if selftest:
        if fix or dry_run:
            raise MilestoneError("usage", "--selftest repairs nothing", "leave --fix and --dry-run out")
        return _selftest(fail_on, output)
    from milestone_cli import render, runtime
    from milestone_cli.core.doctor import examination as core
    from milestone_cli.render import doctor as shown
    from milestone_cli.render.findings import progress_of as progress
    from milestone_cli.storage import open_store

    store = open_store()
    findings = core.examine(store, progress)
    plan = core.repairable(findings)
    repairs: list[core.Repair] = []
    if dry_run:
        repairs = [core.Repair(one) for one in plan]
        text = shown.plan_text(plan)
    else:
        if fix and plan:
            if not yes:
                from .confirm import confirm

                confirm(shown.plan_text(plan), f"Repair {len(plan)}?")
            repairs = core.repair(plan)
            if not all(one.trouble for one in repairs):
                runtime.applied.append("the repairs")
            findings = core.examine(store, progress)
        text = shown.text(store.path, findings, repairs)
    render.emit("doctor", shown.fields(store.path, findings, repairs, dry_run=dry_run), text, output)
    code = _code(core.worst(findings), fail_on)
    return code or (9 if any(one.trouble for one in repairs) else 0)


def _selftest(fail_on: str, output: str) -> int:
    from milestone_cli import render, runtime
    from milestone_cli.core.doctor.examination import worst
    from milestone_cli.core.doctor.promises import weigh
    from milestone_cli.render import doctor as shown
    from milestone_cli.storage import open_store

    store = open_store()
    began = runtime.monotonic()
    found = list(store.selftest())
    seconds = runtime.monotonic() - began
    promises = weigh(found)
    fields = shown.selftest_fields(store.path, found, promises, seconds)
    render.emit("doctor-selftest", fields, shown.selftest_text(store.path, found, promises, seconds), output)
    return _code(worst(found), fail_on)


def _code(worst: str, fail_on: str) -> int:
    """Exit code for the worst of what was found."""
    from milestone_cli.errors import EXIT

    return EXIT["damaged"] if worst in ("error", fail_on) else 0
