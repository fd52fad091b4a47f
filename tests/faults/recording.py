"""A command's system calls played into a model of a file system, which promises as little as POSIX does.

`fsync` of a file keeps its bytes and its length; only `fsync` of a folder keeps the names in it.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate"
LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (\d+)")
FIELD = re.compile(r'(?:(\d+|AT_FDCWD)<((?:\\x..)*)>|"((?:\\x..)*)"|0x[0-9a-f]+|(-?\d+))')
LOCKS = ".locks"


@dataclass
class Node:
    """A file, or a folder when it has entries; `mode` is its permissions."""

    data: bytes = b""
    entries: "dict[str, int] | None" = None
    mode: int = 0o600


@dataclass
class Step:
    """One change: of entries (folder, name, node or None), or of bytes (node, offset, data); data None: cut there.

    `places` are the nodes whose sync makes it last; `is_lock` says that nothing depends on it.
    """

    places: frozenset[int]
    names: list[tuple[int, str, int | None]] = field(default_factory=list)
    write: tuple[int, int, bytes | None] | None = None
    is_lock: bool = False


@dataclass
class Recording:
    """Nodes as they were before, and what happened: a step, the node that was synced, or None: acknowledged."""

    nodes: dict[int, Node]
    made: dict[int, Node]
    happened: list[Step | int | None]


class Recorder:
    """Plays a trace into a model, which is whole at every moment, and notes the steps."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.nodes: dict[int, Node] = {0: Node(entries={})}
        self._load(root / ".milestones", 0, {})
        self.before = {number: Node(node.data, spare(node.entries), node.mode) for number, node in self.nodes.items()}
        self.made: dict[int, Node] = {}
        self.happened: list[Step | int | None] = []
        self._files: dict[str, int] = {}
        self._at: dict[str, int | None] = {}

    def _load(self, path: Path, above: int, known: dict[int, int]) -> None:
        if not path.exists():
            return
        status = path.stat()
        number = known.get(status.st_ino, len(self.nodes))
        entries = self.nodes[above].entries
        assert entries is not None
        entries[path.name] = number
        if number not in self.nodes:
            known[status.st_ino] = number
            mode = status.st_mode & 0o7777
            self.nodes[number] = Node(entries={}, mode=mode) if path.is_dir() else Node(path.read_bytes(), None, mode)
            if path.is_dir():
                for child in path.iterdir():
                    self._load(child, number, known)

    def _find(self, path: str) -> "tuple[int, str, int | None] | None":
        """Folder, name and node of a path; None when it is not of the store."""
        parts = Path(os.path.normpath(path)).parts
        top = self._root.parts
        if parts[: len(top)] != top or (len(parts) > len(top) and parts[len(top)] != ".milestones"):
            return None
        at = 0
        for part in parts[len(top) : -1]:
            entries = self.nodes[at].entries
            if entries is None or part not in entries:
                return None
            at = entries[part]
        entries = self.nodes[at].entries
        if len(parts) == len(top) or entries is None:
            return (0, "", 0) if len(parts) == len(top) else None
        return at, parts[-1], entries.get(parts[-1])

    def play(self, trace: str) -> None:
        """Take a trace of `strace -y -xx`, the calls of its first process."""
        first = trace.partition(" ")[0]
        for line in trace.splitlines():
            match = LINE.match(line)
            if match and match[1] == first:
                fields = [
                    (one[1], _text(one[2])) if one[1] else ("", _text(one[3])) if one[3] is not None else ("", one[0])
                    for one in FIELD.finditer(match[3])
                ]
                paths = {one[1]: _text(one[2]) for one in FIELD.finditer(match[3]) if one[1]}
                self._call(match[2], match[3], fields, paths, match[4])

    def _call(self, call: str, raw: str, fields: list[tuple[str, str]], paths: dict[str, str], result: str) -> None:
        words = [value for _, value in fields]
        fds = [fd for fd, _ in fields]
        if call == "openat":
            self._open(os.path.join(words[0], words[1]), raw, result)
        elif call in ("fsync", "fdatasync"):
            if fds[0] in self._files:
                self.happened.append(self._files[fds[0]])
        elif call in ("write", "pwrite64"):
            self._write(fds[0], words[1].encode("latin-1"), int(words[3]) if call == "pwrite64" else None)
        elif call == "ftruncate" and fds[0] in self._files:
            self._change(self._files[fds[0]], int(words[1]), None)
        elif call in ("mkdirat", "mkdir", "unlinkat", "unlink", "rmdir"):
            path = os.path.join(*words[:2]) if call.endswith("at") else words[0]
            found = self._find(path)
            if found and found[1]:
                made = (
                    self._make(Node(entries={}, mode=0o1700 if "01" in raw[-6:] else 0o700)) if "mk" in call else None
                )
                self._name([(found[0], found[1], made)], path)
        elif call.startswith(("rename", "link")):
            old, new = (os.path.join(*words[:2]), os.path.join(*words[2:4])) if call != "rename" else words[:2]
            source, target = self._find(old), self._find(new)
            if source and target:
                gone = [(source[0], source[1], None)] if call.startswith("rename") else []
                self._name([(target[0], target[1], source[2]), *gone], new)

    def _open(self, path: str, flags: str, result: str) -> None:
        found = self._find(path)
        self._files.pop(result, None)
        if found is None:
            return
        number = found[2]
        if number is None:
            number = self._make(Node(mode=0o600))
            self._name([(found[0], found[1], number)], path)
        self._files[result] = number
        self._at[result] = None if "O_APPEND" in flags else 0

    def _make(self, node: Node) -> int:
        number = len(self.nodes)
        self.nodes[number] = node
        self.made[number] = Node(node.data, spare(node.entries), node.mode)
        return number

    def _name(self, changes: list[tuple[int, str, int | None]], path: str) -> None:
        self.happened.append(Step(frozenset(one[0] for one in changes), names=changes, is_lock=LOCKS in path))
        for folder, name, node in changes:
            enter(self.nodes, folder, name, node)

    def _write(self, fd: str, data: bytes, offset: int | None) -> None:
        if fd == "1":
            self.happened.append(None)
        elif fd in self._files:
            number, at = self._files[fd], self._at[fd]
            start = offset if offset is not None else len(self.nodes[number].data) if at is None else at
            if offset is None and at is not None:
                self._at[fd] = start + len(data)
            self._change(number, start, data)

    def _change(self, number: int, offset: int, data: bytes | None) -> None:
        self.happened.append(Step(frozenset([number]), write=(number, offset, data)))
        put(self.nodes[number], offset, data)


def spare(entries: "dict[str, int] | None") -> "dict[str, int] | None":
    return None if entries is None else dict(entries)


def _text(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal.replace("\\x", "")).decode("latin-1")


def enter(nodes: dict[int, Node], folder: int, name: str, node: int | None) -> None:
    entries = nodes[folder].entries
    assert entries is not None
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def put(node: Node, offset: int, data: bytes | None) -> None:
    if data is None:
        node.data = node.data[:offset].ljust(offset, b"\0")
    else:
        node.data = node.data[:offset].ljust(offset, b"\0") + data + node.data[offset + len(data) :]
