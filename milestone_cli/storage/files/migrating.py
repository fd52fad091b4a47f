"""Bringing a store of files to another format, and back: planned, kept, done, proved, written down.

The store is frozen, and its mark says which migration is under way; it is kept in a tar file; the steps are done, each
of which can be done again; what came out is held against the tar file, and what changed is noted. The rename of
`format` is the commit point. Killed anywhere, the store is read as before, bash's functions go on, and the next
migration finishes this one. The way back puts every file back that nobody has written since.
"""

import os

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError, frozen, moved
from milestone_cli.jsontext import dumps, loads
from milestone_cli.storage.files import keepsake, layout, marks, migrations
from milestone_cli.storage.files.log import FLAGS, flock
from milestone_cli.storage.files.returning import Return
from milestone_cli.storage.migration import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.files.keepsake import Keepsake

    Facts = dict[str, object]

PATIENCE = 10.0
"""Seconds to wait for another migration of the same store."""
FORWARDS, BACK = "a migration to format", "a way back from format"
UNFINISHED = "the freeze (`milestone store migrate` finishes what was begun)"
"""What is said to be on disk of a migration that failed in the middle."""
LARGEST = 1 << 26
"""Most bytes of a migration's log that are read."""
OTHERS = ""
"""Stands for the SHA-256 of a file that somebody else wrote while a migration was under way: it is not taken back."""


