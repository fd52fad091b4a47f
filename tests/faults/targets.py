"""Everything that parses, each as a function of bytes that must keep its promise whatever the bytes are.

No exception other than MilestoneError, and where another implementation can be asked, the same answer. A broken
promise is an AssertionError, or whatever else comes out.
"""

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from milestone_cli import jsontext, runtime, splice, timestamps
from milestone_cli.cli import read as read_words
from milestone_cli.core import bound_session, document, events, session_record, state, times
from milestone_cli.core.configuration import reading
from milestone_cli.core.log import cursor, repair
from milestone_cli.core.log.filters import Filter
from milestone_cli.core.log.query import Parser, query
from milestone_cli.core.log.verify import verify
from milestone_cli.core.sessions import edits
from milestone_cli.core.states import patch
from milestone_cli.core.states.compare import compare
from milestone_cli.errors import MilestoneError
from milestone_cli.model import digest, safe
from milestone_cli.storage.files import FileStore, envelope, layout
from milestone_cli.storage.files.log import parse_head
from milestone_cli.storage.files.rollforward import finish_pending
from milestone_cli.storage.files.segments import parse_seal

LIMIT = 1 << 16
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
DEADLINE = float("inf")


class Refused(ValueError):  # noqa: N818 - nothing failed
    """The reference implementation takes it for no JSON of ours."""


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused
    return found


def _constant(_: str) -> object:
    raise Refused


def _depth(value: object) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(_depth, below), default=0)


def reference(raw: bytes) -> object:
    """What the json module makes of a document, by our rules; Refused where it is none."""
    try:
        text = raw.decode()
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_int=str, parse_float=str)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refused from error
    if _depth(value) > jsontext.DEPTH:
        raise Refused
    return value


def json_check(raw: bytes) -> None:
    """A document is taken exactly when the json module takes it, without what cannot be kept; and kept as it is."""
    try:
        wanted = reference(raw)
    except Refused:
        wanted = Refused
    try:
        text = jsontext.check(raw, LIMIT)
    except MilestoneError:
        assert wanted is Refused or len(raw) > LIMIT, "a sound document was refused"
        return
    assert wanted is not Refused, "an unsound document was taken"
    assert text.encode() == raw
    at = jsontext.skip(text, 0)
    if text[at] in "{[":
        spans = jsontext.members(text, at)
        below = list(wanted.values()) if isinstance(wanted, dict) else wanted
        assert [reference(text[start:end].encode()) for _, _, start, end in spans] == below


def json_loads(raw: bytes) -> None:
    """Our own records: what is read is what the json module reads, and writing it gives it back."""
    try:
        value = jsontext.loads(raw)
    except ValueError:
        return
    with contextlib.suppress(RecursionError):
        assert repr(json.loads(raw)) == repr(value)
        if re.search(r"\binf\b", repr(value)):
            return  # 1e999, which we never write
        with contextlib.suppress(UnicodeEncodeError):
            jsontext.dumps(value).encode()
            assert repr(jsontext.loads(jsontext.dumps(value))) == repr(value)


def splices(raw: bytes) -> None:
    """A difference makes the new text out of the old one; and what is no splice is refused."""
    old, _, new = raw.decode("utf-8", "ignore").partition("\0")
    assert splice.apply(old.encode(), splice.diff(old.encode(), new.encode())) == new.encode()
    with contextlib.suppress(ValueError):
        given = jsontext.loads(new)
        if isinstance(given, list):
            splice.changed(given)
            splice.apply(old.encode(), given)


def envelopes(raw: bytes) -> None:
    """A state's file is read or said to be damaged; ours only when its checksum proves it."""
    with contextlib.suppress(MilestoneError):
        found = envelope.parse_envelope(raw, "demo")
        assert digest(found.text) == found.sha256
    text = raw.decode("utf-8", "ignore").encode()
    made = envelope.compose("2026-11-21T12:00:00.000000Z", "demo", 7, digest(text), "{}", text)
    assert envelope.parse_envelope(made, "demo").text == text


def heads(raw: bytes) -> None:
    """A head proves itself or is none."""
    assert parse_head(raw) is None or digest(raw.rpartition(b',"sum":"')[0])[:16].encode() in raw
    body = raw.rstrip(b" \n")
    parse_head(body + b',"sum":"' + digest(body)[:16].encode() + b'"}')


def paths(raw: bytes) -> None:
    """What was set is found, and the document stays one."""
    text, path, value = ([*raw.decode("utf-8", "ignore").split("\0"), "", "", ""])[:3]
    with contextlib.suppress(MilestoneError):
        text = jsontext.check(text.encode(), LIMIT)
        with contextlib.suppress(MilestoneError):
            document.find(text, path)
        value = document.value_text(value)
        after = document.assign(text, path, value)
        assert reference(document.find(after, path).encode()) == reference(value.encode())
        reference(after.encode())


