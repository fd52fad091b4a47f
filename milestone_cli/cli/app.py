"""The table of commands. Typer is imported here and only here, when a command line needs more than the reader knows."""

import typer

from . import events, options, state, store

for _module in (events, state, store):
    vars(_module).update({name: getattr(options, name) for name in options.__all__})

app = typer.Typer(name="milestone", help="Atomic state, locks, checkpoints and a replayable event log for long-running agent work.",
    no_args_is_help=True, pretty_exceptions_enable=False)
GROUPS = {
    "state": ("Save, load and change the state of milestones.", {"save": state.save, "load": state.load, "get": state.get, "set": state.set_, "list": state.list_}),
    "events": ("Log events, and look at what happened.", {"log": events.log, "query": events.query, "timeline": events.timeline, "verify": events.verify}),
    "config": ("Look at the settings.", {"show": store.config_show}),
}
COMMANDS = {"init": store.init, "status": store.status, "schema": store.schema}
