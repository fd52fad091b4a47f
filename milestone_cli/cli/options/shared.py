"""Arguments and options of more than one group."""

from typing import Annotated, Literal

import typer

MilestoneId = Annotated[
    str | None,
    typer.Argument(
        metavar="[MILESTONE]", help="The milestone (default: MILESTONE_ID, the session's, or the only one)."
    ),
]
Data = Annotated[
    str | None,
    typer.Argument(metavar="[JSON|@FILE|-]", help="The document, a file with it, or - for standard input."),
]
Format = Annotated[Literal["text", "json", "jsonl", "yaml"], typer.Option("--format", help="Output format.")]
DocumentFormat = Annotated[
    Literal["text", "json", "yaml"], typer.Option("--format", help="json: exactly the text that was saved.")
]
Events = Annotated[Literal["text", "json", "jsonl"], typer.Option("--format", help="Output format.")]
TimelineFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file, replacing what it held.")
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="K", help="Do this only once, however often it is repeated with this key."
    ),
]
LockTimeout = Annotated[
    float | None,
    typer.Option("--lock-timeout", metavar="S", min=0, help="Seconds to wait for the lock (default: 30)."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 6 when something had to be recovered.")]
Agent = Annotated[
    str | None,
    typer.Option("--agent", metavar="A", help="The agent that acts (default: MILESTONE_AGENT, else system)."),
]
TypeFilter = Annotated[
    list[str] | None, typer.Option("--type", metavar="T", help="Only this type; * and ? are wildcards; repeatable.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most N; 0: all.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="Newest first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, not even at a terminal.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="R", help="The reason, for people.")]
Force = Annotated[bool, typer.Option("--force", help="Do it even if somebody at work would lose work.")]
SessionId = Annotated[str | None, typer.Argument(metavar="[SESSION]", help="The session (default: the current one).")]
ActingAgent = Annotated[str | None, typer.Option("--agent", metavar="A", help="The agent (default: MILESTONE_AGENT).")]
AgentPid = Annotated[
    int | None, typer.Option("--for-pid", metavar="P", min=0, help="The agent's process (default: the caller).")
]
OfMilestone = Annotated[
    str | None,
    typer.Option("--milestone", metavar="M", help="The milestone that it belongs to (default: the current one)."),
]
FollowFormat = Annotated[Literal["text", "jsonl"], typer.Option("--format", help="Output format.")]
OnlyMilestone = Annotated[
    str | None, typer.Option("--milestone", metavar="M", help="Only what belongs to this milestone.")
]
InSession = Annotated[
    str | None,
    typer.Option("--session", metavar="S", help="The session that it belongs to (default: the current one)."),
]
OfSession = Annotated[
    str | None, typer.Option("--session", metavar="S", help="Of this session, instead of a milestone.")
]
CacheNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", metavar="N", help="A cache of its own (default: MILESTONE_CACHE_NAMESPACE, or 'default')."
    ),
]
