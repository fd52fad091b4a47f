"""What sessions keep: pages that can be taken over, checkpoints whose parts are there and prove themselves."""

from milestone_cli.core.doctor.sessionlogs import has_ended
from milestone_cli.core.sessions.checkpoints import checkpoints, part
from milestone_cli.core.sessions.news import edited
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.findings import Finding, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.sessions.session import Session
    from milestone_cli.storage.contract import Store


def check(store: "Store", sessions: "list[Session]") -> "Iterator[Finding]":
    """Look at the pages of sessions whose records can be read, and at the checkpoints of all."""
    for one in sessions:
        if one.status not in ("damaged", "completed"):
            try:
                edited(store, one)
            except MilestoneError as error:
                yield Finding("records", "page_unreadable", "warning", error.message, error.hint, one.id)
    known = {one.id for one in sessions}
    for session in dict.fromkeys(key.partition("/")[0] for key in store.keys("session-checkpoint")):
        found = checkpoints(store, session)
        # The clean-up of bash removes the record of a session that has ended, and what is pinned of it stays.
        if session not in known and not has_ended(store, session):
            names = named([one.name for one in found])
            yield Finding(
                "records", "session_missing", "warning",
                f"the record of the session {session} is gone, but not what was kept of it: {names}",
                f"`milestone session recover {session}` makes it again; `milestone checkpoint delete NAME --session"
                f" {session}` removes one of them", session,
            )  # fmt: skip
        damaged = [one.name for one in found if one.trouble]
        lacking = [
            one.name for one in found if any(part(store, session, sha256) is None for _, _, sha256 in one.parts())
        ]
        if damaged or lacking:
            yield Finding(
                "records", "session_checkpoint_damaged", "warning",
                f"of the session {session} cannot be recovered from, or not wholly: {named([*damaged, *lacking])}",
                f"`milestone session recover {session} --dry-run` shows what comes back from the others; "
                f"`milestone checkpoint delete NAME --session {session}` removes one", session,
            )  # fmt: skip
