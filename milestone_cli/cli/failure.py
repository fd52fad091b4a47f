"""What stopped a command, told once: a message and a hint, or one JSON object, and an exit code."""

import errno
import os
import sys

from .. import runtime
from ..errors import MilestoneError
from ..render import STDOUT
from ..render.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typer._click.exceptions import UsageError

SCHEMA = "milestone/error/v1"
BROKEN_PIPE = 141
LOST_HINT = "look at where the output goes: a full disk, a closed terminal"
ANY_HINT = "check that the store is still there, and that you may write it"
HINTS = {
    errno.ENOSPC: "free some space and run it again; what was acknowledged is safe",
    errno.EDQUOT: "free some space and run it again; what was acknowledged is safe",
    errno.EACCES: "check who owns the store and what they permit",
    errno.EPERM: "check who owns the store and what they permit",
    errno.EROFS: "the disk is mounted read-only; mount it for writing, or name another store",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; try again",
    errno.ENOLCK: "the file system gives no locks; keep the store on one that does",
    errno.EIO: "the disk reports an error; look after your copies before anything else",
}


def prepare() -> None:
    """Refuse a platform that has no promises to keep, and fill the standard descriptors that are closed.

    Left empty, the next files opened would take their numbers, and output would land in the store.
    """
    if runtime.platform() == "win32":
        raise MilestoneError(
            "unsupported_platform", "milestone runs on Linux and macOS, not on Windows", "use it inside WSL"
        )
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass  # writing to what is open for reading fails, as it does to a closed stream
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def report(error: BaseException, words: list[str]) -> int:
    """Tell on standard error what happened, and return the exit code; of a client's hook nothing is told there."""
    if "hook" in words:
        from . import hook

        if hook.is_entry(words):
            return hook.excuse(words, error)
    error = _settle_output(error)
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    if isinstance(error, SystemExit):
        if isinstance(error.__context__, BrokenPipeError):  # what rich makes of it
            return BROKEN_PIPE
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    failure = _with_applied(_as_failure(error, words))
    text = _as_json(failure) if _wants_json(words) else _story(failure, error)
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(2)  # there is nowhere left to say it; the exit code does
    _note(failure, error, words)
    return failure.exit_code


def _note(failure: MilestoneError, error: BaseException, words: list[str]) -> None:
    """Count a failure that says something about the store, for `metrics` and `doctor`; nothing here may fail."""
    if getattr(error, "filename", None) == STDOUT:
        return
    try:
        from ..core.metrics.failures import note

        note(failure, _command(words))
    except Exception:  # noqa: S110 - whoever is told of a failure is not told of another one
        pass


def _command(words: list[str]) -> str:
    """The command that a line means, in the program's own words; nothing else of the line."""
    from .compiled import COMMANDS

    for at, word in enumerate(words):
        for name in (" ".join(words[at : at + 2]), word):
            if "\n" not in name and f"\n{name}\t" in COMMANDS:
                return name
        if word == "--":
            break
    return "other"


def _with_applied(failure: MilestoneError) -> MilestoneError:
    """The failure, and what the command had put on disk before it: never plain failure then."""
    applied = [one for one in runtime.applied if one not in failure.message]
    if applied and failure.code != "unlogged":
        failure.message += f"; applied already: {', '.join(applied)}"
        failure.retryable = False
    if runtime.applied:
        failure.details["applied"] = list(runtime.applied)
    return failure


