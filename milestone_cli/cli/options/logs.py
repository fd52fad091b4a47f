"""Arguments and options of logs: filters, places, timelines, waiting."""

from typing import Annotated, Literal

import typer

EventWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MILESTONE] TYPE [JSON]", help="The event's type, and its data as a JSON object."),
]
TimelineFormat = Annotated[
    Literal["text", "json", "jsonl", "markdown", "mermaid", "html", "trace", "svg"],
    typer.Option("--format", help="Output format; html is one page, trace is for Perfetto."),
]
Session = Annotated[
    str | None, typer.Option("--session", metavar="S", help="The session that acts (default: the current one).")
]
Batch = Annotated[
    bool, typer.Option("--batch", help="Read events as JSON Lines from standard input; all are synced at once.")
]
AgentFilter = Annotated[str | None, typer.Option("--agent", metavar="A", help="Only what this agent did.")]
SessionFilter = Annotated[str | None, typer.Option("--session", metavar="S", help="Only what belongs to this session.")]
TextFilter = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Only what has this text in its type or data.")
]
WhereFilter = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="PATH=VALUE", help="Only what has this value in its data (.PATH: in the event); repeatable."
    ),
]
FirstEvent = Annotated[int | None, typer.Option("--from", metavar="SEQ", min=0, help="From this sequence number on.")]
LastEvent = Annotated[int | None, typer.Option("--to", metavar="SEQ", min=0, help="Up to and including this one.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="From this time on: RFC 3339, a date, '2h ago', 'yesterday', 'now'."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="T", help="Up to and including this time, written like --since.")
]
AllMilestones = Annotated[bool, typer.Option("--all", help="Every milestone of the store.")]
FromEvent = Annotated[
    int | None,
    typer.Option("--from", metavar="SEQ", min=1, help="Print every change from this event on, with its state."),
]
ToEvent = Annotated[
    int | None, typer.Option("--to", metavar="SEQ", min=1, help="Up to this event (default: the last).")
]
ReplayAt = Annotated[
    str | None, typer.Option("--at", metavar="T", help="Up to this time: RFC 3339, a date, '2h ago', 'yesterday'.")
]
Accept = Annotated[
    bool, typer.Option("--accept", help="Acknowledge what cannot be repaired: it stays, and is a note from then on.")
]
VerifyFormat = Annotated[
    Literal["text", "json", "jsonl", "yaml", "github", "junit"],
    typer.Option("--format", help="Output format; github: annotations of a workflow; junit: a report for CI."),
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
    str | None,
    typer.Option("--after-cursor", metavar="C", help="Only what comes after this cursor, or the one in @FILE."),
]
ShowCursor = Annotated[bool, typer.Option("--show-cursor", help="Print the cursor to continue from.")]
CountOnly = Annotated[bool, typer.Option("--count", help="Print only how many there are.")]
QueryLimit = Annotated[int | None, typer.Option("--limit", metavar="N", min=0, help="At most N (default: 50); 0: all.")]
FollowLines = Annotated[
    int, typer.Option("-n", "--lines", metavar="N", min=0, help="Begin with the latest N; 0: none.")
]
EventWish = Annotated[
    list[str] | None, typer.Option("--event", metavar="T", help="An event of this type; * and ? are wildcards.")
]
StateWish = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="PATH[=VALUE]", help="The state has this value, or any, at the path; repeatable."),
]
RevisionWish = Annotated[
    int | None, typer.Option("--revision", metavar="N", min=1, help="The state has reached this revision.")
]
LockWish = Annotated[list[str] | None, typer.Option("--lock", metavar="NAME", help="This lock is free; repeatable.")]
WaitAgents = Annotated[
    list[str] | None,
    typer.Option(
        "--agent", metavar="A[=STATUS]", help="The agent is active, retired, failed, …; without a status: whose event."
    ),
]
WaitTimeout = Annotated[
    str | None, typer.Option("--timeout", metavar="SPAN", help="At most this long: 30s, 5m (default: for ever).")
]
WatchInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two looks, at least.")
]
