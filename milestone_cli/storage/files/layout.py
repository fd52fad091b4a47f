"""Where everything stands in a store of files; the only place that spells a file name of the store.

Names that come here have passed `model.safe`.
"""

from milestone_cli.model import OF_SESSION

HOME = ".milestones"
FOLDERS = (
    "state/active", "state/completed", "state/sessions", "state/backups", "state/events", "state/.locks",
    "agents/registry", "agents/status", "agents/coordination",
    "transactions/pending", "transactions/committed", "transactions/rollbacks",
    "tasks", "cache/state_cache", "cache/checksums", "cache/indexes", "quarantine", "spool", "logs", "reports",
)  # fmt: skip
IGNORED = """# Written by `milestone init`: what never belongs into version control.
state/.locks/
state/.current_session
state/events/*.head
state/sessions/*/events/*.head
cache/
spool/
quarantine/
agents/status/
.config.json
migrations/
*.tmp
"""
FORMAT = "1"
"""Version of the format on disk; it stands in the file `VERSION`."""
VERSION = "format"

STATE = "state"
ACTIVE = "state/active"
BACKUPS = "state/backups"
EVENTS = "state/events"
SEGMENTS = ".segments"
"""Sealed parts of logs, in the folder of the logs: a folder for each log."""
ORIGINS = "state/events/.origins"
LOCKS = "state/.locks"
SESSIONS = "state/sessions"
SESSION_LOG = "session.jsonl"
CLIENTS = "state/sessions/.by-client"
QUARANTINE = "quarantine"
CACHED = "cache/indexes"
"""Where something is once the cache was used; its names are in `cachenames`."""
COMPLETED = "state/completed"
PENDING = "transactions/pending"
COMMITTED = "transactions/committed"
ROLLBACKS = "transactions/rollbacks"
REGISTRY = "agents/registry"
BEATS = "agents/status"
COORDINATION = "agents/coordination"
SNAPSHOTS = "snapshots"
CURSORS = "agents/cursors"
GATE = ".transactions"
"""The kernel's lock among transactions, in `LOCKS`."""
CURRENT = ".current_session"
CONFIG = "config.yaml"
COMPILED = ".config.json"
MIGRATIONS = "migrations"
"""Of each migration the store as it was, `TIME.tar`, and what was done, `TIME.log`."""
MIGRATING = ".migration"
"""The kernel's lock among migrations, in `LOCKS`."""
MARKING = ".marks"
"""The kernel's lock among those who write the file `VERSION`, in `LOCKS`."""


def state_file(milestone: str) -> str:
    """A milestone's state, in `ACTIVE`."""
    return milestone + ".json"


def state_path(milestone: str) -> str:
    """The same as the bash utilities spell it in the log."""
    return f"{HOME}/{ACTIVE}/{milestone}.json"


def temporary(milestone: str, token: str) -> str:
    """A state being written; `token` is that of the lock's holder, so whoever breaks the lock knows the name."""
    return f".{milestone}.{token}.tmp"


def second(timestamp: str) -> str:
    """A time of RFC 3339 as the names of files have it: YYYYmmdd-HHMMSS."""
    return timestamp[:19].replace("-", "").replace(":", "").replace("T", "-")


def backup_file(milestone: str, timestamp: str, revision: int) -> str:
    """A backup in `BACKUPS`; `timestamp` is RFC 3339."""
    return f"{milestone}-{second(timestamp)}-r{revision}.json"


def log_folder(stream: str) -> str:
    """Where a log stands: `EVENTS`, but that of a session without a milestone (`model.log_of`) beside the session."""
    return EVENTS if stream[:1] != OF_SESSION else f"{SESSIONS}/{stream[1:]}/events"


def log_file(stream: str) -> str:
    """A log, in `log_folder`."""
    return f"milestone-{stream}.jsonl" if stream[:1] != OF_SESSION else SESSION_LOG


def head_file(stream: str) -> str:
    """Its head, in the same folder."""
    return f"milestone-{stream}.head" if stream[:1] != OF_SESSION else "session.head"


def segments_folder(stream: str) -> "tuple[str, str]":
    """Where the sealed parts of a log are: two folders, one in the other, below `log_folder`."""
    return SEGMENTS, stream.removeprefix(OF_SESSION)