class Migrator:
    """A store of files that can be brought to another format; see `migration.Migrator`."""

    newest = int(layout.FORMAT)

    def __init__(self, path: str) -> None:
        """Open the store, whatever its marks."""
        from milestone_cli.storage.files.transfer import Side

        self._side = Side(path)
        self._store = self._side.store
        self.path = path

    def version(self) -> int:
        """The format that the store has; 0 for one that says nothing."""
        return marks.version(self._store.folder(""))

    def begun(self) -> "Outcome | None":
        """What an earlier migration, which was killed, had begun; None when there was none."""
        under_way = self._under_way()
        return self._resumed(under_way) if under_way else None

    def plan(self, end: int) -> Outcome:
        """What would be done; nothing is changed."""
        if self._side.moved is not None:
            raise moved(self.path, self._side.moved)
        if self._side.frozen is not None:
            raise frozen(self.path, self._side.frozen)
        found = Outcome(self.path, self.version(), end)
        if found.is_back:
            if not self._stamps():
                raise MilestoneError(
                    "not_found",
                    f"no migration brought the store to format {found.start}, so there is no way back",
                    "leave --rollback out",
                )
            found.steps = [f"format {end}: put back what format {found.start} changed"]
        else:
            for number, steps in migrations.MIGRATIONS:
                if found.start < number <= end:
                    what = [(step, step.find(self._store)) for step in steps]
                    found.steps += [f"format {number}: {step.told.format(len(names))}" for step, names in what if names]
                    found.steps.append(f"format {number}: say so in the file '{layout.VERSION}'")
        return found

    def run(self, end: int, sound: "Callable[[], list[str]]") -> Outcome:
        """Do it, or finish what an earlier one had begun."""
        fd = os.open(layout.MIGRATING, FLAGS, 0o600, dir_fd=self._store.folder(layout.LOCKS))
        try:
            flock(fd, runtime.monotonic() + PATIENCE, "migration")
            marks.reread(self._store)
            under_way = self._under_way()
            found = self._resumed(under_way) if under_way else self.plan(end)
            if not found.steps:
                return found
            stamp = under_way[2] if under_way else self._freeze(found)
            runtime.applied.append(UNFINISHED)
            found.backup, found.log = f"{self._place(stamp)}.tar", f"{self._place(stamp)}.log"
            if found.is_back:
                self._back(found, stamp)
            else:
                try:
                    self._forwards(found, stamp, sound)
                except KeyboardInterrupt:
                    self._undo(found, stamp)
                    raise
            runtime.applied.remove(UNFINISHED)
            runtime.applied.append(f"the migration to format {found.end}")
        finally:
            os.close(fd)
        return found

    # forwards

    def _freeze(self, found: Outcome) -> str:
        """Let nobody of ours write, and say what is under way; what names its files."""
        if found.is_back:
            stamp, told = self._stamps()[-1], f"{BACK} {found.start}"
        else:
            stamp, told = layout.second(runtime.timestamp(runtime.now_ns())), f"{FORWARDS} {found.end}"
        hint = "is under way; `milestone store migrate` finishes it"
        self._side.mark(frozen=f"{told} ({stamp}) {hint}", moved=None, timeout=PATIENCE)
        return stamp

    def _forwards(self, found: Outcome, stamp: str, sound: "Callable[[], list[str]]") -> None:
        folder = self._store.folder(layout.MIGRATIONS)
        said = self._said(stamp)
        backup = f"{stamp}.tar"
        if not _is_there(folder, backup):
            try:
                files, size = keepsake.write(self._store, folder, backup)
            except OSError:
                self._side.mark(frozen=None, moved=None)  # there is no room: nothing has been done
                runtime.applied.remove(UNFINISHED)
                raise
            self._note(stamp, "backup", files=files, bytes=size)
        if not any("sound" in one for one in said):
            self._note(stamp, "begin", start=found.start, end=found.end, sound=sound())
        if found.is_resumed:
            self._free()
        before = next(one["sound"] for one in self._said(stamp) if isinstance(one.get("sound"), list))
        for number, steps in migrations.MIGRATIONS:
            for step in steps if found.start < number <= found.end else ():
                names = step.find(self._store)
                step.do(self._store)
                self._note(stamp, "step", step=step.name, of=names[:100], number=len(names))
        kept = keepsake.Keepsake(folder, backup)
        try:
            changed, wrong = self._changes(kept)
        finally:
            kept.close()
        assert isinstance(before, list)
        wrong += [f"the log of '{name}'" for name in set(map(str, before)) - set(sound())]
        self._note(stamp, "changed", files=changed, wrong=wrong)
        if wrong:
            self._undo(found, stamp)
            raise MilestoneError(
                "conflict",
                f"another program wrote to the store meanwhile, or a step went wrong: {', '.join(sorted(wrong)[:5])};"
                " everything was put back",
                "stop what writes there (the bash utilities do not heed the freeze), and try again",
                files=sorted(wrong),
            )
        marks.write(self._store, None, None, str(found.end))
        self._note(stamp, "migrated", start=found.start, end=found.end)

    def _free(self) -> None:
        """Take away the locks that the one who was killed had, so that bash waits for nobody."""
        locks = self._store.locks()
        for name in locks.names():
            try:
                locks.break_(name, force=False)
            except MilestoneError as error:
                if error.code not in ("conflict", "not_found"):
                    raise

    def _undo(self, found: Outcome, stamp: str) -> None:
        """Put back what a migration has changed that shall not be finished."""
        folder = self._store.folder(layout.MIGRATIONS)
        if not _is_there(folder, f"{stamp}.tar"):
            marks.write(self._store, None, None)
            runtime.applied.remove(UNFINISHED)
            return
        kept = keepsake.Keepsake(folder, f"{stamp}.tar")
        try:
            changed, _ = self._changes(kept)
        finally:
            kept.close()
        self._note(stamp, "changed", files=changed)
        self._back(Outcome(self.path, found.end, found.start), stamp)
        runtime.applied.remove(UNFINISHED)

    def _changes(self, kept: "Keepsake") -> "tuple[dict[str, str | None], list[str]]":
        """What is not as it was: SHA-256 of each file, None where it is gone; and what no step may have changed."""
        there = keepsake.present(self._store)
        now = keepsake.sums(self._store, [path for path, one in there.items() if one.is_file])
        changed: dict[str, str | None] = {}
        wrong = []
        for path, value in now.items():
            if path not in kept.files:
                changed[path] = value
            elif value != kept.sum(path):
                is_log = path.endswith(".jsonl") and kept.is_beginning(self._store, path)
                is_ours = path.endswith(".head") or (is_log and self._is_ours(path, kept.files[path].size))
                changed[path] = value if is_ours else OTHERS
                if not is_log and not path.endswith(".head"):
                    wrong.append(path)
        for path in kept.files.keys() - now.keys():
            changed[path] = None
            if not self._is_aside(path):
                wrong.append(path)
        return changed, wrong

    def _is_ours(self, path: str, size: int) -> bool:
        """Whether all lines of a log behind an offset are ours: bash's bear no numbers."""
        with open(keepsake.opened(self._store, path), "rb") as file:
            file.seek(size)
            return all(b',"sequence_number":' in line for line in file)

    def _is_aside(self, path: str) -> bool:
        """Whether a file that is gone stands in the quarantine."""
        ending = f"/{path}"
        return any(one.endswith(ending) for one in self._aside())

    def _aside(self) -> "list[str]":
        from milestone_cli.storage.files.health.walk import walk

        return [one.path for one in walk(self._store.folder("")) if one.path.startswith(layout.QUARANTINE + "/")]

    # back

    def _back(self, found: Outcome, stamp: str) -> None:
        folder = self._store.folder(layout.MIGRATIONS)
        changed = next((one["files"] for one in reversed(self._said(stamp)) if one.get("did") == "changed"), None)
        if not isinstance(changed, dict):
            raise MilestoneError(
                "damaged",
                f"the log '{self._place(stamp)}.log' does not say what was changed",
                "the tar file beside it has what was there before",
            )
        kept = keepsake.Keepsake(folder, f"{stamp}.tar")
        try:
            found.kept = Return(self._store, kept, changed).run()
        finally:
            kept.close()
        marks.write(self._store, None, None, str(found.end))
        self._note(stamp, "back", start=found.start, end=found.end, kept=found.kept)

    # what is written down

    def _under_way(self) -> "tuple[bool, int, str] | None":
        """Whether the store's mark says that a migration was begun: back or not, the format, what names its files."""
        words = (self._side.frozen or "").partition(" is under way")[0]
        for told, is_back in ((FORWARDS, False), (BACK, True)):
            number, _, stamp = words.removeprefix(told + " ").partition(" (")
            stamp = stamp.removesuffix(")")
            if words.startswith(told) and number.isdecimal() and len(number) < 6 and _is_stamp(stamp):
                return is_back, int(number), stamp
        return None

    def _resumed(self, under_way: "tuple[bool, int, str]") -> Outcome:
        is_back, number, stamp = under_way
        begun = next((one for one in self._said(stamp) if one.get("did") == "begin"), {})
        start = begun.get("start", max(number - 1, 0))
        assert isinstance(start, int)
        found = Outcome(self.path, number, start) if is_back else Outcome(self.path, start, number)
        found.is_resumed = True
        found.steps = [f"format {found.end}: finish what was begun"]
        return found

    def _place(self, stamp: str) -> str:
        return f"{layout.MIGRATIONS}/{stamp}"

    def _stamps(self) -> "list[str]":
        """What names the migrations that were done and can be taken back, oldest first."""
        try:
            names = os.listdir(self._store.present(layout.MIGRATIONS))
        except FileNotFoundError:
            return []
        found = sorted(name[:-4] for name in names if name.endswith(".tar") and _is_stamp(name[:-4]))
        return [stamp for stamp in found if self._last(stamp) in ("changed", "migrated")]

    def _last(self, stamp: str) -> object:
        return ([None] + [one.get("did") for one in self._said(stamp)])[-1]

    def _note(self, stamp: str, did: str, **facts: object) -> None:
        """Add a line to the migration's log, synced."""
        fields = {"timestamp": runtime.timestamp(runtime.now_ns()), "did": did, **facts, "by": runtime.user()}
        folder = self._store.folder(layout.MIGRATIONS)
        fd = os.open(f"{stamp}.log", FLAGS | os.O_APPEND, 0o600, dir_fd=folder)
        try:
            size = os.fstat(fd).st_size
            torn = b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""  # by one who was killed
            view = memoryview(torn + dumps(fields).encode("utf-8", "surrogateescape") + b"\n")
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.fsync(folder)

    def _said(self, stamp: str) -> "list[Facts]":
        """The lines of the migration's log that are whole."""
        try:
            raw = self._store.read_file(layout.MIGRATIONS, f"{stamp}.log", LARGEST)
        except FileNotFoundError:
            return []
        found: list[Facts] = []
        for line in raw.split(b"\n"):
            try:
                one = loads(line) if line else None
            except ValueError:
                continue  # torn, so what it says was not done
            if isinstance(one, dict):
                found.append(one)
        return found


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_stamp(word: str) -> bool:
    return len(word) == 15 and word[8] == "-" and word.replace("-", "").isdecimal()
