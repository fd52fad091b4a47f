"""A command that is run once for the same question; afterwards what it wrote is written again, and it ends as it did.

The cache is never the reason that a command does not run: where nothing can be looked up or kept, it runs as it would
have without us, and a sentence says why. What is kept is whole, or not there: a command that was interrupted, that
failed, or whose inputs changed while it ran leaves no entry. Who asks while somebody else's run of the same question is
under way waits for it, under a lock that the kernel gives back when the runner dies.
"""

from milestone_cli import runtime
from milestone_cli.core.cache import explanation
from milestone_cli.core.cache.question import Question
from milestone_cli.core.cache.recording import Recorder, is_whole, replay
from milestone_cli.core.cache.wish import Wish, standard_input
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.storage.files.runlock import RunLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.core.cache.entries import Cache, Entry
    from milestone_cli.core.supervise import Upkeep
    from milestone_cli.storage.contract import Lease, Store
    from milestone_cli.storage.files.checksums import Checksums
    from milestone_cli.storage.files.folders import Folders

    Tell = Callable[[str], None]

UNRUN = (126, 127)
"""Exit codes of a command that could not be run, as shells give them; never kept."""
AROUND = "MILESTONE_CACHE_RUNS"
"""The variable that tells a command which questions it is inside of, and which processes ask them."""
SIGNALLED = 128
"""Exit codes above it tell of a signal; never kept, since nothing is known of a run that was stopped."""


class _Alone:
    """Nothing to look after while a command runs; see `supervise.Upkeep`."""

    name = ""

    def held(self) -> bool:
        return True

    def let_go(self) -> None:
        pass

    def renew(self) -> None:
        pass


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
        return _execute(command, _Alone(), Recorder("", given), tell)
    try:
        run_ = _Run(store, command, wish, tell, given)
        question = Question(command, wish.patterns, wish.names, run_.checksums(), checksum)
    except OSError as error:
        tell(f"the result is not kept: {error.filename or 'an input'}: {error.strerror}")
        return _execute(command, _Alone(), Recorder("", given), tell)
    except MilestoneError as error:
        if error.code == "invalid_name":
            raise
        tell(f"the result is not kept: {error.message}")
        return _execute(command, _Alone(), Recorder("", given), tell)
    for pattern in question.inputs.empty():
        tell(f"no file is there for the input '{pattern}'")
    return run_.answer(question)