def lock_folder(name: str) -> str:
    """The lock that the bash utilities honour, in `LOCKS`."""
    return name + ".lock"


def broken_folder(name: str) -> str:
    """A lock of a dead holder on its way out, in `LOCKS`."""
    return f".{name}.broken"


def flock_file(name: str) -> str:
    """The kernel's lock among processes of ours, in `LOCKS`."""
    return name + ".flock"


def inner_file(name: str) -> str:
    """The kernel's lock among those who share a lock that a process around them holds, in `LOCKS`."""
    return name + ".inner"


def locked_name(file: str) -> "str | None":
    """The lock whose folder a file in `LOCKS` is; None when it is none."""
    return file[:-5] if file.endswith(".lock") and file[:1] != "." and len(file) > 5 else None


def log_lock_file(stream: str) -> str:
    """The kernel's lock around appending to a log, in `LOCKS`; its ending keeps it apart from every other name."""
    return stream + ".elock"


def quarantined(milestone: str, timestamp: str, token: str) -> str:
    """A damaged state, in `QUARANTINE`; `timestamp` is RFC 3339."""
    return f"{milestone}-{second(timestamp)}-{token[:8]}.json"


def aside_folder(timestamp: str, token: str) -> str:
    """What one repair sets aside, in `QUARANTINE`; inside, every file has the place that it had in the store."""
    return f"{second(timestamp)}-{token[:8]}"


ASIDE_RECORD = "record.jsonl"
"""In such a folder: what was set aside from where, when and why, so that it can be put back."""


def temporary_parts(name: str) -> "tuple[str, str] | None":
    """What a temporary file is for, and the token of its writer; None for a file that is none."""
    if not (name.startswith(".") and name.endswith(".tmp")):
        return None
    target, _, token = name[1:-4].rpartition(".")
    return target, token


def broken_name(file: str) -> "str | None":
    """The lock that a folder in `LOCKS` is the remains of; None when it is none."""
    return file[1:-7] if file.startswith(".") and file.endswith(".broken") else None


SELFTEST = "selftest"
"""What the scratch folder of `doctor --selftest` is named after; it is temporary, and in the store's own folder."""


def is_copy(name: str, milestone: str) -> bool:
    """Whether a file in `BACKUPS` may be a copy of a milestone's state; its `milestone_id` has the last word."""
    if not (name.startswith(milestone + "-") and name.endswith(".json")):
        return False
    rest = name[len(milestone) + 1 : -5]
    if rest.startswith("checkpoint-"):
        return True
    day, _, rest = rest.partition("-")
    time, _, revision = rest.partition("-r")
    return len(day) == 8 and len(time) == 6 and (day + time + (revision or "0")).isdigit()


def is_ours(name: str) -> bool:
    """Whether a file in `BACKUPS` is a backup of ours, which proves itself by its checksum."""
    return name[:-5].rpartition("-r")[2].isdigit() and "-r" in name


def intent_file(identity: str) -> str:
    """A transaction's record, in `PENDING` and then in `COMMITTED`."""
    return identity + ".yaml"


def intent_aside(identity: str) -> str:
    """A record that is not committed yet, in `PENDING`."""
    return f".{identity}.tmp"


def record_aside(identity: str) -> str:
    """The record of a transaction that is over, on its way out of `PENDING`."""
    return f".{identity}.record.tmp"


def aside_id(name: str) -> "str | None":
    """The transaction whose record a file of `intent_aside` is; None when it is none."""
    identity = name[1:-4] if name.startswith(".txn-") and name.endswith(".tmp") else ""
    return identity if identity and "." not in identity else None


def is_intent(name: str) -> bool:
    """Whether a file in `PENDING` is a record of ours, committed or not."""
    return name.startswith(("txn-", ".txn-"))


def intent_id(name: str) -> "str | None":
    """The transaction whose record a file is; None when it is none."""
    return name[:-5] if name.startswith("txn-") and name.endswith(".yaml") else None