def patches(raw: bytes) -> None:
    """A patch is refused, or leaves a document; a merge patch does what RFC 7396 says."""
    old, _, change = raw.partition(b"\0")
    with contextlib.suppress(MilestoneError):
        text = jsontext.check(old, LIMIT)
        with contextlib.suppress(MilestoneError):
            reference(patch.parse_patch(change, "json")[0](text).encode())
        merged = patch.parse_patch(change, "merge")[0](text)
        assert reference(merged.encode()) == _merge(reference(old), reference(change))
        compare(old, merged.encode())


def _merge(target: object, change: object) -> object:
    """RFC 7396, section 2."""
    if not isinstance(change, dict):
        return change
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


def moments(raw: bytes) -> None:
    """Times and durations are read or refused; RFC 3339 as `datetime` reads it."""
    text = raw.decode("utf-8", "replace")
    for parse in (lambda: times.parse(text, 1_700_000_000 * 10**9), lambda: times.duration(text)):
        with contextlib.suppress(MilestoneError):
            parse()
    timestamps.parse_ns(text)


def names(raw: bytes) -> None:
    """Exactly the names of the contract are let through."""
    text = raw.decode("utf-8", "replace")
    try:
        safe(text)
    except MilestoneError:
        assert not NAME.fullmatch(text) or ".." in text, "a good name was refused"
    else:
        assert NAME.fullmatch(text), "a bad name was let through"
        assert ".." not in text


def configurations(raw: bytes) -> None:
    """config.yaml is read or refused."""
    if len(raw) < 2000:
        with contextlib.suppress(MilestoneError):
            reading.parse(raw)


def command_lines(raw: bytes) -> None:
    """The strict reader takes a line or leaves it to Typer."""
    found = read_words(raw.decode("utf-8", "replace").split("\0"))
    assert found is None or len(found) == 4


class Place:
    """A store in memory, made anew for what needs files."""

    def __init__(self) -> None:
        runtime.sleep = lambda seconds: None  # nobody comes, however long we wait
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = Path(tempfile.mkdtemp(prefix="milestone-fuzz-", dir=where))
        (self.home / ".milestones").mkdir()
        self.store = FileStore(str(self.home / ".milestones"))
        self.store.initialise(None)
        self.root = self.home / ".milestones"

    def put(self, folder: str, name: str, data: bytes) -> Path:
        path = self.root / folder / name
        path.write_bytes(data)
        return path

    def clear(self) -> None:
        for folder in (layout.EVENTS, layout.LOCKS, layout.PENDING, layout.ACTIVE, layout.QUARANTINE, layout.SESSIONS):
            for path in (self.root / folder).iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        assert sorted(path.name for path in self.home.iterdir()) == [".milestones"], "something left the store"


_place: list[Place] = []


def place() -> Place:
    """The store of this process."""
    if not _place:
        _place.append(Place())
    return _place[0]


def logs(raw: bytes) -> None:
    """A log of anything is judged, and the next event is chained behind it whole."""
    here = place()
    try:
        log, _, head = raw.partition(b"\0")
        path = here.put(layout.EVENTS, layout.log_file("demo"), log)
        if head:
            here.put(layout.EVENTS, layout.head_file("demo"), head)
        with contextlib.suppress(MilestoneError):
            verify(here.store, "demo")
        events.log(here.store, "demo", [("ping", b'{"n": 1}')])
        last = json.loads(path.read_bytes().split(b"\n")[-2])
        assert last["data"] == {"n": 1}
        assert path.read_bytes().startswith(log), "what stood in the log was changed"
        assert not {finding.code for finding in verify(here.store, "demo").findings} & {"torn_tail"}
    finally:
        here.clear()


def states(raw: bytes) -> None:
    """A state whose file carries an event of anything is saved over, and log and state agree."""
    here = place()
    try:
        event, _, whole = raw.partition(b"\0")
        try:
            text = jsontext.check(event, LIMIT)
        except MilestoneError:
            text = "{}"
        made = envelope.compose("2026-11-21T12:00:00.000000Z", "demo", 1, digest(b"[1]"), text, b"[1]")
        here.put(layout.ACTIVE, layout.state_file("demo"), whole or made)
        with contextlib.suppress(MilestoneError):
            state.save(here.store, "demo", b"[2]")
            assert here.store.read("demo").text == b"[2]"
            assert not verify(here.store, "demo").findings
            assert here.store.read("demo", 1).text == (b"[1]" if not whole else here.store.read("demo", 1).text)
    finally:
        here.clear()


