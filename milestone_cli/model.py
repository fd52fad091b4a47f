"""The records that the floors hand to each other, and what every name and checksum in them keeps to.

Plain classes with `__slots__`, because dataclasses cost more instructions than the whole start of Python.
"""

import sys

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256 as sha256  # noqa: PLC0414 - others import it from here
elif sys.version_info >= (3, 12):
    from _sha2 import sha256
else:
    from _sha256 import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

    from milestone_cli.plan import Plan as Plan  # noqa: PLC0414 - named here for everybody

    Edit = tuple[int, bytes, bytes]
    """Of a log: offset, the bytes that stand there, and what shall stand there."""

GENESIS = "0" * 64
"""The checksum before the first line of a log."""
OF_SESSION = "@"
"""How the name of a log begins that is a session's own; no milestone's name can."""
LIMIT = 64 << 20
"""Largest document, in bytes."""


def digest(data: bytes) -> str:
    """SHA-256, 64 hexadecimal digits; importing `hashlib` pays from a quarter of a megabyte on."""
    if len(data) > 1 << 18:
        import hashlib

        return hashlib.sha256(data).hexdigest()
    return sha256(data).hexdigest()


def is_hex(value: object, digits: int) -> "TypeGuard[str]":
    """Whether a value from outside is so many hexadecimal digits, as a checksum is 64."""
    return isinstance(value, str) and len(value) == digits and not value.strip("0123456789abcdef")


def is_count(value: object) -> "TypeGuard[int]":
    """Whether a value from outside can be a sequence number, a revision or an offset: from 0 to below 2**63."""
    return type(value) is int and 0 <= value < 1 << 63


def safe(name: str, what: str = "milestone") -> str:
    """Let a name through that is safe as a file name everywhere, unchanged.

    Raises:
        MilestoneError: `invalid_name` unless it is `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` without `..`.
    """
    bare = name.replace("-", "").replace("_", "").replace(".", "")
    if 0 < len(name) <= 128 and name[0].isalnum() and bare.isalnum() and bare.isascii() and ".." not in name:
        return name
    raise MilestoneError(
        "invalid_name",
        f"'{name[:140]}' is not a valid {what} name",
        "use 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit, and no '..'",
        name=name[:140],
    )


def log_of(session: str) -> str:
    """The name of a session's own log, where what it does goes when it has no milestone."""
    return OF_SESSION + session


def owner(stream: str) -> str:
    """The milestone that a log belongs to, as JSON; `null` where it is a session's own."""
    return "null" if stream[:1] == OF_SESSION else f'"{stream}"'


def sound_stream(stream: str) -> None:
    """Let the name of a log through.

    Raises:
        MilestoneError: `invalid_name`.
    """
    safe(stream.removeprefix(OF_SESSION))


def size_of(value: str) -> int:
    """A size as it is typed, `64M`, in bytes; 0 for what is none."""
    shift = {"K": 10, "M": 20, "G": 30}.get(value[-1:], 0)
    digits = value[:-1] if shift else value
    return int(digits) << shift if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


class Draft:
    """An event before the store has given it time, sequence number and checksum.

    Attributes:
        type: event type, `[A-Za-z0-9][A-Za-z0-9._:-]{0,127}`.
        data: text of a JSON object.
        session: session id, `no-session` where there is none.
        agent: who acts, `system` where nobody says.
        event_id: given when it is known beforehand, for a state's own event.
    """

    __slots__ = ("agent", "data", "event_id", "session", "type")

    def __init__(self, type_: str, data: str, session: str, agent: str, event_id: str = "") -> None:
        self.type = type_
        self.data = data
        self.session = session
        self.agent = agent
        self.event_id = event_id


