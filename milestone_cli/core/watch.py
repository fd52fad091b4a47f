"""Who is at work on what, at one look or as long as somebody looks on: what `status` tells, with all who take part."""

from milestone_cli import runtime
from milestone_cli.core import lock
from milestone_cli.core.agents import agent, crew, vitals
from milestone_cli.core.sessions import progress, session
from milestone_cli.core.standing.overview import everything
from milestone_cli.core.standing.status import RECENT, last_events, status
from milestone_cli.core.tasks.report import open_tasks
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]
    Seen = dict[str, tuple[int, Facts]]
    """Up to where the logs of sessions were searched for their progress, and what was found."""

BUSY = 16
"""The events of so many milestones, those of which something was logged last, are looked at."""
SHOWN = ("active", "orphaned", "expired", "damaged")
"""Statuses of sessions that somebody may have to do something about."""
SAID = ("said", "next")
AT_WORK = 10
"""So many of the sessions at work, the newest ones, are asked how far they are."""
LONG = 3600.0
PAUSE = 1.0
"""Seconds between two looks at whether a store is there again."""


class View:
    """What is going on, as long as somebody looks on.

    Attributes:
        found: what was seen last, see `look`.
        trouble: why nothing newer can be seen; empty when it can.
    """

    __slots__ = ("_events", "_lost", "_milestone", "_seen", "_store", "found", "trouble")

    def __init__(self, milestone: "str | None", events: int) -> None:
        """Look for the first time; the arguments are those of `look`.

        Raises:
            MilestoneError: what opening or reading the store raises.
        """
        self._store = open_store()
        self._milestone = milestone
        self._events = events
        self._seen: Seen = {}
        self.found = look(self._store, milestone, events, self._seen)
        self.trouble = self._lost = ""

    def refresh(self) -> None:
        """Look again; while the store cannot be reached, what was seen last stays."""
        try:
            if self.trouble:
                self._store = open_store(self._store.path)
            self.found = look(self._store, self._milestone, self._events, self._seen)
        except (MilestoneError, OSError) as error:
            self.trouble = _reason(error)
        else:
            self.trouble = self._lost

    def listen(self, say: "Callable[[], None]") -> None:
        """Say when something may have changed, again and again; for a thread of its own, with a store of its own."""
        path = self._store.path
        while True:
            try:
                watcher = open_store(path).changes(None, [], [])
                self._lost = ""
                while True:
                    say()
                    watcher.wait(LONG)
            except (MilestoneError, OSError) as error:  # what is open may still be read, and be no store by now
                self._lost = _reason(error)
                say()
                runtime.sleep(PAUSE)


def _reason(error: "MilestoneError | OSError") -> str:
    return error.message if isinstance(error, MilestoneError) else error.strerror or str(error)


def look(store: "Store", milestone: "str | None", events: int, seen: "Seen") -> "Facts":
    """What is going on now.

    Args:
        store: only read.
        milestone: the one that is meant; None: all.
        events: so many of the last ones are told.
        seen: what earlier looks found of sessions; brought up to date.

    Returns:
        `milestones`, those first of which something was logged last; of a single one what its state says too;
        `sessions` that have not ended, `agents` that have not left, `fallen` ones, `syncs`, `tasks` that are open,
        `locks`, and `last_events`, oldest first.

    Raises:
        MilestoneError: `not_found` when there is no such milestone.
    """
    every = everything(store)
    known = every["milestones"]
    assert isinstance(known, list)
    heads = {one["milestone_id"]: store.head(str(one["milestone_id"])) for one in known}
    known.sort(key=lambda one: head.time if (head := heads[one["milestone_id"]]) else 0, reverse=True)
    said: Facts = {"said": {}, "next": None}
    if milestone is not None or len(known) == 1:
        one = status(store, milestone or known[0]["milestone_id"], events)
        said = {name: one[name] for name in SAID}
        known = [
            {name: one[name] for name in summary} for summary in known if summary["milestone_id"] == one["milestone_id"]
        ]
        last = one["last_events"]
    else:
        last = _merged(store, [str(one["milestone_id"]) for one in known[:BUSY]], events)
    names = {one["milestone_id"] for one in known} if milestone else None
    return {
        "at": runtime.timestamp(runtime.now_ns()),
        "store": store.path,
        "milestone_id": milestone,
        "session_id": every["session_id"],
        "milestones": known,
        **said,
        "sessions": _sessions(store, milestone, seen),
        "agents": _agents(store, milestone),
        "fallen": crew.fallen(store, milestone),
        "syncs": crew.syncs(store, milestone),
        "tasks": open_tasks(store, milestone),
        "locks": [one for one in lock.locks(store) if names is None or one["name"] in names],
        "last_events": last,
    }


def _merged(store: "Store", names: "list[str]", count: int) -> "list[object]":
    """The last events of several milestones, oldest first."""
    found = [one for name in names for one in last_events(store, name, count)]
    found.sort(key=lambda one: str(one.get("timestamp", "")) if isinstance(one, dict) else "")
    return found[-count:]


def _sessions(store: "Store", milestone: "str | None", seen: "Seen") -> "list[Facts]":
    """The sessions that have not ended, the current one first, then the newest."""
    known = [
        one for one in session.sessions(store, RECENT) if one.status in SHOWN and milestone in (None, one.milestone)
    ]
    known.sort(key=lambda one: (one.is_current, one.word("created_at") or ""), reverse=True)
    at_work = [one for one in known if one.status in session.AT_WORK][:AT_WORK]
    return [one.fields() | (_said(store, one, seen) if one in at_work else {}) for one in known]


def _said(store: "Store", one: "session.Session", seen: "Seen") -> "Facts":
    """How far a session says it is; only what was logged since the last look is searched for that."""
    end, said = seen.get(one.id, (0, {}))
    own = one.record.get("searched")
    if isinstance(own, int) and own > end:
        said = {}  # its record was written since
    elif end:
        one.record["searched"] = end
    news = progress.news(store, one)
    end = int(news.pop("searched"))
    said = {**said, **{name: loads(text) for name, text in news.items()}}
    seen[one.id] = end, said
    return said


def _agents(store: "Store", milestone: "str | None") -> "list[Facts]":
    """The agents that have not left, with what tells whether they live, and what each says of its work."""
    found = vitals.examine(store, agent.agents(store, milestone=milestone, is_over=False))
    return [{**one.fields(), "state": one.agent.mapping("state"), "metrics": one.agent.metrics()} for one in found]
