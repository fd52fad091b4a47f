"""Sealed parts of logs: whether each is there, as long as its seal says, and follows on the one before."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import OF_SESSION
from milestone_cli.storage.files import layout, partnames
from milestone_cli.storage.files.segments import Seal, parse_seal
from milestone_cli.storage.findings import Finding, count, sound
from milestone_cli.storage.origin import origin_of, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.health.walk import Entry

    Span = tuple[int, int]

PATIENCE = 10.0
"""Seconds to wait for a log's lock while repairing."""
GET_IT_BACK = "bring it back from a backup of the disk; every other part can be read without it"


def check_parts(store: "FileStore", entries: "list[Entry]") -> "Iterator[Finding]":
    """What is missing, cut, damaged or half done among the sealed parts of logs; nothing where nothing was sealed."""
    folders: dict[str, dict[str, Entry]] = {}
    files = {one.path: one for one in entries}
    for one in entries:
        if one.is_file and one.folder.rpartition("/")[0].endswith("/" + layout.SEGMENTS):
            folders.setdefault(one.folder, {})[one.name] = one
    findings = list(_origins(store, entries))
    number = 0
    for folder, names in folders.items():
        stream = _stream(folder)
        log = files.get(f"{layout.log_folder(stream)}/{layout.log_file(stream)}")
        inode = log.status.st_ino if log else 0
        found = _Folder(store, stream, folder, names, inode)
        findings += found.findings()
        number += len(found.spans)
    if number and not findings:
        yield sound("segments", f"{count(number, 'sealed part')} of {count(len(folders), 'log')} in their places")
    yield from findings


def _stream(folder: str) -> str:
    """The log that a folder of sealed parts belongs to."""
    name = folder.rpartition("/")[2]
    return name if folder.startswith(layout.EVENTS + "/") else OF_SESSION + name


def _origins(store: "FileStore", entries: "list[Entry]") -> "Iterator[Finding]":
    for one in entries:
        if one.folder == layout.ORIGINS and one.is_file and one.name.endswith(".json") and one.name[0] != ".":
            try:
                raw = store.read_file(one.folder, one.name, 1 << 30)
            except FileNotFoundError:
                continue
            if parse(raw) is None:
                yield Finding(
                    "segments", "origin", "error",
                    f"'{one.path}' does not fit its checksum: from where its log is to be proved is not known",
                    "bring it back from a backup of the disk", one.path,
                )  # fmt: skip


class _Folder:
    """The sealed parts of one log."""

    def __init__(self, store: "FileStore", stream: str, folder: str, names: "dict[str, Entry]", inode: int) -> None:
        self.store, self.stream, self.folder, self.names = store, stream, folder, names
        found = (partnames.segment_span(name) for name in names)
        spans = sorted({(one[0], one[1]) for one in found if one and one[2] in (partnames.SEAL, partnames.PLAIN)})
        self.unfinished = [span for span in spans if (plain := self.file(span, partnames.PLAIN))
                           and (plain.status.st_ino == inode or self.file(span, partnames.SEAL) is None)]  # fmt: skip
        self.spans = [span for span in spans if span not in self.unfinished]

    def file(self, span: "Span", ending: str) -> "Entry | None":
        """A file of a part."""
        return self.names.get(partnames.segment_file(*span, ending))

    def findings(self) -> "Iterator[Finding]":
        """What is to be said of them."""
        origin = origin_of(self.store, self.stream)
        end = self.spans[0][0] if self.spans else 0
        for span in self.spans:
            name = f"{self.folder}/{partnames.segment_file(*span, '')}"
            if span[0] != end:
                told = f"between the sealed parts of the log of '{self.stream}' {abs(span[0] - end)} bytes are missing"
                yield Finding("segments", "gap", "error", told, GET_IT_BACK, name)
            end = span[1]
            yield from self._part(span, name, origin.end)
        for span in self.unfinished:
            name = f"{self.folder}/{partnames.segment_file(*span, '')}"
            told = f"'{name}': a sealing that was not finished, which means nothing"
            yield Finding("segments", "unfinished", "note", told, "the next sealing clears it away", name)

    def _part(self, span: "Span", name: str, removed: int) -> "Iterator[Finding]":
        plain, packed = self.file(span, partnames.PLAIN), self.file(span, partnames.PACKED)
        seal = self._seal(span)
        if seal is None:
            told = f"'{name}{partnames.SEAL}', which says what the sealed part is, does not fit its checksum"
            yield Finding("segments", "seal", "error", told, GET_IT_BACK, name)
            return
        if plain is None and packed is None:
            if span[1] > removed:
                told = f"the sealed part '{name}' of the log of '{self.stream}' is missing"
                yield Finding("segments", "missing", "error", told, GET_IT_BACK, name)
        elif plain is not None and packed is not None:
            told = f"'{name}' is there plain and compressed: who compressed it was stopped"
            yield Finding("segments", "twice", "note", told, "compress it again", name, self._packer())
        elif plain is not None and plain.status.st_size < seal.size:
            told = f"'{plain.path}' has {plain.status.st_size} bytes and should have {seal.size}"
            yield Finding("segments", "cut", "error", told, GET_IT_BACK, name)
        elif plain is not None and plain.status.st_size > seal.told:
            told = f"'{plain.path}' has {plain.status.st_size - seal.told} bytes that bash wrote after it was sealed"
            yield Finding("segments", "late", "note", told, "append them to the log", name, self._adopter())
        elif packed is not None and packed.status.st_size != sum(size for _, size in seal.blocks):
            told = f"'{packed.path}' has {packed.status.st_size} bytes, which is not what its seal says"
            yield Finding("segments", "cut", "error", told, GET_IT_BACK, name)

    def _seal(self, span: "Span") -> "Seal | None":
        try:
            raw = self.store.read_file(self.folder, partnames.segment_file(*span, partnames.SEAL), 1 << 26)
        except (FileNotFoundError, MilestoneError):
            return None
        seal = parse_seal(raw)
        return seal if seal and (seal.start, seal.end) == span else None

    def _packer(self) -> "Callable[[], str]":
        def repair() -> str:
            self.store.pack(self.stream, PATIENCE)
            return f"compressed the sealed parts of the log of '{self.stream}'"

        return repair

    def _adopter(self) -> "Callable[[], str]":
        def repair() -> str:
            from milestone_cli.storage.files.trimming import adopt_all

            adopt_all(self.store, self.stream, PATIENCE)
            return f"appended to the log of '{self.stream}' what bash had written late"

        return repair
