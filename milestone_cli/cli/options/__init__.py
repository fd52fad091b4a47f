"""The arguments and options of all commands, each declared once: a module a group; only Typer ever reads them.

Command modules name these types in quoted annotations, so importing a command costs nothing: `app` lends the
names to the modules before Typer looks at their signatures. No name is in two of the rooms.
"""

from milestone_cli.cli.options import (
    agents,
    cache,
    checkpoints,
    client,
    locks,
    logs,
    sessions,
    shared,
    states,
    stores,
    tasks,
    transactions,
)

ROOMS = (agents, cache, checkpoints, client, locks, logs, sessions, shared, states, stores, tasks, transactions)
