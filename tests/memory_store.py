"""A second store behind the same contract, in memory: small enough to be read at one look, and in nothing like files.

It keeps the contract honest: what the conformance suite asks of both, a store in a database will be asked too.
"""

import threading

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError, completed, conflict
from milestone_cli.jsontext import dumps, loads, quote
from milestone_cli.model import GENESIS, OF_SESSION, Change, Document, Draft, Head, Plan, Receipt, digest, owner
from milestone_cli.storage.files.commit import whole
from milestone_cli.storage.files.envelope import parse_envelope
from milestone_cli.storage.revising import revise
from milestone_cli.storage.transactions import closed, opened, refused


class MemoryStore:
    """Documents, texts of revisions, logs and idempotency keys in dictionaries, under one lock."""

    path = ":memory:"
    segment_size = 0
    is_clock_shared = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        self.count = 0
        self._documents: dict[tuple[str, str], tuple[bytes, int]] = {}
        self._texts: dict[str, list[bytes]] = {}
        self._coming: dict[str, bytes] = {}  # texts of revisions whose event is not logged yet, by its id
        self._logs: dict[str, list[bytes]] = {}
        self._heads: dict[str, Head] = {}
        self._keys: dict[tuple[str, str], tuple[str, Receipt]] = {}

    def commit(self, change: Change) -> Receipt:
        with self._lock:
            name = change.milestone
            if known := self._known(name, change.key, change.request):
                return known
            if change.edit:
                self._replace(change)
            receipt = self._append_all(name, change.drafts, change.key, change.request)
            done = f"revision {receipt.revision}" if change.edit else f"event {receipt.sequence}"
            runtime.applied.append(f"{done} of '{name}'")
            self._tell()
            return receipt

    def _tell(self) -> None:
        self.count += 1
        self.changed.notify_all()

    def _known(self, stream: str, key: str, request: str) -> Receipt | None:
        known = self._keys.get((stream, key))
        if known and known[0] != request:
            raise MilestoneError("idempotency_conflict", "the key was used for a different request")
        if known:
            known[1].replayed = True
        return known[1] if known else None

    def _replace(self, change: Change) -> None:
        name, raw = change.milestone, self.get("active", change.milestone)
        if raw is None and self.get("completed", name) is not None:
            raise completed(name)
        current = self._heads[name].revision if raw is not None else 0
        if change.expect is not None and change.expect != current:
            raise conflict(name, change.expect, current)
        text = change.edit(None if raw is None else parse_envelope(raw, name).text)
        self._put("active", name, revise(self, name, text, change.drafts[0]))

    def transact(self, names, build, timeout, once=None) -> list[Receipt]:
        with self._lock:
            if once and (known := self._known(*once)):
                return [known]
            started = runtime.timestamp(runtime.now_ns())
            plan: Plan = build()
            plan.id = plan.id or runtime.new_transaction_id(runtime.now_ns())
            if plan.refused is not None:
                self._put("rollback", plan.id, dumps(refused(plan, started, started)).encode())
                raise plan.refused
            if not plan.puts and not plan.events:
                return []
            record = opened(self, plan, started, lambda kind, key: f"{kind}/{key}")
            for kind, key, data in plan.puts:
                self._put(kind, key, data)
            receipts = [
                self._append_all(
                    stream, [draft for name, draft in plan.events if name == stream],
                    *(once[1:] if once and once[0] == stream else ("", "")),
                )
                for stream in dict.fromkeys(stream for stream, _ in plan.events)
            ]  # fmt: skip
            done = closed(record, "committed", runtime.timestamp(runtime.now_ns()))
            self._put("committed", plan.id, dumps(done).encode())
            runtime.applied.append(f"the transaction {plan.id}")
            self._tell()
            return receipts

    def _put(self, kind: str, key: str, data: bytes | None) -> None:
        self._documents.pop((kind, key), None)
        if data is not None:
            self._documents[kind, key] = (data, runtime.now_ns())
        if kind == "active" and data is not None and (found := parse_envelope(data, key)).event:
            self._coming[str(found.event["event_id"])] = found.text

    def _append_all(self, name: str, drafts: list[Draft], key: str, request: str) -> Receipt:
        head = self._heads.setdefault(name, Head())
        first = head.sequence + 1
        for draft in drafts:
            self._append(name, head, draft)
        event = loads(self._logs[name][-1])
        receipt = Receipt(name, head.revision, head.state, first, head.sequence, event["event_id"], event["timestamp"])
        if key:
            self._keys[name, key] = (request, receipt)
        return receipt

    def _append(self, name: str, head: Head, draft: Draft) -> None:
        text = self._coming.pop(draft.event_id, None)
        if text is not None:
            self._texts.setdefault(name, []).append(text)
            head.revision, head.state = len(self._texts[name]), digest(text)
            draft.data = whole(draft.data, text)
        head.time = max(head.time, runtime.now_ns())
        head.sequence += 1
        body = (
            f'{{"timestamp":"{runtime.timestamp(head.time)}","milestone_id":{owner(name)}'
            f',"session_id":{quote(draft.session)},"event_type":"{draft.type}","data":{draft.data}'
            f',"pid":{runtime.getpid()},"user":"nobody","agent_id":{quote(draft.agent)}'
            f',"event_id":"{draft.event_id or runtime.new_event_id(head.time)}"'
            f',"revision":{head.revision},"sequence_number":{head.sequence}'
        ).encode()
        head.checksum = digest((head.checksum or GENESIS).encode() + body)
        self._logs.setdefault(name, []).append(body + f',"checksum":"{head.checksum}"}}\n'.encode())
        head.end += len(self._logs[name][-1])

    def get(self, kind: str, key: str) -> bytes | None:
        return self._documents.get((kind, key), (None, 0))[0]

    def note(self, kind: str, key: str, data: bytes | None) -> None:
        if data is None:
            return
        with self._lock:
            self._put(kind, key, data)
            self._tell()

    def clock(self) -> int:
        return runtime.now_ns()

    def keys(self, kind: str, under: str = "") -> list[str]:
        before = under and under + "/"
        return sorted(key for one, key in self._documents if one == kind and key.startswith(before))

    def modified(self, kind: str, key: str) -> int:
        return self._documents.get((kind, key), (None, 0))[1]

    def read(self, milestone: str, revision: int | None = None) -> Document:
        texts = self._texts.get(milestone, [])
        if revision is not None:
            if not 0 < revision <= len(texts):
                raise MilestoneError("revision_not_found", "there is no such revision")
            text = texts[revision - 1]
            logged = (loads(line) for line in self._logs[milestone] if b'"sha256"' in line)
            event = next(one for one in logged if one["data"].get("revision") == revision)
            return Document(text, revision, digest(text), event["timestamp"], event)
        raw = self.get("active", milestone) or self.get("completed", milestone)
        if raw is None:
            raise MilestoneError("not_found", "there is no such state")
        return parse_envelope(raw, milestone)

    def milestones(self) -> list[str]:
        return sorted(name for name in self._logs if name[0] != OF_SESSION)

    active = milestones

    def session_logs(self) -> list[str]:
        return sorted(name for name in self._logs if name[0] == OF_SESSION)

    def head(self, stream: str) -> Head | None:
        return self._heads.get(stream)

    def scan(self, stream, start=0, stop=None, *, backwards=False):
        whole = b"".join(self._logs.get(stream, []))[start:stop]
        if whole:
            yield start, whole

    def map_blocks(self, stream, start, stop, work):
        for _, block in self.scan(stream, start, stop):
            yield work(block)

    def seek(self, stream: str, ns: int) -> int:
        at = 0
        for line in self._logs.get(stream, []):
            if loads(line)["timestamp"] >= runtime.timestamp(ns):
                break
            at += len(line)
        return at

    def changes(self, streams, documents, locks):
        return Changes(self)

    def log_size(self, stream: str) -> tuple[int, int]:
        return sum(len(line) for line in self._logs.get(stream, [])), 1

    def log_path(self, stream: str) -> str:
        return ""

    def sealed(self, stream: str) -> list[tuple[int, int, int, int]]:
        return []

    def part(self, stream: str, origin: bytes, timeout: float) -> str:
        return ""

    def rewrite(self, stream, edits, tell, *, rehead: bool, timeout: float) -> Receipt:
        with self._lock:
            text = b"".join(self._logs[stream])
            for at, old, new in reversed(edits):
                if text[at : at + len(old)] != old:
                    raise MilestoneError("conflict", "the log is another one")
                text = text[:at] + new + text[at + len(old) :]
            self._logs[stream] = text.splitlines(keepends=True)
            self._heads[stream].end = len(text)
            return self._append_all(stream, tell("memory" if edits else ""), "", "")

    def pack(self, stream: str, timeout: float) -> tuple[int, int]:
        return 0, 0

    def lock_holder(self, name: str) -> None:
        return None

    def health(self):
        return iter(())

    def selftest(self):
        return iter(())

    def set_aside(self, kind: str, key: str, why: str, *, stays: bool = False) -> str:
        return "memory" if self._documents.pop((kind, key), None) else ""

    def config_identity(self) -> None:
        return None


class Changes:
    """Every change wakes everybody."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._seen = store.count

    def wait(self, timeout: float, reader: int = -1) -> None:
        with self._store.changed:
            self._store.changed.wait_for(lambda: self._store.count > self._seen, timeout)
            self._seen = self._store.count

    def close(self) -> None:
        pass
