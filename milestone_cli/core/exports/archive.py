"""The archive of a store as the source of a copy: `copying.run(Archive(path), target)` imports it.

It is checked as a whole when it is opened: manifest, names and every checksum. What it says of itself decides nothing
about where something is written: kinds and keys must be sound, and each member is looked for under the one path that
belongs to them.
"""

from milestone_cli.core.exports import form
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import loads
from milestone_cli.model import Head, is_count, is_hex, sound_stream
from milestone_cli.storage.files import layout
from milestone_cli.storage.origin import Origin, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from tarfile import TarInfo
    from typing import IO, Any

    from milestone_cli.storage.contract import Store

    Place = tuple[str, str]

LARGEST = 256 << 20
"""Bytes that a manifest may have."""
PIECE = 1 << 20


class Archive:
    """An archive that proves itself.

    Attributes:
        path: of the file.
    """

    frozen = None
    moved = None

    def __init__(self, path: str) -> None:
        """Open and check it.

        Raises:
            MilestoneError: `not_found`, `damaged`, `newer_format`.
        """
        self.path = path
        self._documents: dict[Place, tuple[TarInfo, int]] = {}
        self._logs: dict[str, tuple[TarInfo, dict[str, Any]]] = {}
        import tarfile
        import zlib

        self._file: IO[bytes] | None = None
        try:
            self._file = _opened(path)
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 - `close` closes it
            self._read()
        except MilestoneError:
            self.close()
            raise
        except OSError as error:
            self.close()
            if error.strerror is None:  # of gzip
                raise _damaged(path, str(error)[:200]) from None
            raise MilestoneError(
                "not_found", f"cannot read '{path[:300]}': {error.strerror}", "name a file that can be read"
            ) from None
        except (zlib.error, tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AssertionError) as error:
            self.close()
            raise _damaged(path, str(error)[:200] or "it is cut off") from None

    def close(self) -> None:
        """Close the file; `contextlib.closing` does it at the end of a block."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> None:
        members: dict[str, TarInfo] = {}
        for info in self._tar:
            if info.name in members or info.type not in (b"0", b"\0"):
                raise _damaged(self.path, f"'{info.name[:140]}' is in it twice, or is not a plain file")
            members[info.name] = info
        told = members.pop(form.MANIFEST, None)
        if told is None or told.size > LARGEST:
            raise _damaged(self.path, "it has no manifest, so it is not an export of a store, or is cut off")
        manifest: Any = loads(self._all(told))
        assert manifest["format"] == form.FORMAT, "its manifest is another program's"
        if manifest["version"] != form.VERSION or manifest["store_format"] > int(layout.FORMAT):
            raise MilestoneError(
                "newer_format", f"'{self.path}' was written by a newer milestone", "install a newer milestone"
            )
        for one in manifest["documents"]:
            kind, key = one["kind"], one["key"]
            assert layout.is_sound(kind, key), f"the document {str(key)[:140]!r} has no name that can be one"
            info = self._proved(members, form.document_path(kind, key), one, one["bytes"])
            assert is_count(one["written"]), "a time is none"
            self._documents[kind, key] = (info, one["written"])
        for one in manifest["logs"]:
            stream = one["stream"]
            sound_stream(stream)
            assert is_count(one["start"]), "an offset is none"
            assert is_count(one["size"]), "an offset is none"
            info = self._proved(members, form.log_path(stream), one, one["size"] - one["start"])
            self._logs[stream] = (info, one)
            self.head(stream)
        if members:
            raise _damaged(self.path, f"its manifest does not name '{next(iter(members))[:140]}'")

    def _proved(self, members: "dict[str, TarInfo]", path: str, one: "dict[str, Any]", size: int) -> "TarInfo":
        """The member that stands at a path, if it is what the manifest says."""
        import hashlib

        assert one["path"] == path, f"'{str(one['path'])[:140]}' is not where its name belongs"
        info = members.pop(path)
        assert info.size == size, f"'{path}' has another size"
        sha256 = hashlib.sha256()
        for piece in self._pieces(info):
            sha256.update(piece)
        assert is_hex(one["sha256"], 64), f"the checksum of '{path}' is none"
        assert sha256.hexdigest() == one["sha256"], f"'{path}' is not what its checksum says"
        return info

    def _pieces(self, info: "TarInfo") -> "Iterator[bytes]":
        file = self._tar.extractfile(info)
        assert file is not None
        left = info.size
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise EOFError("it is cut off")
            left -= len(piece)
            yield piece

    def _all(self, info: "TarInfo") -> bytes:
        return b"".join(self._pieces(info))

    # as one side of a copy, see `contract.Side`

    @property
    def store(self) -> "Store":
        """What settings are asked of; there are none."""
        return self  # type: ignore[return-value]

    @staticmethod
    def config_identity() -> None:
        """There is no configuration in force."""

    def mark(self, *, frozen: "str | None", moved: "str | None", timeout: float = 30.0) -> None:
        """A file needs no mark: nobody writes it."""

    def settle(self) -> None:
        """Everything is recorded."""

    def documents(self) -> "list[Place]":
        """Kind and key of every document, sorted."""
        return sorted(self._documents)

    def document(self, kind: str, key: str) -> "tuple[bytes, int] | None":
        """A document, and when it was written."""
        found = self._documents.get((kind, key))
        return None if found is None else (self._all(found[0]), found[1])

    def logs(self) -> "dict[str, tuple[int, int]]":
        """Size of every log, and 0, for there is one under each name."""
        return {stream: (one["size"], 0) for stream, (_, one) in self._logs.items()}

    def scan(self, stream: str, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
        """Blocks of whole lines of a log."""
        info, one = self._logs[stream]
        at, held = one["start"], b""
        for piece in self._pieces(info):
            held += piece
            end = held.rfind(b"\n") + 1
            if end:
                yield from _within(at, held[:end], start, stop)
                at, held = at + end, held[end:]
        if held:
            yield from _within(at, held, start, stop)

    def head(self, stream: str) -> Head:
        """Where a log stands."""
        head, one = Head(), self._logs[stream][1]
        for name in form.HEAD:
            value = one["head"][name]
            assert type(value) is type(getattr(head, name)), f"the head of '{stream}' is none"
            setattr(head, name, value)
        head.end = one["size"]
        return head

    def origin(self, stream: str) -> Origin:
        """Where a log begins."""
        found = self._documents.get(("origin", stream))
        return parse(self._all(found[0]) if found else None) or Origin()


def _within(at: int, block: bytes, start: int, stop: int) -> "Iterator[tuple[int, bytes]]":
    """What of a block is between two offsets."""
    low, high = max(start, at), min(stop, at + len(block))
    if low < high:
        yield low, block[low - at : high - at]


def _opened(path: str) -> "IO[bytes]":
    """The tar, unpacked on the disk when it was compressed: what is in it is read from many places."""
    file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - open as long as the archive is
    if file.read(2) == b"\x1f\x8b":
        import gzip
        import shutil
        import tempfile

        file.seek(0)
        plain: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            with file, gzip.GzipFile(fileobj=file) as packed:
                shutil.copyfileobj(packed, plain, PIECE)
        except BaseException:
            plain.close()
            raise
        file = plain
    file.seek(0)
    return file


def _damaged(path: str, why: str) -> MilestoneError:
    return MilestoneError(
        "damaged", f"'{path[:300]}' cannot be imported: {why}", "`milestone store export` makes a new one", file=path
    )
