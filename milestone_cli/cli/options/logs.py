"""Arguments and options of logs: filters, places, timelines, waiting."""

from typing import Annotated, Literal

import typer

EventWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MILESTONE] TYPE [JSON]", help="The event's type, and its data as a JSON object."),
]
TimelineFormat = Annotated[
    Literal["text", "json", "jsonl", "markdown", "mermaid", "html", "trace", "svg"],
    typer.Option("--format", help="Form of the output; html is one page, trace is for Perfetto."),
]
Session = Annotated[
    str | None, typer.Option("--session", metavar="S", help="Session that acts, or whose events to show.")
]
Batch = Annotated[bool, typer.Option("--batch", help="Read events as JSON Lines from standard input; one sync.")]
AgentFilter = Annotated[str | None, typer.Option("--agent", metavar="A", help="Only what this agent did.")]
SessionFilter = Annotated[str | None, typer.Option("--session", metavar="S", help="Only what is of this session.")]
TextFilter = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Only what has this text in its type or its data.")
]
WhereFilter = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="PATH=VALUE", help="Only with this in the data; .PATH: in the event; repeatable."),
]
FirstEvent = Annotated[int | None, typer.Option("--from", metavar="SEQ", min=0, help="From this sequence number on.")]
LastEvent = Annotated[int | None, typer.Option("--to", metavar="SEQ", min=0, help="Up to and including this one.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="RFC 3339, a date, '2h ago', 'yesterday', 'now'; from then on."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Like --since; up to and including then.")]
AllMilestones = Annotated[bool, typer.Option("--all", help="Every milestone of the store.")]
FromEvent = Annotated[
    int | None, typer.Option("--from", metavar="SEQ", min=1, help="Every change from this event on, with its state.")
]
ToEvent = Annotated[
    int | None, typer.Option("--to", metavar="SEQ", min=1, help="Up to this event; left out: the last.")
]
ReplayAt = Annotated[str | None, typer.Option("--at", metavar="T", help="Up to this moment; like --since.")]
Accept = Annotated[
    bool, typer.Option("--accept", help="Acknowledge what cannot be mended: it stays, and is a note from then on.")
]
VerifyFormat = Annotated[
    Literal["text", "json", "jsonl", "yaml", "github", "junit"],
    typer.Option("--format", help="Github: annotations of a workflow; junit: a report that CI systems read."),
]
AllLogs = Annotated[bool, typer.Option("--all", help="Every log of the store.")]
SessionLog = Annotated[
    str | None, typer.Option("--session", metavar="S", help="The log that has this session's events.")
]
ReplayFormat = Annotated[
    Literal["text", "json", "jsonl", "yaml"],
    typer.Option("--format", help="json: exactly the text that was saved; with --from an object."),
]
AfterCursor = Annotated[
    str | None, typer.Option("--after-cursor", metavar="C", help="What comes behind this cursor, or that in @FILE.")
]
ShowCursor = Annotated[bool, typer.Option("--show-cursor", help="Print the cursor to go on from.")]
CountOnly = Annotated[bool, typer.Option("--count", help="Only how many there are.")]
QueryLimit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=0, help="At most this many (default 50); 0: all.")
]
FollowLines = Annotated[
    int, typer.Option("-n", "--lines", metavar="N", min=0, help="Begin with the latest so many; 0: none.")
]
EventWish = Annotated[
    list[str] | None, typer.Option("--event", metavar="T", help="An event of this type; * and ? match any text.")
]
StateWish = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="PATH[=VALUE]", help="The state has this value there, or any; repeatable."),
]
RevisionWish = Annotated[
    int | None, typer.Option("--revision", metavar="N", min=1, help="The state has reached this revision.")
]
LockWish = Annotated[list[str] | None, typer.Option("--lock", metavar="NAME", help="This lock is free; repeatable.")]
WaitAgents = Annotated[
    list[str] | None,
    typer.Option("--agent", metavar="A[=STATUS]", help="The agent is active, retired, failed, …; alone: whose event."),
]
WaitTimeout = Annotated[
    str | None, typer.Option("--timeout", metavar="SPAN", help="At most so long: 30s, 5m; left out: for ever.")
]
WatchInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two looks at least (default 1).")
]
