"""The arguments and options that commands share, each declared once; only Typer ever reads this module.

Command modules name these types in quoted annotations, so importing a command costs nothing: `app` lends the
names to the modules before Typer looks at their signatures.
"""

from typing import Annotated, Literal

import typer

MilestoneId = Annotated[
    str | None,
    typer.Argument(metavar="[MILESTONE]", help="Milestone; left out: MILESTONE_ID, the session's, or the only one."),
]
Data = Annotated[
    str | None,
    typer.Argument(metavar="[JSON|@FILE|-]", help="The document, a file with it, or - for standard input."),
]
PathWords = Annotated[
    list[str],
    typer.Argument(metavar="[MILESTONE] PATH", help="A path like a.b.0, or a JSON pointer like /a/b/0."),
]
SetWords = Annotated[
    list[str],
    typer.Argument(metavar="[MILESTONE] PATH=VALUE...", help="What to set; VALUE is JSON, else taken as a string."),
]
EventWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MILESTONE] TYPE [JSON]", help="The event's type, and its data as a JSON object."),
]
Kind = Annotated[str | None, typer.Argument(metavar="[KIND]", help="A kind of output; left out: all are listed.")]

Format = Annotated[Literal["text", "json", "jsonl", "yaml"], typer.Option("--format", help="Form of the output.")]
DocumentFormat = Annotated[
    Literal["text", "json", "yaml"], typer.Option("--format", help="json: exactly the text that was saved.")
]
Events = Annotated[Literal["text", "json", "jsonl"], typer.Option("--format", help="Form of the output.")]
TimelineFormat = Annotated[
    Literal["text", "json", "jsonl", "markdown", "mermaid", "html", "trace", "svg"],
    typer.Option("--format", help="Form of the output; html is one page, trace is for Perfetto."),
]
TimelineFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file; replaces one of before.")
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="K", help="Do this once, however often it is asked for."),
]
IfRevision = Annotated[
    int | None,
    typer.Option("--if-revision", metavar="N", min=0, help="Only if this is the current revision; 0: only if new."),
]
LockTimeout = Annotated[
    float | None,
    typer.Option("--lock-timeout", metavar="S", min=0, help="Seconds to wait for the lock (default 30)."),
]
Revision = Annotated[int | None, typer.Option("--revision", metavar="N", min=1, help="The state as of this revision.")]
RecordAccess = Annotated[bool, typer.Option("--record-access", help="Log a state_loaded event.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 6 when the state had to be recovered.")]
Indent = Annotated[int | None, typer.Option("--indent", metavar="N", min=0, max=16, help="Spaces to indent by.")]
Agent = Annotated[str | None, typer.Option("--agent", metavar="A", help="Agent that acts, or whose events to show.")]
Session = Annotated[
    str | None, typer.Option("--session", metavar="S", help="Session that acts, or whose events to show.")
]
Batch = Annotated[bool, typer.Option("--batch", help="Read events as JSON Lines from standard input; one sync.")]
TypeFilter = Annotated[
    list[str] | None, typer.Option("--type", metavar="T", help="Only this type; * and ? match any text; repeatable.")
]
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
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most this many; 0: all.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="Newest first.")]
AllMilestones = Annotated[bool, typer.Option("--all", help="Every milestone of the store.")]
OlderThan = Annotated[
    str | None,
    typer.Option("--older-than", metavar="SPAN", help="Keep what is younger: 24h, 2w (default 7d); 0: no such bound."),
]
KeepLast = Annotated[
    int | None,
    typer.Option("--keep-last", metavar="N", min=0, help="Keep the last N backups and N checkpoints (default 10)."),
]
KeepWithin = Annotated[
    str | None, typer.Option("--keep-within", metavar="SPAN", help="Keep copies of less than this before the newest.")
]
KeepHourly = Annotated[
    int | None,
    typer.Option("--keep-hourly", metavar="N", min=0, help="Keep the newest copy of each of the last N hours."),
]
KeepDaily = Annotated[
    int | None, typer.Option("--keep-daily", metavar="N", min=0, help="The same of days, which are those of UTC.")
]
KeepWeekly = Annotated[
    int | None, typer.Option("--keep-weekly", metavar="N", min=0, help="The same of weeks, from Monday on.")
]
KeepMonthly = Annotated[int | None, typer.Option("--keep-monthly", metavar="N", min=0, help="The same of months.")]
KeepTag = Annotated[
    list[str] | None,
    typer.Option("--keep-tag", metavar="T", help="Keep checkpoints with this tag; T,U: with both; repeatable."),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A tag, for `cleanup --keep-tag`; repeatable.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, at a terminal either.")]
NamesOf = Annotated[
    Literal["milestones", "sessions", "checkpoints", "transactions", "agents", "syncs", "tasks"],
    typer.Argument(metavar="KIND", help="Names of what."),
]
At = Annotated[str | None, typer.Option("--at", metavar="T", help="The state as of this moment; like --since.")]
DiffWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MILESTONE] [A] [B]", help="Revisions to compare; left out: the previous and the current."),
]
HistoryLimit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most this many; 0: all.")]
PatchType = Annotated[
    Literal["merge", "json"], typer.Option("--type", help="merge: RFC 7396, an object; json: RFC 6902, operations.")
]
CheckpointWords = Annotated[
    list[str], typer.Argument(metavar="[MILESTONE] CHECKPOINT", help="A checkpoint by its name.")
]
CheckpointDiffWords = Annotated[
    list[str],
    typer.Argument(
        metavar="[MILESTONE] CHECKPOINT [CHECKPOINT]", help="What to compare; left out: with the present state."
    ),
]
CheckpointName = Annotated[
    str | None, typer.Option("--name", metavar="N", help="Its name; left out: manual-YYYYmmdd-HHMMSS.")
]
CheckpointState = Annotated[bool, typer.Option("--state", help="Print the document that it keeps, exactly.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for people.")]
Force = Annotated[bool, typer.Option("--force", help="Even if somebody who is at work would lose work.")]
SessionId = Annotated[str | None, typer.Argument(metavar="[SESSION]", help="Session; left out: the current one.")]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="A session by its id.")]
FromCopy = Annotated[
    str | None, typer.Option("--from", metavar="BACKUP", help="This backup or checkpoint; left out: the newest.")
]
SchemaFile = Annotated[str | None, typer.Option("--schema", metavar="FILE", help="A JSON Schema.")]
LockName = Annotated[str, typer.Argument(metavar="NAME", help="A milestone, or any safe name.")]
LockCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
LockWait = Annotated[
    float | None, typer.Option("--wait", metavar="S", min=0, help="Seconds to wait (default 30); 0: try once.")
]
ForPid = Annotated[
    int | None, typer.Option("--for-pid", metavar="P", min=1, help="The process that holds it; left out: the caller.")
]
Fix = Annotated[bool, typer.Option("--fix", help="Repair what can be repaired; nothing is deleted.")]
SelfTest = Annotated[
    bool, typer.Option("--selftest", help="Try the disk of the store, and say what can be promised there.")
]
FailOn = Annotated[Literal["error", "warning"], typer.Option("--fail-on", help="Exit 6 from which severity on.")]
Deadline = Annotated[
    float | None,
    typer.Option("--deadline", metavar="S", min=0, help="Seconds until it is gone (default 0.2; 1 at SessionEnd)."),
]
Block = Annotated[
    Literal["completed", "locked", "unrecorded", "any"] | None,
    typer.Option("--block", help="Exit 2, which stops what was about to happen, when this is so."),
]
InUser = Annotated[bool, typer.Option("--user", help="In your own settings, for every project (the default).")]
InProject = Annotated[bool, typer.Option("--project", help="In the settings that the project shares.")]
InLocal = Annotated[bool, typer.Option("--local", help="In your own settings of the project; without slash commands.")]
InPlugin = Annotated[str | None, typer.Option("--plugin", metavar="DIR", help="As a plugin in this folder.")]
HookEvents = Annotated[
    str | None, typer.Option("--events", metavar="LIST", help="Only these events, with commas between them; or all.")
]
StatusLine = Annotated[bool, typer.Option("--statusline", help="Show the status line too, where there is none.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", metavar="N", min=100, help="Tokens that it may have at most.")]
PacketFormat = Annotated[
    Literal["text", "markdown", "json", "yaml"], typer.Option("--format", help="Form of the output; text is Markdown.")
]
Operations = Annotated[
    str | None, typer.Argument(metavar="[FILE|-]", help="JSON Lines of operations; - for standard input.")
]
Last = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The last so many; 0: all.")]
TransactionStatus = Annotated[
    Literal["all", "pending", "committed", "rolled_back"], typer.Option("--status", help="Only those that are so.")
]
TransactionWord = Annotated[
    str, typer.Argument(metavar="[TRANSACTION]", help="A transaction by its id; left out: the last one.")
]
TransactionId = Annotated[
    str, typer.Argument(metavar="TRANSACTION", help="A transaction by its id; last: the last committed one.")
]
StoreName = Annotated[
    str | None,
    typer.Argument(metavar="[STORE]", help="A folder, or postgresql://…#PROJECT; left out: the one that is meant."),
]
StoreSource = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or postgresql://…#PROJECT.")]
StoreTarget = Annotated[str, typer.Argument(metavar="TARGET", help="The same; made where it is missing.")]
ReaderRole = Annotated[
    str | None, typer.Option("--reader", metavar="ROLE", help="Let this role of the database read, and no more.")
]
WriterRole = Annotated[
    str | None, typer.Option("--writer", metavar="ROLE", help="Let this role of the database read and write.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a copy that was not finished.")]