CHECKPOINT = "-checkpoint-"
SHAPES = {
    "active": (ACTIVE, "", ".json"),
    "completed": (COMPLETED, "", ".json"),
    "session": (SESSIONS, "", ".json"),
    "client": (CLIENTS, "", ""),
    "current": ("state", ".current_session", ""),
    "checkpoint": (BACKUPS, "", ".json"),
    "checkpoint-info": (BACKUPS, "", ".info"),
    "backup": (BACKUPS, "", ".json"),
    "pending": (PENDING, "", ".yaml"),
    "committed": (COMMITTED, "", ".yaml"),
    "rollback": (ROLLBACKS, "", ".yaml"),
    "origin": (ORIGINS, "", ".json"),
    "snapshot": (SNAPSHOTS, "", ".json"),
    "cold-task": ("archive/tasks", "", ".json.gz"),
    "cold-milestone": ("archive/milestones", "", ".json.gz"),
    "config": ("", CONFIG, ""),
    "config-compiled": ("", COMPILED, ""),
    "agent": (REGISTRY, "", ".json"),
    "agent-beat": (BEATS, "", ".json"),
    "agent-cursor": (CURSORS, "", ".json"),
    "agent-health": (BEATS, "", ".monitor.jsonl"),
    "sync": (COORDINATION, "", ".json"),
    "task": ("tasks", "", ".json"),
    "session-yaml": (SESSIONS, "", ""),
    "session-checkpoint": (SESSIONS, "", ""),
    "session-part": (SESSIONS, "", ""),
    "session-agent": (SESSIONS, "", ""),
    "session-report": (SESSIONS, "", ""),
    "report": ("reports", "", ".yaml"),
}
"""Folder, and what stands before and after the key, of each kind of document; a checkpoint's key is MILESTONE/NAME."""
SINGLE = ("current", "config", "config-compiled")
"""Kinds of which there is one document, whose key is empty."""
NESTED = {
    "session-yaml": "/session.yaml",
    "session-checkpoint": "/checkpoints/*/checkpoint.yaml",
    "session-part": "/recovery/*.json",
    "session-agent": "/agents/*.yaml",
    "session-report": "/optimization_report.yaml",
}
"""Kinds with folders of their own below `SHAPES`: what follows the key's first part; its second part is the star."""


def place(kind: str, key: str) -> "tuple[str, str]":
    """Folder and file name of a document."""
    folder, before, after = SHAPES[kind]
    if kind in NESTED:
        first, _, second = key.partition("/")
        folder, _, name = f"{folder}/{first}{NESTED[kind].replace('*', second)}".rpartition("/")
        return folder, name
    return folder, before + key.replace("/", CHECKPOINT) + after


def is_sound(kind: object, key: object) -> bool:
    """Whether a kind and a key that stood in a file name a document of the store, and nothing outside of it."""
    if kind not in SHAPES or not isinstance(key, str):
        return False
    parts = (key.removeprefix(OF_SESSION) if kind == "origin" else key).split("/")
    if kind in SINGLE:
        return key == ""
    has_two = str(kind).startswith("checkpoint") or "*" in NESTED.get(str(kind), "")
    if len(parts) != (2 if has_two else 1):
        return False
    plain = "".join(parts).replace("-", "").replace("_", "").replace(".", "")
    return plain.isalnum() and plain.isascii() and len(key) < 250 and all(part[:1].isalnum() for part in parts)


def keys(kind: str, names: "list[str]") -> "list[str]":
    """Keys of the documents of a kind among the files of its folder, sorted; files of another form are passed over.

    A checkpoint's file can be read in several ways where a milestone's name has `-checkpoint-` in it; the shortest
    milestone is taken, and the `milestone_id` inside has the last word.
    """
    _, before, after = SHAPES[kind]
    if kind in SINGLE:
        return [""] if before in names else []
    found = [
        name[len(before) : len(name) - len(after)] for name in names if name.startswith(before) and name.endswith(after)
    ]
    found = [key for key in found if key and key[0] != "."]
    if kind.startswith("checkpoint"):
        found = [key.replace(CHECKPOINT, "/", 1) for key in found if CHECKPOINT in key]
    elif kind == "backup":
        found = [key for key in found if CHECKPOINT not in key]
    return sorted(found)


def checkpoint_path(milestone: str, name: str) -> str:
    """A checkpoint as the bash utilities spell it in the log."""
    return f"{HOME}/{BACKUPS}/{milestone}{CHECKPOINT}{name}.json"
