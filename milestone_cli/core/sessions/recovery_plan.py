"""Going on with a session where a checkpoint has kept it: looked at first, exact, and undoable.

What comes back is the session's record and page, its agents, and the milestone's state of then as a new revision, in
one transaction; what is there is kept as a checkpoint `pre-recover-…` with it. The plan is drawn up again behind the
gate, and nothing is done where it became another one. Git is touched on request alone, afterwards, and never over a
dirty tree.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, current_session
from milestone_cli.core.sessions.capture import kept_of
from milestone_cli.core.sessions.checkpoints import Checkpoint, find, part, sound
from milestone_cli.core.sessions.pages import KIND as PAGE
from milestone_cli.core.sessions.session import Session, at_work, holders, is_alive, sessions
from milestone_cli.core.sessions.surroundings import Surroundings
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import digest, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


class Step:
    """One thing that a recovery is about.

    Attributes:
        what: of what: `session`, `agent NAME`, `state of NAME`, `directory`, `git`, …
        action: `restore`; `same`: it is so already; `keep`: it stays as it is on purpose; `cannot`: it does not come
            back.
        detail: from what to what, or why.
        put: kind, key and content of a document that is restored; None for the rest.
    """

    __slots__ = ("action", "detail", "put", "what")

    def __init__(self, what: str, action: str, detail: str, put: "tuple[str, str, bytes] | None" = None) -> None:
        self.what = what
        self.action = action
        self.detail = detail
        self.put = put

    def fields(self) -> "Facts":
        """The step as JSON values."""
        return {"what": self.what, "action": self.action, "detail": self.detail}


class Recovery:
    """What recovering a session would do.

    Attributes:
        checkpoint: from which.
        keeps_state: the milestone's state stays as it is.
        checks_out: git shall check the branch of then out.
        session: as it is now; None where its record is gone or damaged.
        milestone: its own; None for none.
        steps: all that it is about, in order.
        blockers: who would lose work, sentences.
        text: the state that comes back; None where none does.
        revision: of the milestone's present state.
        branch: that git shall check out; empty for none.
        folder: where.
    """

    __slots__ = ("blockers", "branch", "checkpoint", "checks_out", "folder", "keeps_state", "milestone", "revision",
                 "session", "steps", "text")  # fmt: skip

    def __init__(self, checkpoint: Checkpoint, *, keeps_state: bool, checks_out: bool) -> None:
        self.checkpoint = checkpoint
        self.keeps_state = keeps_state
        self.checks_out = checks_out
        self.session: Session | None = None
        self.milestone: str | None = None
        self.steps: list[Step] = []
        self.blockers: list[str] = []
        self.text: bytes | None = None
        self.revision = 0
        self.branch = self.folder = ""

    @property
    def lacking(self) -> "list[Step]":
        """What does not come back."""
        return [one for one in self.steps if one.action == "cannot"]

    def digest(self) -> str:
        """What tells one plan from another."""
        told = [f"{one.what}\0{one.action}\0{digest(one.put[2]) if one.put else ''}" for one in self.steps]
        revision = self.revision if self.text is not None else 0
        return digest("\n".join([*told, str(revision), *self.blockers]).encode())

    def fields(self) -> "Facts":
        """The plan as JSON values."""
        return {
            "session_id": self.checkpoint.session,
            "checkpoint_name": self.checkpoint.name,
            "created_at": self.checkpoint.created_at,
            "milestone_id": self.milestone,
            "steps": [one.fields() for one in self.steps],
            "refused": self.blockers,
            "not_restored": [f"{one.what}: {one.detail}" for one in self.lacking],
        }


def meant(store: "Store", given: "str | None") -> str:
    """The session that is to be recovered: what is given, the current one, or the only one that was left behind.

    Raises:
        MilestoneError: `not_found`.
    """
    name = current_session(store, given)
    if name != NO_SESSION:
        return name
    left = [one.id for one in sessions(store) if one.status == "orphaned"]
    if len(left) == 1:
        return left[0]
    told = ", ".join(left[-10:])
    raise MilestoneError(
        "not_found",
        "which session? There is no current one",
        f"name one; left behind were {told}" if left else "`milestone session list` lists what there is",
        sessions=left,
    )


def plan_recovery(
    store: "Store", session: str, name: str = "latest", *, keeps_state: bool = False, checks_out: bool = False
) -> Recovery:
    """Look what recovering a session would do.

    Args:
        store: where; only read.
        session: whose; its record may be gone or damaged.
        name: of the checkpoint; `latest`.
        keeps_state: leave the milestone's state as it is.
        checks_out: git shall check the branch of then out.

    Raises:
        MilestoneError: `not_found`; `damaged` when the checkpoint's document is.
    """
    kept_at = sound(find(store, safe(session, "session"), name))
    found = Recovery(kept_at, keeps_state=keeps_state, checks_out=checks_out)
    raw = store.get("session", session)
    there = Session(session, raw, store.modified("session", session), "") if raw is not None else None
    found.session = there if there is not None and there.status != "damaged" else None
    kept = _record(store, found, damaged=there is not None and found.session is None)
    _agents(store, found)
    _state(store, found)
    _places(found, kept)
    _live(found)
    return found


def _record(store: "Store", found: Recovery, *, damaged: bool) -> "Facts":
    """Plan the session's record and its page."""
    session, parts = found.checkpoint.session, found.checkpoint.parts()
    sha256 = next((sha256 for kind, key, sha256 in parts if (kind, key) == ("session", session)), "")
    raw = part(store, session, sha256)
    kept: Facts = {}
    if raw is None:
        found.steps.append(Step("session", "cannot", "what the checkpoint kept of it is gone or damaged"))
    else:
        record = loads(raw)
        kept = record if isinstance(record, dict) else {}
        now = found.session
        if now is None:
            told = "its record is damaged, and made again" if damaged else "its record is gone, and made again"
            found.steps.append(Step("session", "restore", told, ("session", session, raw)))
        else:
            same = kept_of(now.text) == raw
            told = "nothing changed since" if same else _difference(now.record, kept)
            found.steps.append(Step("session", "same" if same else "restore", told, ("session", session, raw)))
    milestone = kept.get("milestone_id") or found.checkpoint.said("state_snapshot").get("milestone_id")
    found.milestone = safe(milestone) if isinstance(milestone, str) and milestone else None
    for kind, key, sha256 in parts:
        if (kind, key) == (PAGE, session):
            _document(store, found, "session.yaml", kind, key, sha256)
    return kept


