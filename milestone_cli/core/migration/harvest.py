"""What an importer found in another program's folder, in the terms of a store; and what it could not map."""

from milestone_cli.core import NO_SESSION
from milestone_cli.core.migration.tree import LOG
from milestone_cli.core.record import squeezed
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, dumps, loads, members, quote, skip
from milestone_cli.model import digest, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.migration.tree import Tree

    Facts = dict[str, object]
    Place = tuple[str, str]

SYSTEM = "system"
"""Who has logged what names no agent."""
BEFORE = "import-"
"""How the ids of events begin that were taken in."""
LINE = 1 << 20
"""Bytes of an event that is taken in."""
MANY, DOUBTFUL, SHORT = 10_000, 100, 1 << 12
"""After so many lines that are no event the rest of a log is left; after how many an event is sought only so far."""


class Entry:
    """An event of another log.

    Attributes:
        id: made of what it is, so taken in twice it is the same.
        type, data, session, agent: as a draft has them; `data` has `occurred_at`.
    """

    __slots__ = ("agent", "data", "id", "session", "type")

    def __init__(self, id_: str, type_: str, data: str, session: str, agent: str) -> None:
        self.id = id_
        self.type = type_
        self.data = data
        self.session = session
        self.agent = agent


class Harvest:
    """What was found.

    Attributes:
        kind: of the source, for people.
        documents: content by kind and key.
        states: of each milestone, its text, `active` or `completed`, and when it was saved.
        events: of each log, in order.
        left: what could not be mapped, and why.
        notes: what was done to make something fit.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.documents: dict[Place, bytes] = {}
        self.states: dict[str, tuple[bytes, str, str]] = {}
        self.events: dict[str, list[Entry]] = {}
        self.left: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self._seen: dict[str, int] = {}

    def leave(self, what: str, why: str) -> None:
        """Name something that is not taken in."""
        self.left.append((what, why))

    def add(self, stream: str, type_: str, data: str, at: str, session: str, agent: str) -> None:
        """Take an event into a log.

        Args:
            stream: the log.
            type_: of the event; one that cannot be a type becomes `imported`, and its data has it.
            data: JSON text; what is no object is put into one.
            at: when it happened, RFC 3339.
            session: that it belongs to.
            agent: who acted.
        """
        inner = squeezed(data.strip())  # an event is a line
        keys = {}
        if inner[:1] == "{":
            keys = {name: None for name, *_ in members(inner, 0)}
        else:
            inner = f'{{"value":{inner}}}' if inner not in ("", "null") else "{}"
        more = {"occurred_at": at} if at and "occurred_at" not in keys else {}
        if not is_type(type_):
            more["event_type"], type_ = type_, "imported"
        if more:
            rest = inner[1:].lstrip()
            inner = dumps(more)[:-1] + ("}" if rest == "}" else "," + rest)
        session = session if is_name(session) else NO_SESSION
        agent = agent if is_name(agent) else SYSTEM
        known = digest("\0".join([stream, type_, inner, session, agent]).encode())
        number = self._seen[known] = self._seen.get(known, 0) + 1  # the same event may have happened twice
        id_ = BEFORE + digest(f"{known}{number}".encode())[:32]
        self.events.setdefault(stream, []).append(Entry(id_, type_, inner, session, agent))


def is_name(name: object) -> bool:
    """Whether a value from outside can be a name."""
    try:
        return isinstance(name, str) and bool(safe(name))
    except MilestoneError:
        return False


def is_type(name: str) -> bool:
    """Whether a text can be the type of an event."""
    bare = name.replace("-", "").replace("_", "").replace(".", "").replace(":", "")
    return 0 < len(name) <= 128 and name[0].isalnum() and bare.isalnum() and bare.isascii()


def word(value: object) -> str:
    """A value that is a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> "Facts":
    """A value that is an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def lines(tree: "Tree", path: str, found: Harvest) -> "Iterator[tuple[dict[str, str], Facts]]":
    """The events of a file of JSON objects, one a line or each over several lines: texts of their members, and values.

    What is no event is named, once for each place.
    """
    try:
        text = tree.read(path, LOG).decode("utf-8", "surrogateescape")
    except MilestoneError as error:
        found.leave(path, error.message)
        return
    at, bad = 0, 0
    while (at := skip(text, at)) < len(text) and bad < MANY:
        ends = _ends(text, at, LINE if bad < DOUBTFUL else SHORT)
        for end in ends:
            try:
                one = check(text[at:end].encode(), LINE, "it")
            except (MilestoneError, UnicodeEncodeError):
                continue
            start = skip(one, 0)
            if one[start] == "{":
                yield {name: one[first:last] for name, _, first, last in members(one, start)}, mapping(loads(one))
            else:
                bad += 1
            break
        else:
            bad += 1
            end = ends[0]
        at = end
    if bad:
        found.leave(path, f"{bad} line{'s' * (bad > 1)} that {'are' if bad > 1 else 'is'} no event")


def _ends(text: str, at: int, reach: int) -> "list[int]":
    """Where an event may end that begins at a position: with its line, or with a brace that begins one within reach."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    brace = text.find("\n}", at, at + reach) if text[at:end].strip() == "{" else -1
    return [end] if brace < 0 else [end, brace + 2]


def take_events(tree: "Tree", path: str, stream: str, found: Harvest, session: str = NO_SESSION) -> None:
    """Take in a log of the bash utilities or of the reference architecture; `session` is whose its events are."""
    for texts, values in lines(tree, path, found):
        type_ = word(values.get("event_type")) or word(values.get("event"))
        if not type_:
            found.leave(path, "an event without a type")
            continue
        data = texts.get("data", "{}")
        whose, agent = word(values.get("session_id")) or session, word(values.get("agent_id")) or SYSTEM
        found.add(stream, type_, data, word(values.get("timestamp")), whose, agent)


def object_of(texts: "dict[str, str]") -> str:
    """An object of members that are JSON texts."""
    return "{" + ",".join(f"{quote(name)}:{text}" for name, text in texts.items()) + "}"
