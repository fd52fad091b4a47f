"""Watching over agents at intervals: what each look found goes into the health log, and the dead are taken care of.

The health log is the reference's, with more beside its keys: one line of JSON a look, the last `KEPT` of them. It is
for people and alerts, is not synced, and proves nothing; what happened to agents is in the log of events.
"""

from milestone_cli import runtime
from milestone_cli.core import session_record
from milestone_cli.core.agents.health import health
from milestone_cli.core.agents.heartbeat import is_gone
from milestone_cli.core.agents.process import identity
from milestone_cli.core.agents.vitals import STALE
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]

KIND = "agent-health"
EVERYBODY = "every-session"
"""Key of the health log of a monitor that looks after all sessions."""
KEPT = 1000
"""Lines of a health log: eight hours at the usual interval."""
ROUND = 1.0
"""Seconds between two looks at whether the session has ended."""


def watch(
    store: "Store",
    session: "str | None",
    say: "Callable[[Facts], None]",
    *,
    interval: float = 30.0,
    stale_after: float = STALE,
    looks: int = 0,
) -> int:
    """Look after agents until their session ends or somebody asks this to end.

    Args:
        store: where.
        session: whose agents; None: those of all.
        say: is given each look.
        interval: seconds between two looks.
        stale_after: seconds of silence after which an agent is no longer healthy.
        looks: end after so many; 0: do not.

    Returns:
        How many looks there were.

    Raises:
        MilestoneError: `not_found` for no such session; `conflict` when another process is watching already.
    """
    if session is not None:
        from milestone_cli.core.sessions.session import find

        find(store, session)
    _refuse_second(store, session or EVERYBODY)
    import signal

    waited = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited | {signal.SIGALRM})
    done = 0
    try:
        while True:
            say(_look(store, session, stale_after))
            done += 1
            if done == looks or not _rest(store, session, waited, runtime.monotonic() + interval):
                return done
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _look(store: "Store", session: "str | None", stale_after: float) -> "Facts":
    """Look once, do what is to be done for the dead, and leave a line in the health log."""
    found = health(store, session, stale_after, is_fixed=True)
    here = found["agents"]
    unhealthy = [one for one in here if one["health"] != "healthy"] if isinstance(here, list) else []
    line: Facts = {
        "timestamp": runtime.timestamp(store.clock()),
        "session_id": session,
        "healthy_agents": found["healthy"],
        "unhealthy_agents": [one["agent_id"] for one in unhealthy],
        "health": {str(one["agent_id"]): one["health"] for one in unhealthy},
        "failed_agents": [one["agent_id"] for one in found["buried"]] if isinstance(found["buried"], list) else [],
        "monitor": identity(runtime.getpid()),
    }
    key = session or EVERYBODY
    lines = (store.get(KIND, key) or b"").splitlines(keepends=True)[-KEPT + 1 :]
    store.note(KIND, key, b"".join(lines) + dumps(line).encode() + b"\n")
    return {**found, "timestamp": line["timestamp"]}


def _rest(store: "Store", session: "str | None", waited: "set[signal.Signals]", until: float) -> bool:
    """Wait for the next look; whether there shall be one."""
    from milestone_cli.core.supervise import next_signal

    while True:
        if session is not None and session_record(store, session).get("status") != "active":
            return False
        left = until - runtime.monotonic()
        if left <= 0:
            return True
        if next_signal(waited, min(left, ROUND))[0]:
            return False


def _refuse_second(store: "Store", key: str) -> None:
    """Refuse to watch where another process does.

    Raises:
        MilestoneError: `conflict`.
    """
    lines = (store.get(KIND, key) or b"").splitlines()
    try:
        last = loads(lines[-1]) if lines else None
    except ValueError:
        last = None
    other = last.get("monitor") if isinstance(last, dict) else None
    if isinstance(other, dict) and is_gone(other) is False and other.get("pid") != runtime.getpid():
        raise MilestoneError(
            "conflict",
            f"process {other['pid']} is watching already",
            "`milestone agent health` looks once",
            pid=other["pid"],
        )
