"""Whether everything stands where it should, and belongs to the one who may read it: layout, permissions, owner."""

import os
import stat

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.model import safe
from milestone_cli.storage.files import layout
from milestone_cli.storage.files.folders import READ
from milestone_cli.storage.files.health.aside import opened
from milestone_cli.storage.findings import Finding, count, named, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from milestone_cli.storage.files import FileStore
    from milestone_cli.storage.files.health.walk import Entry

OTHERS = 0o077
"""What others than the owner are permitted."""
STATES = (layout.ACTIVE, layout.COMPLETED)


def check_layout(store: "FileStore", entries: "list[Entry]") -> "Iterator[Finding]":
    """What is missing, what is no plain file or folder, and what no command of ours or of bash would have made."""
    findings = [*_missing(store, entries), *_strange(entries), *_unnamed(entries), *_unknown(entries)]
    if not findings:
        folders = sum(one.is_folder for one in entries)
        yield sound("layout", f"{count(folders, 'folder')} and {count(len(entries) - folders, 'file')} in their places")
    yield from findings


def _missing(store: "FileStore", entries: "list[Entry]") -> "Iterator[Finding]":
    there = {one.path for one in entries}
    if layout.VERSION not in there:
        yield Finding(
            "layout", "of_bash", "note", "the bash utilities made this store, and it works as it is",
            "`milestone store migrate` makes the rest of the layout, and records what bash does not",
        )  # fmt: skip
        return
    missing = [name for name in (*layout.FOLDERS, ".gitignore") if name not in there]
    if missing:
        yield Finding(
            "layout", "missing", "warning", f"{named(missing, 4)} {'is' if len(missing) == 1 else 'are'} missing",
            "make them", repair=lambda: _found(store),
        )  # fmt: skip


def _found(store: "FileStore") -> str:
    store.initialise(None)
    return "made what was missing of the layout"


def _strange(entries: "list[Entry]") -> "Iterator[Finding]":
    for one in entries:
        if one.trouble:
            yield Finding("layout", "closed_folder", "error", f"'{one.path}' cannot be looked into: {one.trouble}",
                          "see to it that its owner may", one.path)  # fmt: skip
        if one.folder.partition("/")[0] == layout.QUARANTINE:
            continue
        if stat.S_ISLNK(one.status.st_mode):
            yield Finding("layout", "link", "error", f"'{one.path}' is a link; links in a store are never followed",
                          "look where it points, then move it away", one.path)  # fmt: skip
        elif not (one.is_folder or one.is_file):
            yield Finding("layout", "no_file", "error", f"'{one.path}' is neither a file nor a folder",
                          "look at it, then move it away", one.path)  # fmt: skip
        elif one.path in layout.FOLDERS and not one.is_folder:
            yield Finding("layout", "no_folder", "error", f"'{one.path}' is not a folder",
                          "look at it, then move it away", one.path)  # fmt: skip


def _unnamed(entries: "list[Entry]") -> "Iterator[Finding]":
    """States and logs under names that no command would take, and pairs that differ in case alone."""
    seen: dict[str, str] = {}
    for one in entries:
        name = ""
        if one.folder in STATES and one.name.endswith(".json") and one.name[0] != ".":
            name = one.name[:-5]
        elif one.folder == layout.EVENTS and one.name.startswith("milestone-") and one.name.endswith(".jsonl"):
            name = one.name[10:-6]
        if not name:
            continue
        try:
            safe(name)
        except MilestoneError as error:
            yield Finding("layout", "unsafe_name", "warning", f"'{one.path}': {error.message}",
                          "move it away; no command can name it", one.path)  # fmt: skip
            continue
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield Finding("layout", "twin", "warning",
                          f"'{other}' and '{name}' differ in case alone; some disks take them for one",
                          "save one of them under another name", name)  # fmt: skip
            seen[name.lower()] = name


def _unknown(entries: "list[Entry]") -> "Iterator[Finding]":
    """Files among the states and the backups that are neither: what editors leave, copies that people made."""
    endings = {layout.ACTIVE: (".json",), layout.COMPLETED: (".json",), layout.BACKUPS: (".json", ".info")}
    unknown = [
        one.path for one in entries
        if one.folder in endings and one.is_file and layout.temporary_parts(one.name) is None
        and (one.name[0] == "." or not one.name.endswith(endings[one.folder]))
    ]  # fmt: skip
    if unknown:
        yield Finding("layout", "unknown", "note", f"no part of a store: {named(unknown)}",
                      "look at what it is, then move it away", unknown[0])  # fmt: skip


