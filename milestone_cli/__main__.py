"""The one funnel: a command line goes in, an exit code comes out, and every failure becomes one message.

What is hot goes through the strict reader, so Typer and the words for failures are imported only when needed.
"""

import gc
import sys

from . import runtime
from .cli import read


def main(argv: "list[str] | None" = None) -> int:
    """Run a command line and return its exit code.

    Without `argv` this is the console script: it reads `sys.argv`, and may end the process itself.
    """
    if argv is None:
        gc.disable()  # one command is over before cycles matter, and bulk work runs 2 to 4 times faster
    words = sys.argv[1:] if argv is None else argv
    try:
        code = _run(words)
        sys.stdout.flush()  # a full disk or a closed pipe must show before the exit code is chosen
    except BaseException as error:
        from .cli import failure

        code = failure.report(error, words)
    if argv is None:
        _leave(code)
    return code


def _run(words: "list[str]") -> int:
    """Call the function that the words mean; its result is the exit code, None is 0."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None or runtime.platform() == "win32":
        from .cli import failure

        failure.prepare()
    runtime.flags.clear()
    runtime.applied.clear()
    found = read(words)
    if found is None:
        if "hook" in words:
            from .cli import hook

            if hook.is_entry(words):  # what a client calls must do no harm, however it is spelt
                return hook.excuse(words)
        from .cli import app

        return app.run(words)
    module, function, values, flags = found
    runtime.flags.update(flags)
    __import__(module)
    return getattr(sys.modules[module], function)(**values) or 0


def _leave(code: int) -> None:
    """End without taking the interpreter apart, which costs more than a command, unless someone waits."""
    import atexit

    watched = sys.getprofile() or sys.gettrace() or sys.flags.inspect
    if watched or atexit._ncallbacks() or "threading" in sys.modules:  # noqa: SLF001 - there is no other way to know
        return
    import os

    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