def _settle_output(error: BaseException) -> BaseException:
    """Write out what was printed before the failure; if that fails too, that is where it failed."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as lost:
        _drop(1)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = STDOUT if error.errno == getattr(lost, "errno", 0) else None
    return error


def _drop(stream: int) -> None:
    """Let a stream that nobody takes end in nothing, so that Python does not complain about it at its exit.

    Python's own advice: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _as_failure(error: BaseException, words: list[str]) -> MilestoneError:
    """The failure that an exception means, of a command line."""
    if isinstance(error, MilestoneError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return MilestoneError("interrupted", "interrupted")
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        number = error.errno or 0
        reason = error.strerror or str(error) or type(error).__name__
        name = errno.errorcode.get(number, "")
        if number == errno.ELOOP:
            told = f"there is a link where none may be{where}"
            return MilestoneError("unsafe_link", told, "look at it, then move it away")
        hint = LOST_HINT if error.filename == STDOUT else HINTS.get(number, ANY_HINT)
        return MilestoneError("store_unreachable", reason + where, hint, errno=name)
    if (wrong := _usage_error(error)) is not None:
        named = _command(words)
        command = wrong.ctx.command_path if wrong.ctx else "milestone" + (f" {named}" if named != "other" else "")
        return MilestoneError(
            "usage",
            wrong.format_message(),
            _elsewhere(wrong) or ("--" not in words and _behind(wrong)) or f"`{command} --help` shows how it is called",
        )
    what = " ".join(f"unexpected {type(error).__name__}: {error}".split())
    hint = "" if runtime.flags.get("verbose") else "`milestone --verbose …` shows where it came from"
    return MilestoneError("unexpected", what, hint)


def _elsewhere(error: "UsageError") -> str:
    """Where a command is that was looked for without its group, as `save` for `state save`; empty for other errors."""
    from .compiled import COMMANDS

    asked = getattr(error, "command_name", None) or (error.message.split("'")[1:2] or [""])[0]
    if not error.message.startswith("No such command") or (error.ctx and error.ctx.parent):
        return ""
    groups = [entry.split(" ")[0] for entry in COMMANDS.split("\n") if entry.partition("\t")[0].endswith(f" {asked}")]
    return f"there is {', '.join(f'`milestone {group} {asked}`' for group in groups)}" if groups else ""


def _behind(error: "UsageError") -> str:
    """Where the options go of a command that ours is to run; empty for other errors."""
    params = error.ctx.command.params if error.ctx and error.message.startswith("No such option") else []
    if not error.ctx or not any(str(getattr(one, "metavar", "")).startswith("-- ") for one in params):
        return ""
    return f"-- goes before the command that is to run: `{error.ctx.command_path} -- COMMAND`"


def _usage_error(error: BaseException) -> "UsageError | None":
    """The error as Typer's, without importing Typer for one that cannot be."""
    if "typer" not in sys.modules:
        return None
    from typer._click.exceptions import UsageError

    return error if isinstance(error, UsageError) else None


def _help(error: BaseException) -> str:
    """The whole help for a line that stopped before its command, which is how people ask what there is."""
    wrong = _usage_error(error)
    if wrong is None or wrong.ctx is None or wrong.message != "Missing command.":
        return ""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        plain = wrong.ctx.get_help()
    return printed.getvalue() + plain


def _wants_json(words: list[str]) -> bool:
    """Whether the command line asks for JSON, as far as a line that may be wrong can be understood."""
    wanted = ""
    for index, word in enumerate(words):
        if word == "--":
            break
        if word == "--format":
            wanted = "".join(words[index + 1 : index + 2])
        elif word.startswith("--format="):
            wanted = word.partition("=")[2]
    return wanted in ("json", "jsonl")


def _as_json(failure: MilestoneError) -> str:
    """One line of JSON in ASCII; what is no text in Unicode becomes the replacement character."""
    import json

    fields = {
        "schema": SCHEMA,
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "retryable": failure.retryable,
        "exit_code": failure.exit_code,
        "details": failure.details,
    }
    text = json.dumps(fields, ensure_ascii=False, default=str)
    sound = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return json.dumps(json.loads(sound)).replace("\x7f", "\\u007f") + "\n"


def _story(failure: MilestoneError, error: BaseException) -> str:
    lines = [f"milestone: {failure.message}", *([f"  hint: {failure.hint}"] if failure.hint else [])]
    told = "".join(clean(line).replace("\n", "\\x0a") + "\n" for line in lines)  # names from outside forge no line
    return _traceback(error) + told + _help(error)


def _traceback(error: BaseException) -> str:
    """Where it came from, when that was asked for and is not plain from the message."""
    foreseen = isinstance(error, MilestoneError | KeyboardInterrupt) or _usage_error(error) is not None
    if foreseen or not runtime.flags.get("verbose"):
        return ""
    import traceback

    return clean("".join(traceback.format_exception(error)))
