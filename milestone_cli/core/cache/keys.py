"""Keys of questions: the same question gives the same key, whatever the order of its parts."""

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import Rules, check, dumps, skip
from milestone_cli.model import LIMIT, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def key_of(
    agent: str, request: str, permissions: bytes = b"", inputs: "Iterable[tuple[str, str]]" = (), **more: str
) -> str:
    """The key of a question: 64 hexadecimal digits, which say nothing of what was asked.

    It is SHA-256 of the parts as one canonical JSON text: members sorted by name, no white space, numbers by
    their value, lists in their order, inputs sorted by name.

    Args:
        agent: who is asked.
        request: what is asked; white space around it does not count.
        permissions: a JSON document of what the agent may do, or nothing.
        inputs: name and content hash of what the answer depends on.
        more: other parts of the question, by name.

    Raises:
        MilestoneError: `invalid_json`, `too_large`.
    """
    parts = {
        "agent": agent,
        "request": request.strip(),
        "permissions": _exact(check(permissions, LIMIT, "the document of permissions"))
        if permissions.strip()
        else None,
        "inputs": sorted([name, found] for name, found in inputs),
        **more,
    }
    return digest(dumps(_sorted(parts)).encode("utf-8", "surrogateescape"))


def sums_of(patterns: "list[str]", base: str, store: "str | None") -> "tuple[list[tuple[str, str]], int]":
    """Each pattern with the checksum of the files that it means, and how many files there are.

    Args:
        patterns: paths, folders and globs, see `paths`.
        base: the folder, absolute, that relative ones begin in.
        store: the folder of a store, which remembers what was hashed; None, or one elsewhere: nothing is remembered.
    """
    from milestone_cli.core.cache.inputs import Inputs
    from milestone_cli.storage.files.checksums import Checksums
    from milestone_cli.storage.files.folders import Folders

    try:
        known = Checksums(Folders(store)) if store and "://" not in store else None
    except (MilestoneError, OSError):
        known = None  # no store is needed for a key
    found = Inputs(patterns, base, known)
    return [*found.sums().items()], found.count()


def _exact(text: str) -> object:
    """A document that was checked, no two of whose decimals become one because they are the same float."""
    from _json import make_scanner

    rules = Rules()
    rules.parse_float = _number
    value: object = make_scanner(rules)(text, skip(text, 0))[0]  # type: ignore[arg-type]
    return value


def _number(text: str) -> object:
    """A decimal as a float where that is all of it, else under its own digits."""
    from decimal import Decimal

    value = float(text)
    return value if Decimal(repr(value)) == Decimal(text) else ["\0number", str(Decimal(text))]


def _sorted(value: object) -> object:
    """The same value with the members of its objects in the order of their names."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
