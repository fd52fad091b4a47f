"""Checkpoints of sessions: all that it takes to go on, as it was at one moment, under a name.

The document is `checkpoints/NAME/checkpoint.yaml` beside the session, in the form of the reference architecture and as
JSON text, which YAML is. What it keeps stands in `recovery/`, each part under its SHA-256, so what did not change is
kept once; of the milestone's state it names the revision, whose text the log has. It is made behind the store's gate,
where sessions and agents stand still, and the state is one whole revision: writers never wait for it.
"""

from milestone_cli.core.record import tags_of
from milestone_cli.core.sessions.capture import KIND, PART, names
from milestone_cli.core.sessions.session import find as find_session
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import digest, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Checkpoint:
    """A session's checkpoint as it was found.

    Attributes:
        session: whose.
        name: its own.
        info: what its document says; empty when that is damaged.
        trouble: why it is.
    """

    __slots__ = ("info", "name", "session", "trouble")

    def __init__(self, session: str, name: str, raw: bytes) -> None:
        self.session = session
        self.name = name
        self.info: Facts = {}
        self.trouble = ""
        try:
            info = loads(raw)
        except ValueError as error:
            self.trouble = f"it is not JSON: {error}"
            return
        if not isinstance(info, dict) or self._said(info, "checkpoint").get("id") != name:
            self.trouble = "it is another one's"
            return
        self.info = info

    @staticmethod
    def _said(info: "Facts", section: str) -> "Facts":
        found = info.get(section)
        return found if isinstance(found, dict) else {}

    def said(self, section: str) -> "Facts":
        """A section of the document."""
        return self._said(self.info, section)

    @property
    def created_at(self) -> str:
        """When it was made, RFC 3339; empty where that is not known."""
        return str(self.said("checkpoint").get("created_at") or "")

    @property
    def is_safety(self) -> bool:
        """Whether a recovery made it of what it was about to replace."""
        return self.said("checkpoint").get("before_recovery") is not None

    @property
    def pinned(self) -> "Facts | None":
        """Reason, time and maker of its pin; None when it is not pinned."""
        found = self.info.get("pinned")
        return found if isinstance(found, dict) else {} if found or self.trouble else None

    def parts(self) -> "list[tuple[str, str, str]]":
        """Kind, key and SHA-256 of each document that it keeps."""
        found = self.info.get("parts")
        return [
            (one["kind"], one["key"], one["sha256"])
            for one in (found if isinstance(found, list) else ())
            if isinstance(one, dict) and all(isinstance(one.get(key), str) for key in ("kind", "key", "sha256"))
        ]

    def fields(self) -> "Facts":
        """The checkpoint as JSON values."""
        made, state = self.said("checkpoint"), self.said("state_snapshot")
        return {
            "session_id": self.session,
            "checkpoint_name": self.name,
            "state": "damaged" if self.trouble else "good",
            "trouble": self.trouble or None,
            "created_at": self.created_at or None,
            "reason": made.get("reason"),
            "milestone_id": state.get("milestone_id"),
            "revision": state.get("revision"),
            "agents": state.get("agent_count"),
            "operations": state.get("operation_count"),
            "events": state.get("event_count"),
            "tags": list(tags_of(self.info)),
            "pinned": self.pinned,
        }


def look(store: "Store", session: str, name: str) -> "Checkpoint | None":
    """A checkpoint of a session; None when there is none."""
    raw = store.get(KIND, f"{session}/{name}")
    return None if raw is None else Checkpoint(session, name, raw)


def checkpoints(store: "Store", session: str) -> "list[Checkpoint]":
    """All checkpoints of a session, oldest first."""
    found = [one for name in names(store, session) if (one := look(store, session, name))]
    return sorted(found, key=lambda one: (one.created_at, one.name))


def find(store: "Store", session: str, name: str) -> Checkpoint:
    """A checkpoint by its name; `latest`: the newest that is sound and that no recovery made.

    Raises:
        MilestoneError: `not_found`, with what there is; `damaged`.
    """
    safe(session, "session")
    found = look(store, session, safe(name, "checkpoint"))
    known = checkpoints(store, session) if found is None else []
    if found is None and name == "latest":
        found = next((one for one in reversed(known) if not one.trouble and not one.is_safety), None)
        if found is None and (broken := [one for one in known if one.trouble]):
            raise MilestoneError(
                "damaged",
                f"no checkpoint of the session '{session}' can be read; '{broken[-1].name}': {broken[-1].trouble}",
                f"`milestone checkpoint list --session {session}` shows them; a backup may have better ones",
                session_id=session,
                checkpoints=[one.name for one in known],
            )
    if found is None:
        if not known:
            find_session(store, session)  # which says that there is none
        shown = ("… " if len(known) > 10 else "") + ", ".join(one.name for one in known[-10:])
        raise MilestoneError(
            "not_found",
            f"the session '{session}' has no checkpoint" + ("" if name == "latest" else f" '{name}'"),
            f"there are {shown}" if known else f"`milestone checkpoint create --session {session}` makes one",
            session_id=session,
            checkpoints=[one.name for one in known],
        )
    return found


def sound(found: Checkpoint) -> Checkpoint:
    """Let a checkpoint through whose document can be read.

    Raises:
        MilestoneError: `damaged`.
    """
    if found.trouble:
        raise MilestoneError(
            "damaged",
            f"the checkpoint '{found.name}' of the session '{found.session}' is damaged: {found.trouble}",
            f"`milestone checkpoint list --session {found.session}` lists the others",
            session_id=found.session,
            checkpoint_name=found.name,
        )
    return found


def part(store: "Store", session: str, sha256: str) -> "bytes | None":
    """A document that a checkpoint keeps; None when it is gone, or does not prove itself."""
    raw = store.get(PART, f"{session}/{sha256}") if sha256.isalnum() else None
    return raw if raw is not None and digest(raw) == sha256 else None
