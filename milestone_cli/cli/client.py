"""The commands of `milestone hook` beside the hook itself: install, uninstall, status."""

import os

from milestone_cli import render, runtime
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.claude.install import Plan

    from .options.client import HookEvents, InLocal, InPlugin, InProject, InUser, StatusLine
    from .options.shared import DryRun, Format, Yes


def hook_install(
    user: "InUser" = False,
    project: "InProject" = False,
    local: "InLocal" = False,
    plugin: "InPlugin" = None,
    events: "HookEvents" = None,
    statusline: "StatusLine" = False,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Put the hooks and the slash commands into Claude Code: for you, for a project, or as a plugin.

    Nothing that others wrote is changed, a copy is kept beside the settings, and repeated, it has nothing left to do.
    Hooks in the settings beside those of the plugin are refused, because every event would be reported twice.

    Example: milestone hook install --project
    """
    from milestone_cli.core.claude import contents, install
    from milestone_cli.jsontext import dumps
    from milestone_cli.render.hook import fields, install_text

    scope, folder = _where(user, project, local, plugin)
    if folder and statusline:
        hint = f"put {dumps({'statusLine': contents.statusline()})} into your own settings"
        raise MilestoneError("usage", "a plugin has no status line", hint)
    wanted = install.wanted(events)

    def make() -> "Plan":
        return install.plan_install(scope, folder, wanted, statusline=statusline)

    plan = _done(make, "Install?", lambda plan: install_text(plan, dry_run=True), dry_run=dry_run, yes=yes)
    render.emit("hook-install", fields(plan, dry_run=dry_run), install_text(plan, dry_run=dry_run), output)
    if not dry_run:
        _warn()


def hook_uninstall(
    user: "InUser" = False,
    project: "InProject" = False,
    local: "InLocal" = False,
    plugin: "InPlugin" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    output: "Format" = "text",
) -> None:
    """Remove from Claude Code exactly what was put in; what others wrote or edited stays as it is.

    Example: milestone hook uninstall --project
    """
    from milestone_cli.core.claude import install
    from milestone_cli.render.hook import fields, uninstall_text

    scope, folder = _where(user, project, local, plugin)

    def make() -> "Plan":
        return install.plan_uninstall(scope, folder)

    plan = _done(make, "Uninstall?", lambda plan: uninstall_text(plan, dry_run=True), dry_run=dry_run, yes=yes)
    render.emit("hook-uninstall", fields(plan, dry_run=dry_run), uninstall_text(plan, dry_run=dry_run), output)


def hook_status(output: "Format" = "text") -> None:
    """Show what is installed where, which program Claude Code finds, and what went wrong with hooks lately.

    Example: milestone hook status
    """
    from milestone_cli.core.claude.look import status
    from milestone_cli.render.hook import status_text

    found = status()
    render.emit("hook-status", found, status_text(found), output)


def _where(user: bool, project: bool, local: bool, plugin: "str | None") -> "tuple[str, str]":
    """The scope that is meant, and the folder of the plugin.

    Raises:
        MilestoneError: `usage` for several.
    """
    given = {"user": user, "project": project, "local": local, "plugin": plugin is not None}
    scopes = [scope for scope, is_given in given.items() if is_given]
    if len(scopes) > 1:
        raise MilestoneError("usage", "only one of --user, --project, --local and --plugin can be meant", "name one")
    if plugin is None:
        return (scopes or ["user"])[0], ""
    if not plugin:
        raise MilestoneError("usage", "the plugin needs a folder", "name one that is empty or not there")
    return "plugin", os.path.realpath(plugin)


def _done(
    make: "Callable[[], Plan]", question: str, told: "Callable[[Plan], str]", *, dry_run: bool, yes: bool
) -> "Plan":
    """A plan that has been carried out, after asking; or only made."""
    from milestone_cli.core.claude.install import apply

    plan = make()
    if dry_run or not plan.files:
        return plan
    if not yes:
        from .confirm import confirm

        confirm(told(plan), question)
    done = apply(make)
    runtime.applied.append(f"the hooks in '{done.path}'")
    return done


def _warn() -> None:
    """Say that the client will not find the command, where that is so."""
    from milestone_cli.core.claude.program import find

    if find() is None:
        render.notify(["there is no milestone on the PATH; Claude Code will not find it, unless its PATH is another"])