def _difference(now: "Facts", kept: "Facts") -> str:
    """Which members of a record change."""
    names = [name for name in {**kept, **now} if name in kept and now.get(name) != kept[name]]
    told = []
    for name in names:
        plain = all(isinstance(one.get(name), int | float | str | None) for one in (now, kept))
        told.append(f"{name} {now.get(name)} -> {kept[name]}" if plain else name)
    return ", ".join(told) or "spelt otherwise"


def _document(store: "Store", found: Recovery, what: str, kind: str, key: str, sha256: str) -> bool:
    """Plan one document that is kept whole; whether it changes."""
    raw = part(store, found.checkpoint.session, sha256)
    if raw is None:
        found.steps.append(Step(what, "cannot", "what the checkpoint kept of it is gone or damaged"))
        return False
    now = store.get(kind, key)
    action = "same" if now == raw else "restore"
    detail = "nothing changed since" if now == raw else "gone, and made again" if now is None else "as it was then"
    found.steps.append(Step(what, action, detail, (kind, key, raw)))
    return now != raw


def _agents(store: "Store", found: Recovery) -> None:
    """Plan the agents; those that came since stay."""
    session = found.checkpoint.session
    kept = set()
    for kind, key, sha256 in found.checkpoint.parts():
        if kind != "agent":
            continue
        kept.add(safe(key, "agent"))
        now = store.get(kind, key)
        if _document(store, found, f"agent {key}", kind, key, sha256) and now is not None:
            _refuse_living(store, found, key, now)
    for key in store.keys("agent"):
        raw = store.get("agent", key) or b""
        if key not in kept and session.encode() in raw and _object(raw).get("session_id") == session:
            found.steps.append(Step(f"agent {key}", "keep", "it came after the checkpoint"))


