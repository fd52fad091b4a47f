"""Arguments and options of the result cache."""

from typing import Annotated, Literal

import typer

RunCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
RunInputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="GLOB", help="Files it depends on: a path, a folder, *.py, src/**; repeatable."),
]
RunTtl = Annotated[
    str | None,
    typer.Option(
        "--ttl", metavar="SPAN", help="How long its result is valid: 10m, 2d (default: the setting cache_ttl)."
    ),
]
RunAgent = Annotated[
    str | None, typer.Option("--agent", metavar="A", help="The agent whose result it is, for the statistics.")
]
RunTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A word to invalidate it by; repeatable.")
]
RunEnvironment = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME", help="A variable of the environment that it depends on; repeatable."),
]
RunStdin = Annotated[
    bool, typer.Option("--stdin", help="Let it read standard input, which then is part of the question.")
]
RunFailures = Annotated[
    bool, typer.Option("--cache-failures", help="Keep its result even when it exits with 1 to 125.")
]
RunRefresh = Annotated[bool, typer.Option("--refresh", help="Run it again, and keep the new result.")]
RunExplain = Annotated[bool, typer.Option("--explain", help="Say on standard error why it runs, or does not.")]
RunTimeout = Annotated[
    float | None, typer.Option("--timeout", metavar="S", min=0, help="Seconds to wait for another run (default: 600).")
]
RunNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", metavar="N", help="A cache of its own (default: MILESTONE_CACHE_NAMESPACE, or 'default')."
    ),
]
CacheKey = Annotated[str, typer.Argument(metavar="KEY", help="A key: 1 to 128 letters, digits, '.', '_' or '-'.")]
KeyOrNone = Annotated[str, typer.Argument(metavar="[KEY]", help="This entry; without it, all that the options select.")]
CacheData = Annotated[
    str | None, typer.Argument(metavar="[DATA|@FILE|-]", help="The answer, a file with it, or - for standard input.")
]
CacheAgent = Annotated[str, typer.Option("--agent", metavar="A", help="The agent whose answer it is.")]
CacheRequest = Annotated[str, typer.Option("--request", metavar="TEXT", help="What was asked.")]
CacheTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A word to invalidate it by; repeatable.")
]
CacheTag = Annotated[str, typer.Option("--tag", metavar="T", help="Only entries with this tag.")]
ContentHash = Annotated[str, typer.Option("--content-hash", metavar="H", help="A hash of what the answer depends on.")]
CacheTier = Annotated[
    Literal["auto", "hot", "warm", "cold"], typer.Option("--tier", help="Only from this tier; auto: from any.")
]
PutTier = Annotated[Literal["hot", "warm", "cold"], typer.Option("--tier", help="The tier where it begins.")]
CacheTtl = Annotated[
    str | None,
    typer.Option("--ttl", metavar="SPAN", help="How long it is valid: 10m, 2d (default: the setting cache_ttl)."),
]
KeyRequest = Annotated[str, typer.Option("--request", metavar="TEXT", help="What is asked.")]
KeyAgent = Annotated[str, typer.Option("--agent", metavar="A", help="Who is asked.")]
Permissions = Annotated[
    str | None, typer.Option("--permissions", metavar="JSON|@FILE|-", help="What the agent may do, as JSON.")
]
