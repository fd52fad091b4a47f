"""The table of commands; Typer is imported only for a command line that needs more than the reader knows.

One line registers a group: its help and its functions. A command is called what its function is called,
without the group's name before it and the underscores that keep it apart from Python's own names: `list_`,
`config_show`.
"""

import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, get_origin

import typer
from typer._click import Context
from typer.core import TyperGroup

from .. import __version__, render, runtime
from . import (
    agent,
    archive,
    cache,
    cacherun,
    checkpoint,
    claim,
    cleanup,
    client,
    config,
    doctor,
    events,
    exports,
    handoff,
    history,
    hook,
    integrity,
    lifecycle,
    lock,
    metrics,
    patch,
    query,
    recovery,
    session,
    sessionwork,
    snapshot,
    state,
    stats,
    statusline,
    store,
    stores,
    sync,
    task,
    taskview,
    timeline,
    transaction,
    wait,
    watch,
)
from .options import ROOMS

Command = Callable[..., int | None]  # what it returns is the exit code

COMMANDS: tuple[Command, ...] = (
    store.init,
    store.status,
    watch.watch,
    wait.wait,
    doctor.doctor,
    metrics.metrics,
    store.schema,
    store.names,
)
HIDDEN = ("names",)
RARE = ("wait", "metrics", "schema", "snapshot", "archive", "lock", "transaction", "store", "config")
"""Named in one line where all are told on one screen; everything else has a line of its own."""
GROUPS: dict[str, tuple[str, tuple[Command, ...]]] = {
    "state": (
        "Save, load and change the state of milestones.",
        (
            state.save,
            state.load,
            state.get,
            state.set_,
            patch.patch,
            state.list_,
            history.history,
            history.diff,
            history.undo,
            history.redo,
            lifecycle.complete,
            lifecycle.reopen,
            lifecycle.delete,
            lifecycle.recover,
            lifecycle.validate,
        ),
    ),
    "events": (
        "Log events, and look at what happened.",
        (
            events.log,
            query.query,
            query.follow,
            timeline.timeline,
            stats.stats,
            integrity.verify,
            integrity.repair,
            integrity.replay,
        ),
    ),
    "checkpoint": (
        "Keep states under a name, and bring them back.",
        (
            checkpoint.create,
            checkpoint.list_,
            checkpoint.show,
            checkpoint.diff,
            checkpoint.restore,
            checkpoint.delete,
            checkpoint.pin,
            checkpoint.unpin,
        ),
    ),
    "session": (
        "Record who works on what, how far it is, and what was asked.",
        (
            session.create,
            session.current,
            session.use,
            session.list_,
            session.show,
            sessionwork.set_,
            sessionwork.get,
            sessionwork.progress,
            sessionwork.log,
            sessionwork.record,
            sessionwork.history,
            handoff.session_handoff,
            session.end,
            session.delete,
            recovery.session_recover,
        ),
    ),
    "agent": (
        "Register agents, see who is alive, and wait for each other.",
        (
            agent.register,
            agent.update,
            agent.heartbeat,
            agent.list_,
            agent.show,
            agent.retire,
            agent.run,
            agent.health,
            agent.monitor,
            sync.sync,
            sync.ack,
            sync.sync_list,
            sync.sync_show,
        ),
    ),
    "task": (
        "Write down what is to be done, and give each task to one agent.",
        (
            task.create,
            claim.claim,
            task.start,
            task.update,
            task.log,
            task.result,
            task.complete,
            task.fail,
            task.cancel,
            claim.release,
            claim.delete,
            taskview.list_,
            taskview.show,
            taskview.report,
        ),
    ),
    "cache": (
        "Keep answers and results, so that nothing is asked or run twice.",
        (
            cacherun.cache_run,
            cache.key,
            cache.get,
            cache.put,
            cache.invalidate,
            cache.list_,
            cache.show,
            cache.stats,
            cache.expire,
            cache.clear,
        ),
    ),
    "cleanup": (
        "Remove what is old, with a reason for everything.",
        (cleanup.plan, cleanup.run, cleanup.sessions, cleanup.cache, cleanup.optimize),
    ),
    "archive": (
        "Archive completed work, compressed, and bring it back.",
        (archive.run, archive.list_, archive.show, archive.restore),
    ),
    "snapshot": (
        "Save all tasks and sessions in one document, and load it.",
        (snapshot.save, snapshot.load, snapshot.show, snapshot.watch),
    ),
    "lock": (
        "Hold locks around commands and in scripts; see who holds them.",
        (lock.run, lock.acquire, lock.release, lock.list_, lock.show, lock.break_),
    ),
    "transaction": (
        "Make several changes all or nothing, and roll them back.",
        (transaction.apply, transaction.list_, transaction.show, transaction.rollback),
    ),
    "store": (
        "Make, check, copy, export and move whole stores.",
        (
            stores.init,
            stores.info,
            stores.check,
            stores.migrate,
            stores.import_,
            stores.copy,
            exports.export,
            exports.clear,
            stores.freeze,
            stores.unfreeze,
            stores.moved,
        ),
    ),
    "hook": (
        "Record what Claude Code does, so that it can resume.",
        (hook.hook, client.hook_install, client.hook_uninstall, client.hook_status, statusline.hook_statusline),
    ),
    "config": (
        "Show the settings, and change them.",
        (config.show, config.get, config.set_, config.unset, config.edit, config.validate, config.schema),
    ),
}
"""A function that is called like its group is what the group's name alone runs."""
LENT = {name: type_ for room in ROOMS for name, type_ in vars(room).items() if get_origin(type_) is Annotated}


