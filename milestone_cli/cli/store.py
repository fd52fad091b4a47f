"""The commands without a group: init, status, schema, names."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import Format, MilestoneId
    from .options.stores import Kind, NamesOf

NEXT = "`milestone init NAME` makes a milestone in it"
OUTSIDE = "the store was found outside this folder; `milestone --store .milestones init NAME` makes one here"


def init(milestone: "MilestoneId" = None, output: "Format" = "text") -> None:
    """Make a store here, and a milestone in it.

    Example: milestone init demo
    """
    from milestone_cli import render
    from milestone_cli.core.stores.founding import initialise
    from milestone_cli.storage import named

    path, is_new, name, receipt = initialise(milestone)
    fields: dict[str, object] = {"store": path, "created": is_new, "milestone_id": name}
    fields["initialized"] = receipt is not None
    made = f"store {path} {'made' if is_new else 'is there'}"
    if not is_new and named() is None and os.path.dirname(path) != os.getcwd():
        render.notify([OUTSIDE])
    what = f"milestone {name} {'initialised' if receipt else 'is there already'}" if name else NEXT
    render.emit("init", fields, f"{made}; {what}", output)


def status(milestone: "MilestoneId" = None, output: "Format" = "text") -> None:
    """Show where the work stands, what came last and what is next.

    With several milestones and none named, it shows an overview.

    Example: milestone status demo
    """
    from milestone_cli import render
    from milestone_cli.core import current_milestone
    from milestone_cli.core.standing.overview import everything
    from milestone_cli.core.standing.status import status as look
    from milestone_cli.errors import MilestoneError
    from milestone_cli.render.overview import everything_text
    from milestone_cli.render.status import status_text
    from milestone_cli.storage import open_store

    store = open_store()
    try:
        name = current_milestone(store, milestone)
    except MilestoneError as error:
        if error.code != "milestone_ambiguous":
            raise
        every = everything(store)
        render.emit("overview", every, everything_text(every), output)
        return
    found = look(store, name)
    render.emit("status", found, status_text(found), output)


def schema(kind: "Kind" = None) -> None:
    """Print the JSON Schema of a kind of output.

    Example: milestone schema state-save
    """
    from milestone_cli import render
    from milestone_cli.render.schemas import schema_text

    render.write(schema_text(kind))


def names(what: "NamesOf", milestone: "MilestoneId" = None) -> None:
    """Print the names that completion offers, one a line; nothing where there is no store.

    Example: milestone names milestones
    """
    from milestone_cli import render
    from milestone_cli.core.names import names as find
    from milestone_cli.errors import MilestoneError
    from milestone_cli.storage import open_store

    try:
        found = find(open_store(), what, milestone)
    except MilestoneError:
        return  # whoever presses a key wants no sentence
    render.write("".join([name + "\n" for name in found]))
