"""The command `milestone cache run`: what another command wrote, without running it again."""

from milestone_cli import render
from milestone_cli.errors import MilestoneError
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.cache import (
        RunAgent,
        RunCommand,
        RunEnvironment,
        RunExplain,
        RunFailures,
        RunInputs,
        RunNamespace,
        RunRefresh,
        RunStdin,
        RunTags,
        RunTimeout,
        RunTtl,
    )


def cache_run(
    command: "RunCommand",
    inputs: "RunInputs" = None,
    ttl: "RunTtl" = None,
    agent: "RunAgent" = None,
    tags: "RunTags" = None,
    environment: "RunEnvironment" = None,
    stdin: "RunStdin" = False,
    cache_failures: "RunFailures" = False,
    refresh: "RunRefresh" = False,
    explain: "RunExplain" = False,
    timeout: "RunTimeout" = None,
    namespace: "RunNamespace" = None,
) -> int:
    """Run a command once; afterwards print again what it wrote, and exit as it did, without running it.

    It is the same command if its words, directory and program are the same, the contents of its --input files, and the
    values of its --env variables. Called twice at once, it runs once. It writes into pipes, not to a terminal, and
    reads nothing unless --stdin. What fails is not kept, unless --cache-failures. Exit 7: another run of it did not end
    in time.

    Example: milestone cache run --input '*.json' --explain -- grep -c type schema.json
    """
    from milestone_cli.core.cache import run
    from milestone_cli.core.cache.wish import Wish

    wish = Wish()
    wish.patterns, wish.names = inputs or [], environment or []
    wish.agent, wish.tags, wish.namespace = agent or "", tags or [], namespace
    wish.reads, wish.failures, wish.refresh, wish.explain = stdin, cache_failures, refresh, explain
    if ttl is not None:
        from milestone_cli.core.times import duration

        wish.ttl = duration(ttl)
    if timeout is not None:
        wish.wait = timeout

    def tell(sentence: str) -> None:
        render.notify([sentence])

    try:
        store = open_store()
    except (MilestoneError, OSError) as error:  # a cache must never be the reason that a command does not run
        why = error.message if isinstance(error, MilestoneError) else str(error)
        hint = "; `milestone init` makes one" if getattr(error, "code", "") == "no_store" else ""
        tell(f"the result is not kept: {why}{hint}")
        return run.run(None, command, wish, tell)
    return run.run(store, command, wish, tell)
