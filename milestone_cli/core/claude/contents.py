"""What the client is given: the hooks, the status line and the slash commands, as one table for settings and plugins.

The hooks name the command alone, without a path: the same words in two settings files run once, and a project's file
is shared by machines that keep programs in different places.
"""

from milestone_cli.model import digest

HOOK = "milestone hook"
STATUSLINE = "milestone hook statusline"
SECONDS = 5
"""After so long the client gives a hook up; by then its own deadline has passed long ago."""
NAME = "milestone"
"""Of the plugin, and of the folder of commands: what stands before the colon in `/milestone:save`."""

EVENTS = {
    "SessionStart": True,
    "UserPromptSubmit": True,
    "PreToolUse": False,
    "PostToolUse": True,
    "PostToolUseFailure": True,
    "PostToolBatch": False,
    "SubagentStart": True,
    "SubagentStop": True,
    "TaskCreated": True,
    "TaskCompleted": True,
    "Notification": True,
    "PreCompact": True,
    "PostCompact": True,
    "Stop": True,
    "StopFailure": True,
    "SessionEnd": True,
}
"""The events that `milestone hook` does something with, and whether they are hooked unless told otherwise.

Not those that tell nothing that another does not tell too: each costs every call of a tool the start of a process.
"""

COMMANDS = {
    "save": (
        "Save where the work stands, so that anybody can go on from there",
        "[what to note]",
        """\
The milestone as the store has it:

!`milestone status`

Bring its state up to date, so that whoever comes next can go on from the state alone. To be noted: $ARGUMENTS

- Keep the keys that are there. Known ones are `goal`, `done`, `doing`, `next` (a list, the most urgent first),
  `blockers`, `decisions` and `notes`. Short texts; no secrets.
- Set single values: `milestone state set doing="…" 'next=["…", "…"]'` (a value is JSON, else taken as a text).
- Only where there is no state yet, save a whole one: `milestone state save '{"goal": "…", "next": ["…"]}'`.

Then say in one line what was saved, and the revision.
""",
    ),
    "load": (
        "Load the state of the milestone, and go on from it",
        "[milestone] [--revision N | --at T]",
        """\
The state, exactly as it was saved:

!`milestone state load $ARGUMENTS`

Take it as what is known about the work. Say in at most five lines where the work stands, what is next and what blocks
it. Where the files say something else than the state, say so; change nothing yet.
""",
    ),
    "status": (
        "Show where the work stands and what is next",
        "[milestone]",
        """\
!`milestone status $ARGUMENTS`

Say in at most five lines where the work stands, what is next, and what needs attention: blockers, a lock, an orphaned
session, a state that is damaged or was changed outside. Change nothing.
""",
    ),
    "checkpoint": (
        "Keep the present state as a checkpoint, to come back to it",
        "[why]",
        """\
!`milestone status`

If the state no longer says where the work stands, bring it up to date with `milestone state set` first. Then keep it:
`milestone checkpoint create --reason "…"`, with `--name` where a good short name is at hand. The reason, in a few
words: $ARGUMENTS

Then say in one line the name of the checkpoint and the revision that it keeps.
""",
    ),
    "restore": (
        "Bring a checkpoint's state back, after showing what would change",
        "[checkpoint]",
        """\
The checkpoints there are:

!`milestone checkpoint list`

Wanted: $ARGUMENTS

1. Find the one that is meant. Where that is not clear, ask.
2. Show what would change: `milestone checkpoint restore NAME --dry-run`.
3. Restore it once that was agreed to: `milestone checkpoint restore NAME --yes`. The state before is kept as a
   checkpoint `pre-restore-…`, and `milestone state undo` takes the restore back.

Only the state is restored, no files of the project: say so where the files are further on than the state.
""",
    ),
    "timeline": (
        "Show what happened in the milestone",
        "[milestone] [--since T] [--type T] [--limit N]",
        """\
The last events, oldest first:

!`milestone events query --limit 40 $ARGUMENTS`

Tell what happened in a few lines: what was reached, what failed, what was tried again, where time went. Name times.
`milestone events query --since '2h ago' --type 'tool_*'` shows more of one kind.
""",
    ),
    "handoff": (
        "Hand the work over: save what only this session knows, and print the packet for the next one",
        "[to whom, or what they should know]",
        """\
What whoever comes next is told now:

!`milestone session handoff`

Find what is missing there that only this conversation knows: decisions and their reasons, what was tried and did not
work, the very next step, what blocks. To be told as well: $ARGUMENTS

Put it into the state with `milestone state set` (`next`, `blockers`, `decisions`, `notes`; short texts, no secrets),
then run `milestone checkpoint create --reason "hand-over"` and `milestone session handoff`, and show the packet.
""",
    ),
}
"""Slash commands: what each is for, its arguments, and its text. What stands behind `!` exits 0 in a sound store."""
MARK = "# made by milestone hook install "
"""Begins the line of a command's head that proves, by a checksum, that nobody has edited the file since."""


def command_file(name: str) -> str:
    """The file of a slash command."""
    purpose, arguments, text = COMMANDS[name]
    head = f'description: "{purpose}"\nargument-hint: "{arguments}"\nallowed-tools: Bash(milestone *)\n'
    return f"---\n{head}{MARK}{digest((head + text).encode())[:16]}\n---\n\n{text}"


def is_untouched(raw: bytes) -> bool:
    """Whether a file of a slash command is as this or another version of `milestone` wrote it."""
    text = raw.decode("utf-8", "replace")
    before, mark, after = text.partition("\n" + MARK)
    proof, fence, rest = after.partition("\n---\n\n")
    head = before.removeprefix("---\n") + "\n"
    return bool(mark and fence) and proof == digest((head + rest).encode())[:16]


def group() -> "dict[str, object]":
    """What stands in the list of an event: no matcher, so it is called for all of them."""
    return {"hooks": [{"type": "command", "command": HOOK, "timeout": SECONDS}]}


def statusline() -> "dict[str, object]":
    """The setting of the status line."""
    return {"type": "command", "command": STATUSLINE}


def is_hook(entry: object) -> bool:
    """Whether an entry among the hooks is the one that is put in here."""
    return isinstance(entry, dict) and entry.get("type") == "command" and entry.get("command") == HOOK


def is_like_hook(entry: object) -> bool:
    """Whether an entry calls the hook in words of its own, with a path or options: somebody put it in by hand."""
    command = entry.get("command") if isinstance(entry, dict) else None
    if not isinstance(command, str) or is_hook(entry):
        return False
    words = command.split()
    return any(
        word.rpartition("/")[2] == NAME and words[at + 1 : at + 2] == ["hook"] and "statusline" not in words[at + 2 :]
        for at, word in enumerate(words)
    )