def _object(raw: bytes) -> "Facts":
    try:
        value = loads(raw)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _refuse_living(store: "Store", found: Recovery, key: str, raw: bytes) -> None:
    """Note that an agent lives whose record would change."""
    record = _object(raw)
    is_living = record.get("status") == "active" and is_alive(record, store.modified("agent", key))
    if is_living and not _is_ours(record.get("pid")):
        found.blockers.append(f"the agent {key} of process {record.get('pid')} lives")


def _is_ours(pid: object) -> bool:
    """Whether a process of this machine is this one, or has started it."""
    return isinstance(pid, int) and (pid == runtime.getpid() or runtime.is_ancestor(pid))


def _state(store: "Store", found: Recovery) -> None:
    """Plan the milestone's state."""
    milestone, then = found.milestone, found.checkpoint.said("state_snapshot")
    if milestone is None:
        return
    what, sha256 = f"state of {milestone}", then.get("sha256")
    head = store.head(milestone)
    found.revision = head.revision if head else 0
    try:
        present: str | None = store.read(milestone).sha256
    except MilestoneError as error:
        if error.code not in ("not_found", "damaged"):
            raise
        present = None
    if sha256 is None:
        told = "there was none then" if present is None else "there was none then; what is there now stays"
        found.steps.append(Step(what, "same" if present is None else "keep", told))
    elif sha256 == present:
        found.steps.append(Step(what, "same", f"revision {found.revision}, as it was then"))
    elif found.keeps_state:
        found.steps.append(Step(what, "keep", f"revision {found.revision} stays, as asked"))
    elif not store.modified("active", milestone) and store.modified("completed", milestone):
        found.steps.append(
            Step(what, "cannot", f"it is completed; `milestone state reopen {milestone}` makes it active again")
        )
    else:
        found.text = _text(store, milestone, then.get("revision"), str(sha256))
        if found.text is None:
            told = f"revision {then.get('revision')} can no longer be read from the log"
            found.steps.append(Step(what, "cannot", told))
            return
        told = f"revision {found.revision} -> the text of revision {then.get('revision')}, as a new one"
        found.steps.append(Step(what, "restore", told))
        found.blockers += [
            f"the session '{one.id}' of process {one.record.get('pid')} works on {milestone}"
            for one in holders(store, milestone)
            if one.id != found.checkpoint.session
        ]


def _text(store: "Store", milestone: str, revision: object, sha256: str) -> "bytes | None":
    """The text of a revision, if it still proves itself."""
    try:
        document = store.read(milestone, revision if isinstance(revision, int) else 0)
    except MilestoneError:
        return None
    return document.text if document.sha256 == sha256 else None


def _places(found: Recovery, kept: "Facts") -> None:
    """Plan directory, branch and commit; and say what became of what was under way."""
    where = Surroundings(found.checkpoint, str(kept.get("working_directory") or ""), checks_out=found.checks_out)
    found.folder, found.branch = where.folder, where.branch
    found.steps += [Step(*one) for one in where.told]
    for one in _listed(found.checkpoint.said("recovery_data").get("pending_operations")):
        amount = one.get("progress")
        told = f"was under way then{f', {amount} % done' if amount is not None else ''}; go on with it"
        found.steps.append(Step(f"operation {one.get('operation')}", "keep", told))


def _listed(value: object) -> "list[Facts]":
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _live(found: Recovery) -> None:
    """Note that the session itself lives: it would change under whoever is at work in it."""
    now = found.session
    if now is not None and (why := at_work(now)) and not (now.is_alive and _is_ours(now.record.get("pid"))):
        found.blockers.insert(0, why)
