"""What somebody must know to go on with the work: the packet for a model that begins, or for whoever takes over.

Facts only, the most useful first, cut to a budget by leaving out whole lines. It rests on the store, the git folder and
which processes live, and not on the moment: the same store gives the same text. Tokens are estimated: one for every
four characters of ASCII, and one for every other character.
"""

from milestone_cli import runtime
from milestone_cli.core import git
from milestone_cli.core.standing.facts import gather, listed, one_line, said, second
from milestone_cli.core.standing.status import status
from milestone_cli.core.standing.words import FIRST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Packet:
    """A hand-over.

    Attributes:
        text: in Markdown, ending in a line feed.
        tokens: of it, as estimated.
        left_out: lines that did not fit into the budget.
        facts: the same as JSON values, all of it.
    """

    __slots__ = ("facts", "left_out", "text", "tokens")

    def __init__(self, text: str, left_out: int, facts: "Facts") -> None:
        self.text = text
        self.tokens = estimate(text)
        self.left_out = left_out
        self.facts = facts


class _Outline:
    """Sections of lines, each line with its rank; the lowest ranks stay when there is no room for all."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._lines: list[tuple[int, int, int, str]] = []

    def section(self, title: str) -> None:
        self._titles.append(title)

    def line(self, rank: int, text: str) -> None:
        self._lines.append((rank, len(self._titles) - 1, len(self._lines), "- " + text + "\n"))

    def cut(self, head: str, tail: str, tokens: int) -> "tuple[str, int]":
        """The text within a budget, and how many lines are not in it."""
        room = tokens - estimate(head + tail) - estimate(LEFT_OUT.format(len(self._lines), tokens))
        kept: list[tuple[int, int, int, str]] = []
        opened: set[int] = set()
        for line in sorted(self._lines):
            cost = estimate(line[3]) + (0 if line[1] in opened else estimate(self._head(line[1])) + 1)
            if cost <= room:
                room -= cost
                kept.append(line)
                opened.add(line[1])
        text = head
        for number in range(len(self._titles)):
            lines = "".join(line[3] for line in sorted(kept, key=lambda one: one[2]) if line[1] == number)
            text += self._head(number) + lines if lines else ""
        left_out = len(self._lines) - len(kept)
        return text + tail + (LEFT_OUT.format(left_out, tokens) if left_out else ""), left_out

    def _head(self, number: int) -> str:
        return f"\n## {self._titles[number]}\n\n"


LEFT_OUT = "\n({} more lines did not fit into {} tokens.)\n"


def estimate(text: str) -> int:
    """Tokens of a text: one for every four characters of ASCII, begun ones too, and one for every other character."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return (len(text) - others + 3) // 4 + others


def packet(
    store: "Store",
    milestone: str,
    *,
    session: "str | None" = None,
    alone: bool = False,
    folder: str = "",
    tokens: int = 1500,
) -> Packet:
    """Tell how the work on a milestone stands.

    Args:
        store: where; only read.
        milestone: whose work.
        session: that goes on, or whose work it is.
        alone: tell only what happened in this session.
        folder: whose git state is told; left out: where we are.
        tokens: as estimated, that the text may have at most.

    Raises:
        MilestoneError: `not_found`.
    """
    facts = gather(store, milestone, session, alone, folder)
    outline = _Outline()
    _tell_state(outline, facts)
    _tell_open(outline, facts)
    _tell_past(outline, facts)
    _tell_places(outline, facts)
    text, left_out = outline.cut(_headline(facts), _further(facts), tokens)
    return Packet(text, left_out, facts)


def choice(store: "Store") -> str:
    """What is told where several milestones are active and none is meant; empty where there is none."""
    active = store.active()
    if not active:
        return ""
    shown = ", ".join(active[:20]) + (f" and {len(active) - 20} more" if len(active) > 20 else "")
    return (
        f"This project keeps its work with `milestone`. Active milestones: {shown}.\n"
        "This session belongs to none of them; `milestone session create NAME` binds it to one, "
        "and `milestone status NAME` shows how one stands.\n"
    )


def names(store: "Store", milestone: str, session: "str | None") -> str:
    """What a compaction is asked to keep: the names by which the work is found again."""
    facts = status(store, milestone, 1)
    lines = [
        "The work is kept with `milestone`. Keep these names in the summary exactly as they are written here:",
        f"- milestone {milestone}, revision {facts['revision']}",
        *([f"- session {session}"] if session else []),
    ]
    if isinstance(kept := facts["last_checkpoint"], dict):
        lines.append(f"- checkpoint {kept['name']}, of {second(kept['created_at'])}")
    words = said(store, milestone)[0]
    told = [f"- {name}: {words[name]}" for name in ("goal", "next", "next_step", "blockers") if name in words]
    if told:
        lines += ["and what its state says:", *told]
    return "\n".join(lines) + "\n"


def _headline(facts: "Facts") -> str:
    state = f"state {facts['state']}, revision {facts['revision']}"
    saved = f", saved {second(facts['updated_at'])}" if facts["updated_at"] else ""
    own = f" This session is {facts['session_id']}." if facts["session_id"] else ""
    return (
        f"# Where the work on {facts['milestone_id']} stands\n\n"
        f"It is kept with `milestone`: {state}{saved}; {facts['events']} events.{own}\n"
    )


