"""The command `milestone metrics`: the figures by which a store is watched."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import TimelineFile
    from .options.stores import MetricsFormat, Probe


def metrics(probe: "Probe" = False, output: "MetricsFormat" = None, into: "TimelineFile" = None) -> None:
    """Print figures to watch a store by: saves, failures, waits, copies, room, files.

    Nothing is measured while commands succeed: the figures are what the store keeps anyway, how long changes of states
    took among it, what failing commands and waits of a second or more noted, and how long saving and loading took at
    the last --probe, which writes to a scratch folder on the same disk. In a database saves are not tried, waits not
    noted, and changes do not say how long they took.

    With -o FILE.prom it writes a textfile for the node exporter of Prometheus, whole or not at all.

    Example: milestone metrics --probe
    """
    from milestone_cli import render
    from milestone_cli.core.metrics.collect import collect
    from milestone_cli.render import metrics as shown
    from milestone_cli.storage import open_store

    store = open_store()
    if probe:
        from milestone_cli.core.metrics.probe import probe as try_times

        try_times(store)
    found = collect(store)
    form = output or ("prometheus" if into is not None and into.endswith(".prom") else "text")
    if form == "prometheus":
        written = shown.prometheus(found)
    else:
        written = render.formed("metrics", shown.fields(found), shown.text(found), form)
    if into is None:
        render.write(written)
        return
    from .outfile import save

    render.notify([save(into, iter([written.encode("utf-8", "surrogateescape")]))])