def check_permissions(store: "FileStore", root: int, entries: "list[Entry]") -> "Iterator[Finding]":
    """What others may read or change, and what the owner may not."""
    status = os.fstat(root)
    modes = [("", status.st_mode, True)] if status.st_mode & OTHERS else []
    modes += [
        (one.path, one.status.st_mode, one.is_folder)
        for one in entries
        if (one.is_folder or one.is_file) and one.status.st_mode & OTHERS and not _is_lock(one)
    ]
    changed = [path for path, mode, _ in modes if mode & 0o022]
    paths = [path for path, _, _ in modes]
    if modes:
        folders = sum(is_folder for _, _, is_folder in modes)
        what = [count(number, noun) for number, noun in ((len(modes) - folders, "file"), (folders, "folder")) if number]
        verb = "changed" if changed else "read"
        shown = named(path or "the store itself" for path in changed or paths)
        yield Finding(
            "permissions", "open", "warning", f"{' and '.join(what)} can be {verb} by others: {shown}",
            "permit them to their owner alone (0600, folders 0700)", paths[0],
            repair=lambda: _close(store, paths),
        )  # fmt: skip
    closed = [
        one for one in entries
        if one.status.st_uid == os.geteuid() and not _is_usable(one)
    ]  # fmt: skip
    for one in closed:
        yield Finding(
            "permissions", "closed", "error", f"'{one.path}' cannot be read and written by its own owner",
            "permit it to its owner (0600, folders 0700)", one.path, repair=_closer(store, one.path),
        )  # fmt: skip
    if not modes and not closed:
        yield sound("permissions", "closed to others")


def _is_lock(one: "Entry") -> bool:
    """Whether it is a lock or in one: it comes and goes, and those of bash are as open as its umask."""
    name = one.path.removeprefix(layout.LOCKS + "/")
    return name != one.path and layout.locked_name(name.partition("/")[0]) is not None


def _is_usable(one: "Entry") -> bool:
    wanted = 0o700 if one.is_folder else 0o600
    return not (one.is_folder or one.is_file) or one.status.st_mode & wanted == wanted


def _closer(store: "FileStore", path: str) -> "Callable[[], str]":
    return lambda: _close(store, [path])


def _close(store: "FileStore", paths: "list[str]") -> str:
    """Give files 0600 and folders 0700; a link put in the place of one meanwhile is not followed."""
    done = 0
    for path in paths:
        folder, _, name = path.rpartition("/")
        try:
            parent = opened(store, folder)
        except FileNotFoundError:
            continue
        try:
            done += _close_one(parent, name or ".")
        except FileNotFoundError:
            pass
        finally:
            os.close(parent)
    return f"set {count(done, 'mode')}: 0600, folders 0700" if done else ""


def _close_one(parent: int, name: str) -> bool:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    is_folder = stat.S_ISDIR(status.st_mode)
    mode = (status.st_mode & stat.S_ISVTX) | (0o700 if is_folder else 0o600)
    if not (is_folder or stat.S_ISREG(status.st_mode)) or stat.S_IMODE(status.st_mode) == mode:
        return False
    try:
        fd = os.open(name, READ, dir_fd=parent)
    except PermissionError:
        os.chmod(name, mode, dir_fd=parent)  # its owner may not open it, so there is no descriptor to do it by
        return True
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    return True


def check_owner(root: int, entries: "list[Entry]") -> "Iterator[Finding]":
    """Whose the store is, and what in it belongs to others."""
    me, owner = os.geteuid(), os.fstat(root).st_uid
    if owner != me:
        yield Finding(
            "owner", "foreign_store", "warning",
            f"the store belongs to user {owner}, and you are {runtime.user()}; MILESTONE_TRUST_STORE lets you in",
            "use it as its owner; what you make in it, the owner cannot read",
        )  # fmt: skip
    others = [one for one in entries if one.status.st_uid != owner]
    if others:
        uids = named([str(uid) for uid in sorted({one.status.st_uid for one in others})], 3)
        yield Finding(
            "owner", "foreign_files", "error" if owner != 0 and any(one.status.st_uid == 0 for one in others)
            else "warning",
            f"{count(len(others), 'file')} of user {uids}, and the store is {owner}'s: "
            f"{named(one.path for one in others)}",
            f"give them to user {owner} (chown); somebody ran milestone as another user, root perhaps", others[0].path,
        )  # fmt: skip
    if owner == me and not others:
        yield sound("owner", f"everything is {runtime.user()}'s")
