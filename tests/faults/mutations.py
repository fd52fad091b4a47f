"""Defects of the write path, the locks and the recovery, each put into a copy of the program by exact text.

That every one of them is caught shows that the suite can see. A text that is not there any more is a failure too: then
the defect must be written anew, for the code as it is now.
"""

import compileall
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from scenes import Program

import milestone_cli

FILES = "storage/files/"


@dataclass(frozen=True)
class Mutation:
    """What is wrong, in which file, by which text in place of which, and the check of `checks` that sees it."""

    name: str
    file: str
    old: str
    new: str
    check: str


MUTATIONS = [
    Mutation("state not synced", FILES + "commit.py",
             "            view = view[os.write(fd, view) :]\n        os.fsync(fd)\n",
             "            view = view[os.write(fd, view) :]\n", "replay save"),
    Mutation("folder of states not synced", FILES + "commit.py",
             "    try:\n        os.fsync(folder)\n    except OSError as error:\n        raise _unlogged",
             "    try:\n        pass\n    except OSError as error:\n        raise _unlogged", "replay save"),
    Mutation("event not synced", FILES + "log.py", "                    os.fdatasync(self.fd)\n", "", "replay log"),
    Mutation("folder of a new log not synced", FILES + "log.py",
             "            self._sync_folder()\n", "            pass\n", "replay log-first"),
    Mutation("folder above a new store not synced", FILES + "founding.py",
             "        os.fsync(above)", "        pass", "replay init"),
    Mutation("intent not synced", FILES + "intent.py",
             "        write_synced(aside, data, folder)\n        for lock",
             "        fd = os.open(aside, 0o101, 0o600, dir_fd=folder)\n        os.write(fd, data)\n"
             "        os.close(fd)\n"
             "        for lock", "replay checkpoint-create"),
    Mutation("folder of intents not synced", FILES + "intent.py",
             "    try:\n        os.fsync(folder)\n", "    try:\n        pass\n", "replay checkpoint-create"),
    Mutation("folders of a transaction's files not synced", FILES + "transaction.py",
             "        os.fsync(store.folder(folder))\n", "", "replay checkpoint-create"),
    Mutation("events before files", FILES + "transaction.py",
             "        _put(store, record, plan.puts, is_new=is_new)\n",
             "        receipts = _log(store, plan, contents, held, deadline, once)\n"
             "        _put(store, record, plan.puts, is_new=is_new)\n"
             "        intent.close(store, record)\n        return receipts\n", "checkpoint before its event"),
    Mutation("event before state", FILES + "commit.py",
             "    move_in(aside, folder, layout.state_file(name), folder,",
             "    os.unlink(layout.state_file(name), dir_fd=folder) if old else None\n"
             "    move_in(aside, folder, layout.state_file(name), folder,",
             "kill save at its rename"),
    Mutation("pending transactions not finished", FILES + "commit.py",
             "if not any(map(layout.is_intent, os.listdir(store.folder(layout.PENDING))))", "if True",
             "kill checkpoint once committed"),
    Mutation("swallowed event not logged", FILES + "reconciling.py",
             "        _log_swallowed(log, document)\n    elif", "        pass\n    elif", "kill save at its event"),
    Mutation("head moved over a torn tail", FILES + "tail.py",
             "    if not log.prefix:\n        write_head", "    if True:\n        write_head",
             "kill repair of a torn log"),
    Mutation("torn tail not isolated", FILES + "log.py", "        if self.torn:\n", "        if False:\n", "torn tail"),
    Mutation("empty log taken for a milestone", FILES + "founding.py",
             "    return not has_state and not has_line", "    return False", "kill init at its event"),
    Mutation("remains of a broken lock not removed", FILES + "lock.py",
             "            os.rmdir(layout.broken_folder(self.name), dir_fd=locks)\n        except FileNotFoundError",
             "            pass\n        except FileNotFoundError", "kill breaker of a lock"),
    Mutation("kernel's lock not taken", FILES + "lock.py",
             "            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "            pass\n", "slow savers"),
    Mutation("log not locked", FILES + "log.py",
             "            flock(self._fds[0], deadline, stream)\n", "", "slow loggers"),
    Mutation("fence not looked at", FILES + "lock.py",
             "        if not self.held():\n            raise MilestoneError(\n",
             "        if False:\n            raise MilestoneError(\n", "lock taken away"),
    Mutation("state not compared before the commit", FILES + "commit.py",
             "        if store.identity(name) != (old.identity if old else ()):\n", "        if False:\n",
             "state changed"),
    Mutation("lock of a living process broken", FILES + "contention.py",
             "    if runtime.ended(pid_number):\n", "    if True:\n", "living holder"),
    Mutation("lock broken too early", FILES + "contention.py", "PATIENCE = 5.0", "PATIENCE = 0.0",
             "holder without name"),
    Mutation("head not written", FILES + "log.py",
             "            write_head(self.head_fd, head)\n        except OSError",
             "            pass\n        except OSError",
             "tail cut off"),
    Mutation("temporary file not exclusive", FILES + "folders.py",
             "os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC",
             "os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC", "exclusive files"),
    Mutation("backup omitted", FILES + "commit.py", "    if old and backup:\n", "    if False:\n", "backups"),
    Mutation("temporary file left after a failure", FILES + "commit.py",
             "        forget(folder, aside)\n        raise\n    move_in", "        raise\n    move_in",
             "fail sync of state"),
    Mutation("sealed part taken for an unfinished one", FILES + "sealing.py",
             "st_ino != made.next:\n", "st_ino:\n", "interrupt seal at its renames"),
    Mutation("failed sync tried again", FILES + "log.py",
             "                    os.fdatasync(self.fd)\n",
             "                    try:\n                        os.fdatasync(self.fd)\n"
             "                    except OSError:\n                        os.fdatasync(self.fd)\n",
             "fail sync of log"),
    Mutation("failed sync ignored", FILES + "log.py",
             "                    os.fdatasync(self.fd)\n",
             "                    try:\n                        os.fdatasync(self.fd)\n"
             "                    except OSError:\n                        pass\n", "fail sync of log"),
    Mutation("lock not given back", FILES + "lock.py",
             "                os.rmdir(self._folder, dir_fd=self._locks)\n", "", "nothing left"),
    Mutation("short write taken for a whole one", FILES + "log.py",
             "            if done < len(data):\n", "            if False:\n", "short write"),
    Mutation("key not looked up", FILES + "commit.py",
             "        if earlier := known(store, change, log):\n            return earlier\n    if old is None",
             "        assert known\n    if old is None",
             "one key"),
]  # fmt: skip


def copied(directory: Path) -> Program:
    """A copy of the installed program, and how it is called."""
    source = Path(milestone_cli.__path__[0])
    shutil.copytree(source, directory / "milestone_cli", dirs_exist_ok=True)
    compiled(directory / "milestone_cli")
    return Program((sys.executable, "-m", "milestone_cli"), (("PYTHONPATH", str(directory)),))


def apply(mutation: Mutation, directory: Path) -> Program:
    """The program with the defect.

    Raises:
        ValueError: when the text to be replaced does not stand there exactly once.
    """
    program = copied(directory)
    path = directory / "milestone_cli" / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise ValueError(f"'{mutation.name}': the text stands {text.count(mutation.old)} times in {mutation.file}")
    path.write_text(text.replace(mutation.old, mutation.new))
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    compiled(path.parent)
    return program


def compiled(folder: Path) -> None:
    """Have the bytecode there before calls are counted: whose run writes it looks into more folders than the next."""
    compileall.compile_dir(folder, quiet=1)
