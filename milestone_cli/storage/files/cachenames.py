"""Names of the folders and files of caches; apart from `layout`, since no hot command needs them."""

TIERS = ("hot", "warm", "cold")
"""From the one that is looked at first to the one that forgets."""
ENTRIES = "cache/state_cache"
INDEXES = "cache/indexes"
CHECKSUMS = "cache/checksums"
ENTRY = ".cache"


def tier_folder(namespace: str, tier: str) -> str:
    """Where the entries of a tier lie."""
    return f"{ENTRIES}/{namespace}/{tier}"


def entry_file(key: str) -> str:
    """An entry, in the folder of its tier."""
    return key + ENTRY


def entry_key(name: str) -> "str | None":
    """The key of the entry that a file is; None for any other file."""
    return name[: -len(ENTRY)] if name.endswith(ENTRY) and name[:1] != "." else None


def temporary(key: str, token: str) -> str:
    """An entry that is being written, in the folder of its tier."""
    return f".{key}.{token}.tmp"


def index_file(namespace: str) -> str:
    """What is in a namespace, in `INDEXES`."""
    return namespace + ".index"


def index_aside(namespace: str, token: str) -> str:
    """The same, being written anew."""
    return f".{namespace}.{token}.tmp"


def lock_file(namespace: str) -> str:
    """The kernel's lock of a namespace, in `INDEXES`."""
    return namespace + ".lock"


def runs_file(namespace: str) -> str:
    """What is known of commands that were run, in `INDEXES`."""
    return namespace + ".runs"


RUNNING = ".running"
"""How the file ends that locks a command while it runs, in `INDEXES`."""


def running_file(key: str) -> str:
    """That file."""
    return f".{key}{RUNNING}"