def _tell_state(outline: _Outline, facts: "Facts") -> None:
    words, others = facts["said"], facts["other_keys"]
    assert isinstance(words, dict)
    assert isinstance(others, list)
    outline.section("What its state says")
    for name, text in words.items():
        outline.line(1 if name in FIRST else 3, f"{name}: {text}")
    if others:
        outline.line(6, "other keys: " + ", ".join(others))


def _tell_open(outline: _Outline, facts: "Facts") -> None:
    outline.section("What is open")
    if facts["doing"]:
        outline.line(1, f"this session was at: {facts['doing']}")
    for one in listed(facts["transactions"]):
        outline.line(2, f"transaction {one['id']} ({one['operation']}, since {one['started_at']}) is not finished")
    for one in listed(facts["locks"]):
        where = f" on {one['host']}" if one["host"] and one["host"] != runtime.host() else ""
        outline.line(2, f"the lock {one['name']} is held by process {one['pid']}{where}")
    _tell_crew(outline, facts)
    _tell_tasks(outline, facts["tasks"])
    for name, rank, what in (
        ("orphaned_sessions", 4, "was left behind: its process is gone"),
        ("active_sessions", 5, "is active too"),
    ):
        found = facts[name]
        assert isinstance(found, list)
        left = facts["left_open"]
        assert isinstance(left, dict)
        for one in found[-3:]:
            words = one_line("; ".join(left.get(one, [])))
            more = f", and left open: {words} (`milestone session recover {one}` goes on with it)" if words else ""
            outline.line(rank, f"session {one} {what}{more if rank == 4 else ''}")
        if len(found) > 3:
            outline.line(rank, f"{len(found) - 3} more sessions like it (`milestone session list`)")


def _tell_crew(outline: _Outline, facts: "Facts") -> None:
    """Agents at work, those that fell, and synchronisations in which somebody is awaited."""
    for one in listed(facts["agents"]):
        doing = f", at: {one_line(str(one['doing']))}" if one["doing"] else ""
        state = "is dead, and nobody has taken over" if one["dead"] else "is at work"
        kind = one_line(str(one["type"] or "general"))
        outline.line(2 if one["dead"] else 3, f"agent {one['agent_id']} ({kind}) {state}{doing}")
    for one in listed(facts["fallen"]):
        outline.line(2, f"agent {one['agent_id']} failed at {second(one['ended_at'])}: {one_line(str(one['reason']))}")
    for one in listed(facts["syncs"]):
        missing = one["missing"]
        if one["status"] == "in_progress" and isinstance(missing, list):
            outline.line(2, f"the synchronisation {one['sync_id']} waits for {', '.join(map(str, missing))}")
        elif one["status"] == "failed":
            outline.line(3, f"the synchronisation {one['sync_id']} failed: {one_line(str(one['reason']))}")


def _tell_tasks(outline: _Outline, found: object) -> None:
    """Tasks that are begun or ready, and how many more there are."""
    if not isinstance(found, dict):
        return
    shown = listed(found["tasks"])
    for one in shown:
        about = one_line(str(one["description"]))
        if one["status"] == "pending" or one["claim_ended"]:
            why = f", since the claim of {one['claimed_by']} has ended" if one["claim_ended"] else ""
            outline.line(3, f"task {one['id']} is ready{why}: {about}")
        else:
            outline.line(2, f"task {one['id']} is in progress, {one['claimed_by'] or 'somebody'} has it: {about}")
    rest = found["ready"] + found["in_progress"] - len(shown)
    more = [f"{count} {what}" for count, what in ((rest, "more open"), (found["waiting"], "waiting for others"),
                                                  (found["failed"], "failed")) if count]  # fmt: skip
    if more:
        outline.line(4, f"tasks: {', '.join(more)} (`milestone task list`)")


def _tell_past(outline: _Outline, facts: "Facts") -> None:
    outline.section("What was done last")
    events = listed(facts["done_last"])
    for index, one in enumerate(events):
        words = f": {one['text']}" if one["text"] else ""
        outline.line(2 if index >= len(events) - 4 else 5, f"{one['timestamp']} {one['type']}{words}")
    tools = facts["tools"]
    assert isinstance(tools, dict)
    if tools["used"]:
        outline.line(4, f"calls of tools among the last events: {tools['used']}, of which {tools['failed']} failed")
    if tools["files"]:
        outline.line(3, "files written, the newest first: " + ", ".join(tools["files"]))


def _tell_places(outline: _Outline, facts: "Facts") -> None:
    outline.section("Where things are")
    branch, commit = str(facts["git_branch"]), str(facts["git_commit"])
    if branch != git.NONE:
        at = f" at commit {commit[:12]}" if commit else ""
        outline.line(3, f"git: {'branch ' + one_line(branch) if branch else 'no branch'}{at}, in {_folder(facts)}")
    if isinstance(kept := facts["checkpoint"], dict):
        outline.line(3, f"last checkpoint: {kept['name']}, of {second(kept['created_at'])}")


def _folder(facts: "Facts") -> str:
    return one_line(str(facts["working_directory"]))


def _further(facts: "Facts") -> str:
    name = facts["milestone_id"]
    return (
        f"\nMore: `milestone status {name}`, `milestone state load {name}`, `milestone events query {name}`, "
        f"`milestone checkpoint list {name}`.\n"
    )