class Change:
    """One mutation: at most one document, and the events that go with it, all or nothing.

    Attributes:
        milestone: whose document and log.
        drafts: events; with `edit`, the first one is the state's own and its data is filled in by the store.
        edit: makes the new text from the old one (None where there is none), under the lock.
        expect: the revision that must be current; 0 means that there must be no document.
        key: idempotency key, or the empty string.
        request: 16 hexadecimal digits that tell one request from another under the same key.
        timeout: seconds to wait for a lock.
    """

    __slots__ = ("drafts", "edit", "expect", "key", "milestone", "request", "timeout")

    def __init__(
        self,
        milestone: str,
        drafts: "list[Draft]",
        edit: "Callable[[bytes | None], bytes] | None" = None,
        expect: "int | None" = None,
        key: str = "",
        request: str = "",
        timeout: float = 30.0,
    ) -> None:
        self.milestone = milestone
        self.drafts = drafts
        self.edit = edit
        self.expect = expect
        self.key = key
        self.request = request
        self.timeout = timeout


class Receipt:
    """What a commit did; everything in it is on disk.

    Attributes:
        sequence: sequence number of the last event; `first` of the first one.
        replayed: the idempotency key was known, so nothing was done now.
        notes: what was repaired on the way, sentences for standard error.
    """

    __slots__ = ("event_id", "first", "milestone", "notes", "replayed", "revision", "sequence", "sha256", "timestamp")

    def __init__(
        self, milestone: str, revision: int, sha256: str, first: int, sequence: int, event_id: str, timestamp: str
    ) -> None:
        self.milestone = milestone
        self.revision = revision
        self.sha256 = sha256
        self.first = first
        self.sequence = sequence
        self.event_id = event_id
        self.timestamp = timestamp
        self.replayed = False
        self.notes: list[str] = []


class Document:
    """A state as it was read.

    Attributes:
        text: the user's text, verbatim, UTF-8.
        revision: the revision it is, or follows when `outside`.
        sha256: of `text`, hexadecimal.
        timestamp: when it was saved, RFC 3339.
        outside: something other than `milestone` changed it, and that is not recorded yet.
        event: the event that belongs to it, as its envelope carries it; None where another program wrote it.
        identity: what tells this version of the file from another, for a fence; empty elsewhere.
    """

    __slots__ = ("event", "identity", "outside", "revision", "sha256", "text", "timestamp")

    def __init__(
        self, text: bytes, revision: int, sha256: str, timestamp: str, event: "dict[str, object] | None"
    ) -> None:
        self.text = text
        self.revision = revision
        self.sha256 = sha256
        self.timestamp = timestamp
        self.event = event
        self.outside = False
        self.identity: tuple[int, ...] = ()


class Head:
    """Where a log stands: what appending in constant time needs, and what notices a cut tail.

    Attributes:
        sequence: of the last line of ours; 0 before the first.
        checksum: of that line; `GENESIS` before the first.
        end: offset in the log behind that line, or behind what stood there when it was last looked at.
        inode: of the log.
        time: of that line, nanoseconds since 1970.
        revision: of the milestone's state; 0 before the first.
        state: SHA-256 of the text of that revision, or the empty string.
        base: the newest revision whose whole text the log holds, 0 for none; `base_sequence`, its line.
        spliced: bytes of splices since.
        keys: how many idempotency keys were ever kept.
    """

    __slots__ = ("base", "base_sequence", "checksum", "end", "inode", "keys", "revision", "sequence", "spliced",
                 "state", "time")  # fmt: skip

    def __init__(self) -> None:
        self.sequence = 0
        self.checksum = GENESIS
        self.end = 0
        self.inode = 0
        self.time = 0
        self.revision = 0
        self.state = ""
        self.base = 0
        self.base_sequence = 0
        self.spliced = 0
        self.keys = 0


def __getattr__(name: str) -> object:
    """`Plan`, which no hot command needs: making a class costs every one of them 1 % of what it may take."""
    if name != "Plan":
        raise AttributeError(name)
    from milestone_cli import plan

    globals()[name] = plan.Plan
    return plan.Plan