class Entry(TyperGroup):
    """A group whose name alone is a command too: its function runs only where no command of the group is named."""

    def invoke(self, ctx: Context) -> object:
        """Run what is named, else the group's own function."""
        own = self.callback
        try:
            return super().invoke(ctx)
        finally:
            self.callback = own

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        """Find the command that is named; then the group's own function is not meant."""
        self.callback = None
        return super().resolve_command(ctx, args)


def _register(app: typer.Typer, function: Command, wrap: Callable[[Command], Command], group: str = "") -> None:
    """Add a function as a command, after lending its module the names that its signature quotes."""
    vars(sys.modules[function.__module__]).update(LENT)
    name = command_name(function, group)
    if name == group:
        app.callback(cls=Entry, invoke_without_command=True, help=told(function))(wrap(function))
        return
    app.command(name, help=told(function), hidden=not group and name in HIDDEN)(wrap(function))


def told(function: Command) -> str:
    """A function's help: its docstring, each paragraph on one line, since the terminal decides where lines end."""
    return "\n\n".join(part.replace("\n", " ") for part in (inspect.getdoc(function) or "").split("\n\n"))


def command_name(function: Command, group: str = "") -> str:
    """What a function is called on the command line."""
    return function.__name__.removeprefix(f"{group}_").strip("_").replace("_", "-")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"milestone {__version__}")
        raise typer.Exit


def main_options(
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="S", help="The store (default: MILESTONE_STORE, else the nearest one upwards)."
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show where an unexpected error came from.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour, as with NO_COLOR.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback has done it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Atomic state, locks, checkpoints and a replayable event log for long-running agent work.

    A milestone is a piece of work: its state, which is any JSON document, and a log of all that happened. It is kept in
    a store, the folder .milestones.

    Start with: milestone init demo; then milestone state save demo '{"step": 1}', and milestone status.

    An example of each: milestone COMMAND --help, or milestone GROUP COMMAND --help. How to begin: milestone, alone.
    """
    runtime.flags.update(store=store, verbose=verbose, no_color=no_color)


def build(
    wrap: Callable[[Command], Command] = lambda function: function, main_options: Command = main_options
) -> typer.Typer:
    """Make the Typer app of all commands; `wrap` may put something in each function's place (tests do)."""
    app = typer.Typer(name="milestone", add_completion=False, pretty_exceptions_enable=False)
    app.callback(help=told(main_options))(main_options)
    for function in COMMANDS:
        _register(app, function, wrap)
    for group, (help_, functions) in GROUPS.items():
        own = [told(function) for function in functions if command_name(function, group) == group]
        typer_group = typer.Typer(help=[*own, help_][0])
        for function in functions:
            _register(typer_group, function, wrap, group)
        app.add_typer(typer_group, name=group, short_help=help_)
    return app


OVERVIEW = """\
milestone: the state of agent work, kept so that an interruption costs nothing.

  milestone init demo                      make a store here, and a milestone
  milestone state save demo '{"step": 1}'  save a state
  milestone checkpoint create demo         keep it, to come back to it
  milestone status                         where the work stands, what is next
  milestone events timeline demo           everything that happened

"""
LAST = "An example of each: milestone COMMAND --help, or milestone GROUP COMMAND --help"


def overview() -> str:
    """What stands on the screen when nothing is asked: how to begin, and what there is."""
    names = {command_name(function): inspect.getdoc(function) or "" for function in COMMANDS}
    shown = {name: text.partition("\n")[0] for name, text in names.items() if name not in HIDDEN}
    shown |= {name: help_ for name, (help_, _) in GROUPS.items()}
    rare = [name for name in shown if name in RARE]
    width = max(len(name) for name in shown if name not in RARE)
    lines = "".join(f"  {name.ljust(width)}  {text}\n" for name, text in shown.items() if name not in RARE)
    return f"{OVERVIEW}{lines}\nAlso {', '.join(rare)}.\n{LAST}\n"


def run(arguments: list[str]) -> int:
    """Run a command line through Typer and return its exit code; what stops it comes out as an exception."""
    if not arguments:
        render.write(overview())
        return 0
    command = typer.main.get_command(build())
    try:
        with command.make_context("milestone", arguments) as context:
            code = command.invoke(context)
    except typer.Exit as left:
        return left.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0
