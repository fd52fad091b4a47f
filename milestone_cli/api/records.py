"""Records of sessions in memory, in front of the files.

One is believed while the time of its file is the one that it had, and lay behind already when the file was read: a file
that was changed just then could be changed once more and bear the same time.
"""

import threading
from collections import OrderedDict

from milestone_cli import runtime
from milestone_cli.core.document import find
from milestone_cli.core.sessions import session
from milestone_cli.core.sessions.keyed import state_of
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.contract import Store as Backend

MOST = 1000
"""Sessions whose keyed state is held."""
RACY = 2 * 10**9
"""Nanoseconds in which two changes of a file may bear the same time."""


class Records:
    """The keyed states of sessions that were read."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def state(self, store: Backend, id: str) -> str:  # noqa: A002
        """The keyed state of a session, as a JSON text.

        Raises:
            MilestoneError: `not_found`, `damaged`.
        """
        written = store.modified("session", id)
        held = self._held.get(id)
        if held is not None and held[0] == written:
            return held[1]
        now = runtime.now_ns()
        text = _read(store, id)
        if written and written < now - RACY:
            with self._mutex:
                self._held[id] = (written, text)
                self._held.move_to_end(id)
                if len(self._held) > MOST:
                    self._held.popitem(last=False)
        return text


def _read(store: Backend, id: str) -> str:  # noqa: A002
    raw = store.get("session", id)
    if raw is not None:
        try:
            return find(raw.decode(), "/state")
        except (MilestoneError, ValueError):
            pass  # one of the bash utilities, which has none, or a damaged one: that is found out with more care
    return state_of(session.readable(store, id))