def locks(raw: bytes) -> None:
    """Lock files of anything are shown, and waited for or broken."""
    here = place()
    try:
        owner, pid, acquired, flock = ([*raw.split(b"\0"), b"", b"", b"", b""])[:4]
        folder = here.root / layout.LOCKS / layout.lock_folder("demo")
        folder.mkdir(mode=0o1700 if len(raw) % 2 else 0o700)
        for name, data in (("owner", owner), ("pid", pid), ("acquired", acquired)):
            if data:
                (folder / name).write_bytes(data)
        here.put(layout.LOCKS, layout.flock_file("demo"), flock)
        shown = here.store.locks().show("demo")
        assert shown is None or shown["name"] == "demo"
        with contextlib.suppress(MilestoneError):
            here.store.locks().hold("demo", 0.0).let_go()
    finally:
        here.clear()


def intents(raw: bytes) -> None:
    """A transaction's record of anything leads nowhere out of the store."""
    here = place()
    try:
        here.put(layout.PENDING, "txn-0123456789abcdef.yaml", raw)
        with contextlib.suppress(MilestoneError):
            finish_pending(here.store, DEADLINE)
    finally:
        here.clear()


def records(raw: bytes) -> None:
    """A session's record of anything, and what `.current_session` may hold."""
    here = place()
    try:
        here.put(layout.SESSIONS, "s.json", raw)
        here.put("state", layout.CURRENT, raw)
        session_record(here.store, "s")
        with contextlib.suppress(MilestoneError):
            bound_session(here.store, None)
    finally:
        (here.root / "state" / layout.CURRENT).unlink(missing_ok=True)
        here.clear()


def seals(raw: bytes) -> None:
    """A seal of a part of a log proves itself or is none."""
    assert parse_seal(raw) is None or digest(raw.rpartition(b',"sum":"')[0])[:16].encode() in raw
    body = raw.rstrip(b" \n")
    found = parse_seal(body + b',"sum":"' + digest(body)[:16].encode() + b'"}')
    assert found is None or parse_seal(found.text()) is not None


def cursors(raw: bytes) -> None:
    """A cursor names places, and is written as it was read; no place of it is outside of a log."""
    text = raw.decode("utf-8", "ignore")
    with contextlib.suppress(MilestoneError):
        places, every = cursor.read(text)
        assert cursor.read(cursor.write(places, every=every))[0].keys() == places.keys()


def queries(raw: bytes) -> None:
    """Whatever is looked for in whatever log, what is found stands there; the same backwards, but for doubled ids.

    Of lines under one id the first that is come across is shown, and only in a damaged log are they not the same line.
    """
    here = place()
    try:
        log, where, text, type_ = ([*raw.split(b"\0"), b"", b"", b""])[:4]
        here.put(layout.EVENTS, layout.log_file("demo"), log)
        words = [part.decode("utf-8", "ignore") for part in (where, text, type_)]
        with contextlib.suppress(MilestoneError):
            options = {"where": [words[0]] if words[0] else None, "text": words[1] or None, "limit": 0}
            types = [words[2]] if words[2] else None
            found = list(query(here.store, "demo", Filter(types, **options), Parser()))  # type: ignore[arg-type]
            assert all(line in log for line in found)
            turned = Filter(types, reverse=True, **options)  # type: ignore[arg-type]
            backwards = list(query(here.store, "demo", turned, Parser()))
            assert all(line in log for line in backwards)
            ids = re.findall(rb'"event_id": ?"([^"]*)"', log)
            assert sorted(backwards) == sorted(found) or len(ids) != len(set(ids))
    finally:
        here.clear()


def mendings(raw: bytes) -> None:
    """A log of anything is repaired as far as can be proved; nothing that proves itself goes, a second time is idle."""
    here = place()
    store = FileStore(str(here.root))  # its own, since the folder in the quarantine that it knows goes
    try:
        here.put(layout.EVENTS, layout.log_file("demo"), raw)
        with contextlib.suppress(MilestoneError):
            before = verify(store, "demo")
            after = repair.run(store, repair.plan(store, "demo"))[2]
            assert after.events >= before.events
            assert not repair.plan(store, "demo").of("mend")
    finally:
        store.close()
        here.clear()


def pages(raw: bytes) -> None:
    """What people wrote into a session's page is taken or refused, within bounds."""
    with contextlib.suppress(MilestoneError):
        for text in edits.parse(raw, "s"):
            jsontext.check(text.encode(), LIMIT * 4)


TARGETS: list[Callable[[bytes], None]] = [
    json_check, json_loads, splices, envelopes, heads, paths, patches, moments, names, configurations, command_lines,
    logs, states, locks, intents, records, seals, cursors, queries, mendings, pages,
]  # fmt: skip


def run(data: bytes) -> None:
    """One input: its first byte chooses what it is for."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])
