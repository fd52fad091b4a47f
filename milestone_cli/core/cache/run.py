"""A command that is run once for the same question; afterwards what it wrote is written again, and it ends as it did.

The cache is never the reason that a command does not run: where nothing can be looked up or kept, it runs as it would
have without us, and a sentence says why. What is kept is whole, or not there: a command that was interrupted, that
failed, or whose inputs changed while it ran leaves no entry. Who asks while somebody else's run of the same question is
under way waits for it, under a lock that the kernel gives back when the runner dies.

A hit takes the way `run`, `_Run.answer`, `_find`, `_replay`, and imports nothing of what only a miss needs.
"""

from milestone_cli import runtime
from milestone_cli.core.cache.opening import open_cache, root_of
from milestone_cli.core.cache.question import Question
from milestone_cli.core.cache.recording import is_whole, replay
from milestone_cli.core.cache.wish import Wish, standard_input
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.files.checksums import Checksums
from milestone_cli.storage.files.folders import Folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.cache.entry import Entry
    from milestone_cli.core.cache.recorder import Recorder
    from milestone_cli.core.supervise import Upkeep
    from milestone_cli.storage.contract import Lease, Store
    from milestone_cli.storage.files.runlock import RunLock

    Tell = Callable[[str], None]

UNRUN = (126, 127)
"""Exit codes of a command that could not be run, as shells give them; never kept."""
SIGNALLED, SIGNALS = 128, 64
"""Exit codes above the first tell of a signal, of so many; never kept: nothing is known of a run that was stopped."""


def run(store: "Store | None", command: "list[str]", wish: Wish, tell: "Tell") -> int:
    """Run a command, or write again what it wrote.

    Args:
        store: where results are kept; None: nowhere.
        command: its words.
        wish: how.
        tell: takes sentences for people, at once.

    Returns:
        The command's exit code, 128 + N when signal N ended it.

    Raises:
        MilestoneError: `lock_timeout` when somebody else's run of it did not end in time; `invalid_name`.
        OSError: when standard output does not take what is written.
    """
    given, checksum = standard_input() if wish.reads else (-1, None)
    if store is None:
        return _unkept(command, given, tell)
    try:
        one = _Run(store, command, wish, tell, given)
        question = one.question(checksum)
    except (MilestoneError, OSError) as error:
        if getattr(error, "code", "") == "invalid_name":
            raise
        return _unkept(command, given, tell, _why(error))
    return one.answer(question)


