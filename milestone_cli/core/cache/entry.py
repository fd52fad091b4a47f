"""An entry of the cache, and its file: a checksum over all that follows, a label, the rest of what is known, the bytes.

The first line is SHA-256 of the rest of the file, hexadecimal. The second is the label, a JSON object that says what
the entry is and when it ends; the third one has what may be long: the request, and what a program keeps beside. Then
come the bytes, compressed with zlib where the label says so. A file that is not exactly so is no entry.
"""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps, loads
from milestone_cli.model import LIMIT, digest, is_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LABEL = 1 << 14
"""Bytes of a label at most, with the checksum before it."""
REQUEST = 1 << 16
"""Characters of a request at most."""


class Entry:
    """An answer that is kept.

    Attributes:
        key: a safe name.
        data: the answer; empty where only the label was read.
        agent: who gave it; request: what was asked; both may be empty.
        tags: words to invalidate by.
        content_hash: of what the answer depends on, or empty.
        meta: what a program keeps beside it, JSON values.
        tier: where it lies, or shall lie.
        created: when it was put, nanoseconds since 1970; `used`, last; `expires`, when it ends: 0 for never.
        hits: how often it was got, as far as the index was asked.
        size: bytes of the answer; `stored`, of its file.
        shared: when other machines were given it, by the server's clock; 0 where there is no server.
    """

    __slots__ = ("agent", "content_hash", "created", "data", "expires", "hits", "key", "meta", "request", "shared",
                 "size", "stored", "tags", "tier", "used")  # fmt: skip

    def __init__(
        self,
        key: str,
        data: bytes,
        *,
        agent: str = "",
        request: str = "",
        tags: "list[str] | None" = None,
        content_hash: str = "",
        meta: "dict[str, Any] | None" = None,
        tier: str = "hot",
    ) -> None:
        self.key = key
        self.data = data
        self.agent = agent
        self.request = request
        self.tags = tags or []
        self.content_hash = content_hash
        self.meta = meta or {}
        self.tier = tier
        self.created = self.used = self.expires = self.hits = self.stored = self.shared = 0
        self.size = len(data)

    def check(self) -> None:
        """Refuse what no entry can hold.

        Raises:
            MilestoneError: `too_large`.
        """
        if len(self.data) > LIMIT:
            raise MilestoneError(
                "too_large",
                f"the answer has {len(self.data)} bytes; {LIMIT} are allowed",
                "keep it in a file of its own, and its path here",
            )
        if 6 * len(self.agent + self.content_hash + "".join(self.tags)) + 8 * len(self.tags) > LABEL - 2048:
            raise MilestoneError("too_large", "tags, agent and content hash are too long together", "shorten them")
        if len(self.request) > REQUEST:
            raise MilestoneError(
                "too_large", f"the request has more than {REQUEST} characters", "give a hash of it instead"
            )

    def matches(self, key: str, agent: str, tag: str, content_hash: str) -> bool:
        """Whether all that is given is so."""
        return (
            (not key or key == self.key)
            and (not agent or agent == self.agent)
            and (not tag or tag in self.tags)
            and (not content_hash or content_hash == self.content_hash)
        )


def encode(entry: Entry, namespace: str, *, packed: bool) -> bytes:
    """The file of an entry."""
    data = entry.data
    if packed:
        import zlib

        data = zlib.compress(data, 6)
    label = {
        "format": 1,
        "namespace": namespace,
        "key": entry.key,
        "agent": entry.agent,
        "tags": entry.tags,
        "content_hash": entry.content_hash,
        "created": entry.created,
        "expires": entry.expires,
        "size": len(entry.data),
        "packed": packed,
    }
    more = {"request": entry.request, "meta": entry.meta, "shared": entry.shared}
    text = f"{dumps(label)}\n{dumps(more)}\n".encode("utf-8", "surrogateescape")
    rest = text + data
    return digest(rest).encode() + b"\n" + rest


def decode(raw: bytes, namespace: str, key: str) -> Entry:
    """The entry that a file is.

    Raises:
        ValueError: when it is damaged, or another one than that of this key and namespace.
    """
    if raw[64:65] != b"\n" or raw[:64] != digest(raw[65:]).encode():
        raise ValueError("the checksum is another one")
    entry, packed = _labelled(raw, namespace, key)
    start = raw.index(b"\n", 65) + 1
    end = raw.index(b"\n", start)
    more = loads(raw[start:end].decode("utf-8", "surrogateescape"))
    if not (
        isinstance(more, dict)
        and isinstance(more.get("request"), str)
        and isinstance(more.get("meta"), dict)
        and is_count(more.get("shared"))
    ):
        raise ValueError("what it says is not what an entry says")
    entry.request, entry.meta, entry.shared = more["request"], more["meta"], more["shared"]
    entry.data = _unpacked(raw[end + 1 :], entry.size) if packed else raw[end + 1 :]
    if len(entry.data) != entry.size:
        raise ValueError("it has not as many bytes as it says")
    return entry


def _unpacked(data: bytes, size: int) -> bytes:
    import zlib

    try:
        return zlib.decompressobj().decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None


def label_of(raw: bytes, namespace: str, key: str) -> Entry:
    """The same from the first `LABEL` bytes of a file, without meta and bytes, or a long request; nothing is proved.

    Raises:
        ValueError: when they do not say what an entry says.
    """
    entry = _labelled(raw, namespace, key)[0]
    start = raw.index(b"\n", 65) + 1
    end = raw.find(b"\n", start)
    if end > 0:
        more = loads(raw[start:end].decode("utf-8", "surrogateescape"))
        entry.request = str(more.get("request", "")) if isinstance(more, dict) else ""
    return entry


def _labelled(raw: bytes, namespace: str, key: str) -> "tuple[Entry, bool]":
    label: Any = loads(raw[65 : raw.index(b"\n", 65)].decode("utf-8", "surrogateescape"))
    if not isinstance(label, dict) or label.get("format") != 1:
        raise ValueError("it has no label")
    if (label.get("namespace"), label.get("key")) != (namespace, key):
        raise ValueError("it is another entry than its place says")
    tags = label.get("tags")
    words = [label.get("agent"), label.get("content_hash"), *(tags if isinstance(tags, list) else [None])]
    numbers: list[Any] = [label.get("created"), label.get("expires"), label.get("size")]
    if not all(isinstance(word, str) for word in words) or not all(is_count(number) for number in numbers):
        raise ValueError("its label is not what an entry says")
    entry = Entry(key, b"", agent=words[0], tags=words[2:], content_hash=words[1])
    entry.created, entry.expires, entry.size = numbers
    if entry.size > LIMIT:
        raise ValueError("it says that it is too large")
    return entry, label.get("packed") is True
