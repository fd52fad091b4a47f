"""Pinning and removing checkpoints of sessions; parts go with the last checkpoint that refers to them."""

from milestone_cli.core import acting_agent, lock_timeout, once
from milestone_cli.core.checkpoints import pins
from milestone_cli.core.record import data_of, indented, words
from milestone_cli.core.sessions.capture import KIND, PART, file
from milestone_cli.core.sessions.checkpoints import Checkpoint, checkpoints, find, sound
from milestone_cli.core.sessions.pages import KIND as PAGE
from milestone_cli.core.sessions.session import Session
from milestone_cli.jsontext import dumps
from milestone_cli.model import Draft, Plan, log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def stream_of(store: "Store", session: str) -> str:
    """The log that tells of a session, which may be gone."""
    raw = store.get("session", session)
    return log_of(session) if raw is None else Session(session, raw, 0, "").stream


def unused(store: "Store", session: str, going: "set[str]") -> "list[tuple[str, str]]":
    """Kind and key of the parts that no checkpoint of a session refers to, once some have gone."""
    there = checkpoints(store, session)
    staying = {sha256 for one in there if one.name not in going for _, _, sha256 in one.parts()}
    if any(one.trouble for one in there if one.name not in going):
        return []  # what a damaged one refers to is not known
    return [(PART, key) for key in store.keys(PART, session) if key[len(session) + 1 :] not in staying]


def documents(store: "Store", session: str) -> "list[tuple[str, str]]":
    """Kind and key of all that belongs to a session, its record last."""
    found = [(kind, key) for kind in (KIND, PART) for key in store.keys(kind, session)]
    found += [(kind, session) for kind in (PAGE, "session-report") if store.modified(kind, session)]
    return [*found, ("session", session)]


def delete(
    store: "Store", session: str, name: str, *, key: "str | None" = None, timeout: "float | None" = None
) -> "tuple[Checkpoint, bool]":
    """Remove a checkpoint of a session.

    Returns:
        The checkpoint as it was, and whether it was removed before, under the same idempotency key; then only its
        name is known.

    Raises:
        MilestoneError: `not_found`; `conflict` when it is pinned.
    """
    stream = stream_of(store, session)
    done: list[Checkpoint] = []

    def build() -> Plan:
        found = find(store, session, name)
        refuse_pinned(found)
        plan = Plan("checkpoint_delete")
        plan.puts = [(KIND, f"{session}/{found.name}", None)]
        plan.puts += [(*place, None) for place in unused(store, session, {found.name})]
        data = {"checkpoint_name": found.name, "checkpoint_file": file(session, found.name), "session_id": session}
        plan.events.append((stream, Draft("checkpoint_deleted", dumps(data), session, acting_agent())))
        done[:] = [found]
        return plan

    known = once(stream, key, b"session checkpoint delete", session.encode(), name.encode())
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    if not done:
        earlier = str(data_of(store, stream, receipts[0].event_id).get("checkpoint_name") or name)
        done.append(Checkpoint(session, earlier, dumps({"checkpoint": {"id": earlier}}).encode()))
    return done[0], receipts[0].replayed


def refuse_pinned(found: Checkpoint) -> None:
    """Refuse to remove what is pinned; one that is damaged may go.

    Raises:
        MilestoneError: `conflict`, with the reason of the pin.
    """
    words = f"{found.name} --session {found.session}"
    pins.refuse_pinned(found.name, None if found.trouble else found.pinned, words, session_id=found.session)


def pin(
    store: "Store",
    session: str,
    name: str,
    reason: "str | None" = None,
    *,
    is_kept: bool = True,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "tuple[Checkpoint, bool]":
    """Keep a checkpoint of a session from every removal, or let it go.

    Returns:
        The checkpoint, and whether this was done before, under the same idempotency key.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    words(reason, "the reason")
    stream, verb = stream_of(store, session), "pin" if is_kept else "unpin"

    def build() -> Plan:
        found = sound(find(store, session, name))
        plan = Plan(f"checkpoint_{verb}")
        if not is_kept and found.pinned is None:
            return plan
        raw = indented({**found.info, "pinned": pins.pin(reason) if is_kept else None}).encode() + b"\n"
        plan.puts.append((KIND, f"{session}/{found.name}", raw))
        data = {"checkpoint_name": found.name, "session_id": session, "reason": reason}
        plan.events.append((stream, Draft(f"checkpoint_{verb}ned", dumps(data), session, acting_agent())))
        return plan

    known = once(stream, key, f"session checkpoint {verb}".encode(), session.encode(), name.encode(),
                 (reason or "").encode())  # fmt: skip
    receipts = store.transact([], build, lock_timeout(store, timeout), known)
    return find(store, session, name), bool(receipts) and receipts[0].replayed
