"""What a result depends on: files by their content, each of them read again only when it may have changed.

What was hashed is remembered with size, times, inode and device, as git's index does. And with git's care: a file that
was changed so shortly before it was read that a change after the reading could bear the same time is not remembered,
so it is read again until its time lies behind.
"""

import os
import stat

from milestone_cli import runtime
from milestone_cli.core.cache import paths
from milestone_cli.model import digest, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from milestone_cli.storage.files.checksums import Checksums

    class Hash(Protocol):
        """SHA-256, from whichever module."""

        def update(self, data: bytes, /) -> None:
            """Take more."""
            ...

        def hexdigest(self) -> str:
            """All of it, 64 hexadecimal digits."""
            ...


RACY = 2 * 10**9
"""Nanoseconds in which two changes of a file may bear the same time; the coarsest file system (FAT) counts in two
seconds."""
BLOCK = 1 << 20
LARGE = 1 << 18
"""Bytes from which on importing `hashlib` pays."""
TRIES = 3
"""How often a file is read that changes meanwhile; then what was read last stands, and is not remembered."""
MISSING = "missing"
SPECIAL = "special"
"""In the place of a checksum: there is no such file; or none that has a content, such as a pipe or a device."""


class Inputs:
    """The files that some patterns mean, with the checksums of their contents.

    Attributes:
        patterns: as they were given, sorted, none twice.
        files: of each pattern, path and checksum (64 hexadecimal digits, `missing` or `special`), sorted by path; of
            a link to a folder the checksum of where it leads.
        program: checksum of the program; empty without one.
        read: how many files were read, and how many bytes; the others were known.
    """

    def __init__(
        self, patterns: "list[str]", base: str, checksums: "Checksums | None" = None, program: str = ""
    ) -> None:
        """Look at the files.

        Args:
            patterns: what means them, see `paths`.
            base: the folder, absolute, that relative ones begin in.
            checksums: what is remembered; None: nothing.
            program: absolute path of one more file, which is no pattern.

        Raises:
            OSError: when a file or a folder is there and cannot be read.
        """
        self.patterns = sorted(set(patterns))
        self.files: dict[str, list[tuple[str, str]]] = {}
        hasher = _Hasher(checksums)
        self.program = hasher.of(program) if program else ""
        for pattern in self.patterns:
            found = paths.find(pattern, base)
            self.files[pattern] = [(path, hasher.of(os.path.join(base, path))) for path in found]
        hasher.remember()
        self.read = (hasher.files, hasher.bytes)

    def sums(self) -> "dict[str, str]":
        """One checksum for each pattern: of the names that it means and their contents."""
        told = {}
        for pattern, files in self.files.items():
            text = "".join([f"{path}\0{sum_}\0" for path, sum_ in files])
            told[pattern] = digest(text.encode("utf-8", "surrogateescape"))
        return told

    def count(self) -> int:
        """How many files there are."""
        return len({path for files in self.files.values() for path, sum_ in files if sum_ != MISSING})

    def empty(self) -> "list[str]":
        """The patterns that mean no file that is there."""
        return [one for one, files in self.files.items() if all(sum_ == MISSING for _, sum_ in files)]


class _Hasher:
    """Finds checksums of files, remembered or anew."""

    def __init__(self, checksums: "Checksums | None") -> None:
        self.files = self.bytes = 0
        self._checksums = checksums
        self._known: dict[str, dict[bytes, tuple[bytes, bytes]]] = {}
        self._learnt: dict[str, None] = {}
        self._done: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The checksum of a file."""
        found = self._done.get(path)
        if found is None:
            found = self._done[path] = self._find(path)
        return found

    def _find(self, path: str) -> str:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        if stat.S_ISDIR(status.st_mode) and os.path.islink(path):
            return digest(b"link\0" + os.readlink(os.fsencode(path)))
        if not stat.S_ISREG(status.st_mode):
            return SPECIAL
        folder, _, leaf = path.rpartition("/")
        name = os.fsencode(leaf)
        if folder not in self._known:
            self._known[folder] = self._checksums.read(folder) if self._checksums else {}
        known = self._known[folder].get(name)
        if known and known[0] == _facts(status):
            return known[1].decode("ascii", "replace")
        try:
            found, facts = self._read(path)
        except FileNotFoundError:
            return MISSING
        if facts:
            self._known[folder][name] = (facts, found.encode())
        elif known:
            del self._known[folder][name]
        if facts or known:
            self._learnt[folder] = None
        return found

    def _read(self, path: str) -> "tuple[str, bytes]":
        """The checksum of a file that is read now, and what tells this version; empty when that would not tell."""
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            for _ in range(TRIES):
                now = runtime.now_ns()
                before = os.fstat(fd)
                found = self._hash(fd, before.st_size)
                after = os.fstat(fd)
                if _facts(before) == _facts(after):
                    is_settled = max(after.st_mtime_ns, after.st_ctime_ns) < now - RACY
                    return found, _facts(after) if is_settled else b""
                os.lseek(fd, 0, os.SEEK_SET)
            return found, b""
        finally:
            os.close(fd)

    def _hash(self, fd: int, size: int) -> str:
        hash_: Hash = sha256()
        if size > LARGE:
            import hashlib

            hash_ = hashlib.sha256()
        self.files += 1
        while block := os.read(fd, BLOCK):
            hash_.update(block)
            self.bytes += len(block)
        return hash_.hexdigest()

    def remember(self) -> None:
        """Keep what was learnt; what is gone from a folder is forgotten with it."""
        if self._checksums is None:
            return
        for folder in self._learnt:
            known = self._known[folder]
            try:
                there = set(os.listdir(os.fsencode(folder or "/")))
            except OSError:
                continue
            self._checksums.write(folder, {name: facts for name, facts in known.items() if name in there})


def _facts(status: os.stat_result) -> bytes:
    """What tells one version of a file from another."""
    told = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    return b"%d %d %d %d %d" % told