class _Run:
    """One call of `run` with a store."""

    def __init__(self, store: "Store", command: "list[str]", wish: Wish, tell: "Tell", given: int) -> None:
        from milestone_cli.core.cache.opening import open_cache

        self._store, self._command, self._wish, self._tell, self._given = store, command, wish, tell, given
        self._cache: Cache = open_cache(store, wish.namespace)
        self._folders = _near(store)

    def checksums(self) -> "Checksums | None":
        """What is remembered of files that were hashed."""
        if self._folders is None:
            return None
        from milestone_cli.storage.files.checksums import Checksums

        return Checksums(self._folders)

    def answer(self, question: Question) -> int:
        """Write again what is kept; else run it, alone."""
        kept = None if self._wish.refresh else self._find(question)
        if kept:
            return self._replay(kept, question)
        try:
            lock = self._lock(question)
        except (MilestoneError, OSError) as error:
            if isinstance(error, MilestoneError) and error.code == "lock_timeout":
                raise
            why = error.message if isinstance(error, MilestoneError) else f"it cannot be locked: {error.strerror}"
            self._tell(f"the result is not kept: {why}")
            return _execute(self._command, _Alone(), Recorder("", self._given), self._tell)
        try:
            # Somebody may have run it just before; only then it counts as a second question.
            if not self._wish.refresh and self._cache.peek(question.key):
                kept = self._find(question)
            if kept is None:
                if self._wish.explain:
                    for line in self._why(question):
                        self._tell(line)
                return self._record(question, lock)
        finally:
            self._release(lock)
        return self._replay(kept, question)

    def _release(self, lock: "RunLock | Lease") -> None:
        """Give the lock back; what stands in the way is no failure of the command that has run."""
        try:
            if isinstance(lock, RunLock):
                lock.end()
            else:
                self._store.locks().end(lock)
        except (MilestoneError, OSError) as error:
            self._tell(f"the lock of this run could not be given back: {error}")

    def _find(self, question: Question) -> "Entry | None":
        """The entry of a question, if it holds."""
        try:
            found = self._cache.get(question.key)
        except OSError as error:
            self._tell(f"what is kept cannot be looked up: {error.strerror}")
            return None
        self._warn()
        if found is None or type(found.meta.get("exit")) is not int:
            return None
        if found.meta["exit"] and not self._wish.failures:
            return None
        if not is_whole(found.data):
            self._tell("what is kept under this key is not the result of a command; it is run again")
            return None
        is_old = self._wish.ttl is not None and found.created < runtime.now_ns() - self._wish.ttl
        return None if is_old else found

    def _warn(self) -> None:
        for note in self._cache.notes:
            self._tell(note)
        self._cache.notes.clear()

    def _replay(self, kept: "Entry", question: Question) -> int:
        """Write again what the command wrote, and end as it did."""
        if self._wish.explain:
            self._tell(explanation.hit(kept, question))
        replay(kept.data)
        return int(str(kept.meta["exit"]))

    def _lock(self, question: Question) -> "RunLock | Lease":
        """Wait until nobody else runs it."""

        def busy(pid: str) -> None:
            if self._wish.explain:
                self._tell(f"{f'process {pid}' if pid else 'another process'} runs it already: waiting for its result")

        for word in (runtime.env(AROUND) or "").split():
            key, _, pid = word.partition(":")
            if key == question.key and pid.isdigit() and runtime.is_ancestor(int(pid)):
                raise MilestoneError(
                    "lock_timeout", "this command runs inside of itself, and would wait for ever",
                    "give the inner one other arguments, or run it without the cache", pid=int(pid),
                )  # fmt: skip
        try:
            if self._folders is not None and "://" not in self._store.path:
                return RunLock(self._folders, question.key, self._wish.wait, busy)
            return self._lease(f"cache-{question.key[:32]}", busy)
        except MilestoneError as error:
            if error.code != "lock_timeout":
                raise
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

    def _why(self, question: Question) -> "list[str]":
        if self._wish.refresh:
            return ["cache miss: --refresh"]
        return explanation.miss(question, explanation.earlier(self._folders, self._cache.namespace))

    def _record(self, question: Question, lock: "Upkeep") -> int:
        """Run the command, pass on what it writes, and keep it if it is worth keeping."""
        folder = self._folders.path if self._folders is not None else ""
        recorder = Recorder(folder, self._given)
        began, began_at = runtime.monotonic(), runtime.now_ns()
        try:
            code = _execute(self._command, lock, recorder, self._tell, question.key)
            why = self._objection(question, code, recorder)
            if why:
                if self._wish.explain or code == 0:
                    self._tell(f"the result is not kept: {why}")
            else:
                self._keep(question, recorder.kept(), code, runtime.monotonic() - began, began_at)
        finally:
            recorder.close()
        return code

    def _objection(self, question: Question, code: int, recorder: Recorder) -> str:
        """Why a result is not worth keeping; empty when it is."""
        if code in UNRUN or code > SIGNALLED:
            return "it could not be run" if code in UNRUN else f"it was ended by signal {code - SIGNALLED}"
        if code and not self._wish.failures:
            return f"it ended with exit code {code}"
        if recorder.trouble:
            return recorder.trouble
        key = question.key
        try:
            question.look()
        except OSError as error:
            return f"{error.filename or 'an input'}: {error.strerror}"
        return "" if question.key == key else "its inputs changed while it ran"

    def _keep(self, question: Question, data: bytes, code: int, seconds: float, at: int) -> None:
        from milestone_cli.core.cache.entries import Entry
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
            self._tell(f"the result is not kept: {error}")
        self._warn()
        if is_kept and self._folders is not None:
            runlog.append(self._folders, self._cache.namespace, dumps({"at": at, **facts}).encode())


def _execute(command: "list[str]", lock: "Upkeep", recorder: Recorder, tell: "Tell", key: str = "") -> int:
    """Run a command to its end, and to that of what it writes."""
    from milestone_cli.core.supervise import supervise

    environment = runtime.environment()
    if key:
        environment[AROUND] = f"{environment.get(AROUND, '')} {key}:{runtime.getpid()}".strip()
    try:
        code, notes = supervise(command, environment, lock, recorder.started, recorder.actions)
    finally:
        recorder.wait()
    for note in notes:
        tell(note)
    return code


def _near(store: "Store") -> "Folders | None":
    """The folders of a store on this machine; a folder of this machine for a database."""
    from milestone_cli.core.cache.opening import root_of
    from milestone_cli.storage.files.folders import Folders

    if isinstance(store, Folders):
        return store
    try:
        return Folders(root_of(store))
    except (OSError, MilestoneError):
        return None
