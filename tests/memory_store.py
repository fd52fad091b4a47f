"""A second store behind the same contract, in memory: small enough to be read at one look, and in nothing like files.

It keeps the contract honest: what the conformance suite asks of both, a store in a database will be asked too.
"""

import threading

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads, quote
from milestone_cli.model import GENESIS, Change, Document, Head, Receipt, digest


class MemoryStore:
    """States, logs and idempotency keys in dictionaries, under one lock."""

    path = ":memory:"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, list[bytes]] = {}
        self._logs: dict[str, list[bytes]] = {}
        self._heads: dict[str, Head] = {}
        self._keys: dict[tuple[str, str], tuple[str, Receipt]] = {}

    def commit(self, change: Change) -> Receipt:
        with self._lock:
            name = change.milestone
            if change.key and (known := self._keys.get((name, change.key))):
                if known[0] != change.request:
                    raise MilestoneError("idempotency_conflict", "the key was used for a different request")
                known[1].replayed = True
                return known[1]
            head = self._heads.get(name, Head())
            if change.edit:
                self._put(change, head)
            self._heads[name] = head
            first = head.sequence + 1
            for draft in change.drafts:
                self._append(name, head, draft, change)
            event = loads(self._logs[name][-1])
            receipt = Receipt(
                name, head.revision, head.state, first, head.sequence, event["event_id"], event["timestamp"]
            )
            if change.key:
                self._keys[name, change.key] = (change.request, receipt)
            return receipt

    def _put(self, change: Change, head: Head) -> None:
        texts = self._texts.get(change.milestone, [])
        if change.expect is not None and change.expect != head.revision:
            raise MilestoneError("revision_conflict", f"it is at revision {head.revision}, not {change.expect}")
        text = change.edit(texts[-1] if texts else None)
        self._texts[change.milestone] = [*texts, text]
        head.revision += 1
        head.state = digest(text)
        change.drafts[0].data = dumps(
            {"revision": head.revision, "base": head.revision, "sha256": head.state, "text": text.decode()}
        )

    def _append(self, name: str, head: Head, draft, change: Change) -> None:
        head.time = max(head.time, runtime.now_ns())
        head.sequence += 1
        body = (
            f'{{"timestamp":"{runtime.timestamp(head.time)}","milestone_id":"{name}"'
            f',"session_id":{quote(draft.session)},"event_type":"{draft.type}","data":{draft.data}'
            f',"pid":{runtime.getpid()},"user":"nobody","agent_id":{quote(draft.agent)}'
            f',"event_id":"{runtime.new_event_id(head.time)}"'
            f',"revision":{head.revision},"sequence_number":{head.sequence}'
        ).encode()
        head.checksum = digest((head.checksum or GENESIS).encode() + body)
        self._logs.setdefault(name, []).append(body + f',"checksum":"{head.checksum}"}}\n'.encode())
        head.end += len(self._logs[name][-1])

    def read(self, milestone: str, revision: int | None = None) -> Document:
        texts = self._texts.get(milestone, [])
        if revision is not None and not 0 < revision <= len(texts):
            raise MilestoneError("revision_not_found", "there is no such revision")
        if not texts:
            raise MilestoneError("not_found", "there is no such state")
        number = revision or len(texts)
        text = texts[number - 1]
        return Document(text, number, digest(text), "", None)

    def milestones(self) -> list[str]:
        return sorted(self._logs)

    active = milestones

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

    def log_size(self, stream: str) -> tuple[int, int]:
        return sum(len(line) for line in self._logs.get(stream, [])), 1

    def state_file(self, milestone: str) -> str:
        return milestone

    def lock_holder(self, name: str) -> None:
        return None

    def health(self):
        return iter(())

    def selftest(self):
        return iter(())

    def set_aside(self, kind: str, key: str, why: str) -> str:
        return ""

    def bound_session(self, client: str | None) -> None:
        return None

    def session(self, name: str) -> dict[str, object]:
        return {}

    def config_identity(self) -> None:
        return None
