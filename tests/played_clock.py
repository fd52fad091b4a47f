"""The installed command by another clock: libfaketime, loaded into it as its own wrapper would load it.

The wrapper is left out because it refuses to start where somebody with the same process id was killed before it and has
left a semaphore behind; the library itself does not mind.
"""

import subprocess
from pathlib import Path
from typing import Any

_PLACES = ("lib/*/faketime", "lib*/faketime", "local/lib*/faketime")
LIBRARY = next((str(path) for place in _PLACES for path in Path("/usr").glob(f"{place}/libfaketime.so.1")), "")
"""Where this machine has it; empty if it has none."""


def environment(offset: str) -> dict[str, str]:
    """The variables under which a command's clock is off by so much: `-11m`, `+400d`."""
    return {"LD_PRELOAD": LIBRARY, "FAKETIME": offset}


def run(words: list[str], *, given: str = "", **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, and take away what the library leaves of it."""
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    ) as process:
        try:
            out, err = process.communicate(given, timeout=120)
        finally:
            process.kill()
            tidy(process.pid)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def tidy(pid: int) -> None:
    """Remove the shared memory of a process that ended without doing so, as one does that is killed."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        Path("/dev/shm", name).unlink(missing_ok=True)