FormatTo = Annotated[
    int | None,
    typer.Option("--to", metavar="V", min=0, help="To this format; left out: the newest, or the one before."),
]
GoBack = Annotated[bool, typer.Option("--rollback", help="Back to the format before, as far as nothing is lost.")]
ImportFrom = Annotated[
    str, typer.Argument(metavar="DIR", help="The folder or archive to take in, of another program or an older one.")
]
VerifyCopy = Annotated[bool, typer.Option("--verify", help="Prove every log of the copy too; exit 6 for damage.")]
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
ActingAgent = Annotated[str | None, typer.Option("--agent", metavar="A", help="The agent; left out: MILESTONE_AGENT.")]
AgentCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
AgentMeant = Annotated[str | None, typer.Argument(metavar="[AGENT]", help="Agent; left out: MILESTONE_AGENT.")]
AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="An agent's id, any safe name.")]
AgentPid = Annotated[
    int | None, typer.Option("--for-pid", metavar="P", min=0, help="The agent's process; left out: the caller.")
]
AgentState = Annotated[
    str | None, typer.Option("--state", metavar="JSON|@FILE|-", help="The agent's own state, a JSON object.")
]
AgentType = Annotated[
    str | None, typer.Option("--type", metavar="T", help="What kind of agent it is (default general).")
]
AgentsList = Annotated[
    str | None, typer.Option("--agents", metavar="A,B", help="Only these agents, with commas between them.")
]
BeatInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two heartbeats.")
]
BuryDead = Annotated[bool, typer.Option("--fix", help="Record the dead as failed, and give back what they held.")]
DependsOn = Annotated[
    list[str] | None, typer.Option("--depends-on", metavar="A", help="An agent that it depends on; repeat for more.")
]
EverybodyToo = Annotated[bool, typer.Option("--all", help="Those that have ended too.")]
Looks = Annotated[int, typer.Option("--looks", metavar="N", min=0, help="End after so many looks; 0: do not.")]
MonitorInterval = Annotated[float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two looks.")]
MoreErrors = Annotated[int, typer.Option("--errors", metavar="N", min=0, help="So many more operations failed.")]
MoreOperations = Annotated[
    int, typer.Option("--operations", metavar="N", min=0, help="So many more operations were completed.")
]
MoreTime = Annotated[float, typer.Option("--seconds", metavar="S", min=0, help="So much longer it has worked.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Ask, print the id, and do not wait for the answers.")]
OfMilestone = Annotated[
    str | None, typer.Option("--milestone", metavar="M", help="Of this milestone; left out: the one that is meant.")
]
OnlyOpen = Annotated[bool, typer.Option("--open", help="Only those that are still waited for.")]
SeenRevision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", min=0, help="The revision that was seen; left out: the present one."),
]
StaleAfter = Annotated[
    str, typer.Option("--stale-after", metavar="SPAN", help="Silence after which an agent is not healthy: 60s, 5m.")
]
Subscribe = Annotated[
    list[str] | None,
    typer.Option("--subscribe", metavar="TYPE", help="A type of events that it follows, as state_*; repeat for more."),
]
SyncId = Annotated[str, typer.Argument(metavar="SYNC", help="A synchronisation point by its id.")]
SyncTimeout = Annotated[float, typer.Option("--timeout", metavar="S", min=0, help="Seconds that the answers may take.")]
Trigger = Annotated[
    str | None, typer.Option("--trigger", metavar="A", help="The agent that asks; left out: MILESTONE_AGENT.")
]
ActiveOnly = Annotated[bool, typer.Option("--active", help="Only those that are at work, expired ones too.")]
AutoCheckpoint = Annotated[bool, typer.Option("--auto-checkpoint", help="Make checkpoints by itself; so it is anyway.")]
NoAutoCheckpoint = Annotated[bool, typer.Option("--no-auto-checkpoint", help="Make none but at the beginning and end.")]
BackupRetention = Annotated[
    int, typer.Option("--backup-retention", metavar="DAYS", min=0, help="Days for which a clean-up keeps checkpoints.")
]
CheckpointInterval = Annotated[
    int, typer.Option("--checkpoint-interval", metavar="S", min=0, help="Seconds between checkpoints; 0: never.")
]
Count = Annotated[bool, typer.Option("--count", help="Say only how many there are.")]
Duration = Annotated[
    float | None, typer.Option("--duration-ms", metavar="N", min=0, help="How long it took, in milliseconds.")
]
EntryResponse = Annotated[
    str | None, typer.Option("--response", metavar="JSON|@FILE", help="What was answered, as JSON.")
]
Escalation = Annotated[
    str | None, typer.Option("--escalation", metavar="JSON|@FILE", help="What it was passed on for; one, or an array.")
]
InactiveFor = Annotated[
    str | None, typer.Option("--inactive-for", metavar="SPAN", help="Only those that were silent for so long: 24h, 2d.")
]
KeyWords = Annotated[
    list[str],
    typer.Argument(metavar="[SESSION] PATH", help="A path like a.b.0 in its state; . is all of it."),
]
LastEntries = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The last so many; 0: all.")]
MaxDuration = Annotated[
    int, typer.Option("--max-duration", metavar="S", min=0, help="Seconds after which it shows as expired; 0: never.")
]
NoMilestone = Annotated[bool, typer.Option("--no-milestone", help="It has no milestone, and a log of its own.")]
Operation = Annotated[
    str | None, typer.Option("--operation", metavar="TEXT", help="What it does; left out: what it did.")
]
ProgressWords = Annotated[
    list[str], typer.Argument(metavar="[SESSION] PERCENT", help="A session, and how far it is: 0 to 100.")
]
Request = Annotated[str, typer.Option("--request", metavar="TEXT", help="What was asked.")]
SessionContext = Annotated[
    str | None,
    typer.Option("--context", metavar="JSON|@FILE", help="What it works with: an object that people edit."),
]
SessionMetadata = Annotated[
    str | None, typer.Option("--metadata", metavar="JSON|@FILE", help="What machines note of it: an object.")
]
SessionOwnName = Annotated[
    str | None, typer.Option("--name", metavar="S", help="Its id; left out: made of the time and the process.")
]
SessionType = Annotated[str, typer.Option("--type", metavar="T", help="Its type, as you like.")]
SetKeyWords = Annotated[
    list[str],
    typer.Argument(metavar="[SESSION] PATH=VALUE...", help="What to set; VALUE is JSON, else taken as a string."),
]
User = Annotated[str | None, typer.Option("--user", metavar="U", help="Whose it is; left out: who calls.")]
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
FollowFormat = Annotated[Literal["text", "jsonl"], typer.Option("--format", help="Form of the output.")]
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
OfSession = Annotated[
    str | None, typer.Option("--session", metavar="S", help="Of this session, instead of a milestone.")
]
FromPoint = Annotated[str, typer.Option("--from", metavar="NAME", help="The checkpoint; latest: the newest sound one.")]
KeepState = Annotated[bool, typer.Option("--keep-state", help="Leave the milestone's state as it is.")]
GitWay = Annotated[
    Literal["warn", "checkout"], typer.Option("--git", help="Say what differs, or check the branch of then out.")
]
WatchInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two looks at least (default 1).")
]
InactiveSpan = Annotated[
    str, typer.Option("--inactive-for", metavar="SPAN", help="How long they must have been silent: 24h, 2d.")
]
AloneTask = Annotated[bool, typer.Option("--independent", help="It depends on no task any more.")]
IfTaskRevision = Annotated[
    int | None, typer.Option("--if-revision", metavar="N", min=1, help="Only if the task is at this revision.")
]
LeaseSpan = Annotated[
    str, typer.Option("--lease", metavar="SPAN", help="For so long, unless its holder is heard of: 30s, 5m, 1h.")
]
LogMessage = Annotated[str, typer.Argument(metavar="MESSAGE", help="What to say.")]
LogType = Annotated[str, typer.Option("--type", metavar="T", help="What kind of entry it is, as you like.")]
OnlyReady = Annotated[bool, typer.Option("--ready", help="Only what a claim would give away: it waits for nothing.")]
ReportFormat = Annotated[
    Literal["markdown", "json", "html"], typer.Option("--format", help="Form of the output; html is one page.")
]
TaskDescription = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What is to be done, said anew.")
]
TaskFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file; replaces one of before.")
]
TaskLevel = Annotated[
    Literal["debug", "info", "warning", "error"], typer.Option("--level", help="How much it matters.")
]
TaskMeant = Annotated[
    str | None, typer.Argument(metavar="[TASK]", help="This task; left out: the oldest that is ready.")
]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task by its id.")]
TaskNeeds = Annotated[
    list[str] | None,
    typer.Option("--depends-on", metavar="TASK", help="A task that must be completed before; repeat for more."),
]
TaskResult = Annotated[
    str | None, typer.Option("--result", metavar="JSON|@FILE|-", help="What came of it, any JSON value.")
]
TaskStatus = Annotated[
    Literal["pending", "in_progress", "completed", "failed", "cancelled"] | None,
    typer.Option("--status", help="Only those that are so."),
]
TaskTool = Annotated[str | None, typer.Option("--tool", metavar="T", help="What it is to be done with, for people.")]
TaskWords = Annotated[
    list[str],
    typer.Argument(metavar="[ID] DESCRIPTION", help="What is to be done, and an id; left out: a new one is made."),
]
ForceLoad = Annotated[bool, typer.Option("--force", help="Overwrite what differs in the store.")]
SaveInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds after which it is saved without a change.")
]
Saves = Annotated[int, typer.Option("--saves", metavar="N", min=0, help="End after so many saves; 0: do not.")]
SnapshotFile = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file too, for another store.")
]
SnapshotName = Annotated[
    str | None,
    typer.Argument(metavar="[FILE|BACKUP]", help="A file, or a snapshot of the store; left out: the last one."),
]
SettingName = Annotated[str, typer.Argument(metavar="KEY", help="A setting by its name.")]
SettingNames = Annotated[list[str], typer.Argument(metavar="KEY...", help="Settings by their names.")]
Assignments = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Settings and their new values.")]
ConfigFile = Annotated[
    str | None, typer.Argument(metavar="[FILE|-]", help="A file; left out: the configuration that is in force.")
]
FromDraft = Annotated[
    str | None, typer.Option("--from", metavar="FILE", help="Begin with the text of this file, not with what is there.")
]
RunCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
RunInputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="GLOB", help="Files it depends on: a path, a folder, *.py, src/**; repeatable."),
]
RunTtl = Annotated[
    str | None, typer.Option("--ttl", metavar="SPAN", help="How long its result holds: 10m, 2d (default cache_ttl).")
]
RunAgent = Annotated[str | None, typer.Option("--agent", metavar="A", help="Whose result it is, for statistics.")]
RunTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A word to invalidate it by; repeatable.")
]
RunEnvironment = Annotated[
    list[str] | None, typer.Option("--env", metavar="NAME", help="A variable that it depends on; repeatable.")
]
RunStdin = Annotated[bool, typer.Option("--stdin", help="Let it read standard input, which is part of the question.")]
RunFailures = Annotated[bool, typer.Option("--cache-failures", help="Keep its result when it exits with 1 to 125 too.")]
RunRefresh = Annotated[bool, typer.Option("--refresh", help="Run it anew, and keep that result.")]
RunExplain = Annotated[bool, typer.Option("--explain", help="Say on standard error why it runs, or does not.")]
RunTimeout = Annotated[
    float | None, typer.Option("--timeout", metavar="S", min=0, help="Seconds to wait for another run (default 600).")
]
RunNamespace = Annotated[str | None, typer.Option("--namespace", metavar="N", help="Which cache, a safe name.")]
BackupFile = Annotated[
    str | None, typer.Option("--backup", metavar="FILE", help="The archive; left out: one in the state directory.")
]
ExportFile = Annotated[str, typer.Argument(metavar="FILE", help="The archive, a tar; .gz or .tgz compresses it.")]
CacheKey = Annotated[str, typer.Argument(metavar="KEY", help="A key: 1 to 128 letters, digits, '.', '_' or '-'.")]
KeyOrNone = Annotated[str, typer.Argument(metavar="[KEY]", help="This entry; left out: all that the options say.")]
CacheData = Annotated[
    str, typer.Argument(metavar="DATA|@FILE|-", help="The answer, a file with it, or - for standard input.")
]
CacheAgent = Annotated[str, typer.Option("--agent", metavar="A", help="The agent whose answer it is.")]
CacheRequest = Annotated[str, typer.Option("--request", metavar="TEXT", help="What was asked.")]
CacheTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="T", help="A word to invalidate it by; repeatable.")
]
CacheTag = Annotated[str, typer.Option("--tag", metavar="T", help="Those with this word.")]
ContentHash = Annotated[str, typer.Option("--content-hash", metavar="H", help="Of what the answer depends on.")]
CacheTier = Annotated[
    Literal["auto", "hot", "warm", "cold"], typer.Option("--tier", help="Only where it is in this one; auto: in any.")
]
PutTier = Annotated[Literal["hot", "warm", "cold"], typer.Option("--tier", help="Where it begins.")]
CacheTtl = Annotated[
    str | None, typer.Option("--ttl", metavar="SPAN", help="How long it is true: 10m, 2d (default cache_ttl).")
]
CacheNamespace = Annotated[
    str | None,
    typer.Option("--namespace", metavar="N", help="A cache of its own, such as a session's (default: default)."),
]
KeyRequest = Annotated[str, typer.Option("--request", metavar="TEXT", help="What is asked.")]
KeyAgent = Annotated[str, typer.Option("--agent", metavar="A", help="Who is asked.")]
Permissions = Annotated[
    str | None, typer.Option("--permissions", metavar="JSON|@FILE|-", help="What the agent may do, as JSON.")
]
MetricsFormat = Annotated[
    Literal["text", "json", "yaml", "prometheus"] | None,
    typer.Option("--format", help="Form of the output; left out: text, or prometheus with -o FILE.prom."),
]
Editor = Annotated[
    str | None, typer.Option("--editor", metavar="CMD", help="The editor; left out: VISUAL, else EDITOR, else vi.")
]
Probe = Annotated[bool, typer.Option("--probe", help="Try how long saving and loading take, and keep that.")]
ArchivedName = Annotated[
    str, typer.Argument(metavar="NAME", help="A task or a milestone; task/NAME or milestone/NAME where it is both.")
]
ArchiveSpan = Annotated[
    str, typer.Option("--older-than", metavar="SPAN", help="Only what was completed so long ago: 30d, 4w.")
]