class _Run:
    """One call of `run` with a store."""

    def __init__(self, store: "Store", command: "list[str]", wish: Wish, tell: "Tell", given: int) -> None:
        self._store, self._command, self._wish, self._tell, self._given = store, command, wish, tell, given
        self._cache = open_cache(store, wish.namespace)
        self._folders = store if isinstance(store, Folders) else _near(store)

    def question(self, given: "str | None") -> Question:
        """The command in its surroundings; what it is given to read counts by its checksum."""
        known = Checksums(self._folders) if self._folders is not None else None
        found = Question(self._command, self._wish.patterns, self._wish.names, known, given)
        for pattern in found.inputs.empty():
            self._tell(f"no file is there for the input '{pattern}'")
        return found

    def answer(self, question: Question) -> int:
        """Write again what is kept; else run it, alone."""
        kept = None if self._wish.refresh else self._find(question)
        if kept is None:
            try:
                lock = self._lock(question)
            except (MilestoneError, OSError) as error:
                if getattr(error, "code", "") == "lock_timeout":
                    raise
                return _unkept(self._command, self._given, self._tell, _why(error))
            try:
                kept = self._kept_meanwhile(question)
                if kept is None:
                    return self._record(question, lock)
            finally:
                self._release(lock)
        return self._replay(kept, question)

    def _find(self, question: Question) -> "Entry | None":
        """The entry of a question, if it holds."""
        try:
            found = self._cache.get(question.key, agent=self._wish.agent)
        except (MilestoneError, OSError) as error:
            self._tell(f"what is kept cannot be looked up: {_why(error)}")
            return None
        self._warn(question.key)
        if found is None or self._holds(found):
            return found
        if not is_whole(found.data):
            self._tell("what is kept under this key is not the result of a command; it is run again")
        return None

    def _kept_meanwhile(self, question: Question) -> "Entry | None":
        """What somebody else has kept while this one waited; looked at first, since asking again counts again."""
        there = None if self._wish.refresh else self._cache.peek(question.key)
        return self._find(question) if there is not None and self._holds(there) else None

    def _holds(self, entry: "Entry") -> bool:
        """Whether an entry is an answer to what is asked: whole, of a success unless failures will do, and not old."""
        code = entry.meta.get("exit")
        is_old = self._wish.ttl is not None and entry.created < self._cache.clock() - self._wish.ttl
        return type(code) is int and (not code or self._wish.failures) and not is_old and is_whole(entry.data)

    def _warn(self, key: str) -> None:
        """Tell what the cache noted; of the key of a command nobody knows."""
        for note in self._cache.notes:
            self._tell(note.replace(f"cache: {key} is not kept", "the result is not kept"))
        self._cache.notes.clear()

    def _replay(self, kept: "Entry", question: Question) -> int:
        """Write again what the command wrote, and end as it did."""
        if self._wish.explain:
            from milestone_cli.core.cache import explanation

            self._tell(explanation.hit(kept, question))
        replay(kept.data)
        return int(str(kept.meta["exit"]))

    def _lock(self, question: Question) -> "RunLock | Lease":
        """Wait until nobody else runs it."""
        from milestone_cli.core.cache.execution import refuse_inside

        def busy(pid: str) -> None:
            if self._wish.explain or runtime.is_terminal(2):
                self._tell(f"{f'process {pid}' if pid else 'another process'} runs it already: waiting for its result")

        refuse_inside(question.key)
        try:
            if isinstance(self._store, Folders):
                from milestone_cli.storage.files.runlock import RunLock

                return RunLock(self._store, question.key, self._wish.wait, busy)
            return self._lease(f"cache-{question.key[:32]}", busy)
        except MilestoneError as error:
            if error.code == "lock_timeout":
                error.message = f"another run of this command did not end within {self._wish.wait:g} s"
                error.hint = "wait longer with --timeout"
            raise

    def _lease(self, name: str, busy: "Tell") -> "Lease":
        """The lock among machines."""
        locks = self._store.locks()
        try:
            return locks.hold(name, 0)
        except MilestoneError as error:
            if error.code != "lock_timeout" or not self._wish.wait:
                raise
            pid = error.details.get("pid")
            busy(str(pid) if pid else "")
        return locks.hold(name, self._wish.wait)

    def _release(self, lock: "RunLock | Lease") -> None:
        """Give the lock back; what stands in the way is no failure of the command that has run."""
        from milestone_cli.storage.files.runlock import RunLock

        try:
            if isinstance(lock, RunLock):
                lock.end()
            else:
                self._store.locks().end(lock)
        except (MilestoneError, OSError) as error:
            self._tell(f"the lock of this run could not be given back: {_why(error)}")

    def _record(self, question: Question, lock: "Upkeep") -> int:
        """Run the command, pass on what it writes, and keep it if it is worth keeping."""
        from milestone_cli.core.cache.execution import execute
        from milestone_cli.core.cache.recorder import Recorder

        if self._wish.explain:
            for line in self._missed(question):
                self._tell(line)
        recorder = Recorder(self._folders.path if self._folders is not None else "", self._given)
        began, began_at = runtime.monotonic(), runtime.now_ns()
        try:
            code = execute(self._command, recorder, self._tell, lock, question.key)
            why = self._objection(question, code, recorder)
            if why:
                if self._wish.explain or code == 0:
                    self._tell(f"the result is not kept: {why}")
            else:
                self._keep(question, recorder.kept(), code, runtime.monotonic() - began, began_at)
        finally:
            recorder.close()
        return code

    def _missed(self, question: Question) -> "list[str]":
        """Why it is run."""
        if self._wish.refresh:
            return ["cache miss: --refresh"]
        from milestone_cli.core.cache import explanation

        return explanation.miss(question, explanation.earlier(self._folders, self._cache.namespace))

    def _objection(self, question: Question, code: int, recorder: "Recorder") -> str:
        """Why a result is not worth keeping; empty when it is."""
        if code in UNRUN:
            return "it could not be run"
        if SIGNALLED < code <= SIGNALLED + SIGNALS:
            return f"it was ended by signal {code - SIGNALLED}"
        if code and (not self._wish.failures or code > SIGNALLED):
            return f"it ended with exit code {code}"
        if recorder.trouble:
            return recorder.trouble
        key = question.key
        try:
            question.look()
        except OSError as error:
            return _why(error)
        return "" if question.key == key else "its inputs changed while it ran"

    def _keep(self, question: Question, data: bytes, code: int, seconds: float, at: int) -> None:
        from milestone_cli.core.cache.entry import Entry
        from milestone_cli.jsontext import dumps
        from milestone_cli.storage.files import runlog

        facts = question.facts()
        said = " ".join(str(word) for word in self._command).encode("utf-8", "replace").decode()[:200]
        meta: dict[str, object] = {"exit": code, "seconds": round(seconds, 3), "directory": facts["directory"]}
        entry = Entry(
            question.key, data, agent=self._wish.agent, request=said, tags=self._wish.tags,
            content_hash=question.content, meta=meta,
        )  # fmt: skip
        ttl = None if self._wish.ttl is None else self._wish.ttl / 1e9
        try:
            is_kept = self._cache.put(entry, ttl=ttl)
        except (MilestoneError, OSError) as error:
            is_kept = False
            self._tell(f"the result is not kept: {_why(error)}")
        self._warn(question.key)
        if is_kept and self._folders is not None:
            runlog.append(self._folders, self._cache.namespace, dumps({"at": at, **facts}).encode())


def _unkept(command: "list[str]", given: int, tell: "Tell", why: str = "") -> int:
    """Run a command without keeping anything, and say why."""
    from milestone_cli.core.cache.execution import execute
    from milestone_cli.core.cache.recorder import Recorder

    if why:
        tell(f"the result is not kept: {why}")
    return execute(command, Recorder("", given), tell)


def _near(store: "Store") -> "Folders | None":
    """The folders of this machine in front of a database; None where there can be none."""
    try:
        return Folders(root_of(store))
    except (OSError, MilestoneError):
        return None


def _why(error: "MilestoneError | OSError") -> str:
    """What went wrong, for people, and with which file."""
    if isinstance(error, MilestoneError):
        return error.message
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
