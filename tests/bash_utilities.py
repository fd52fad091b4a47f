"""Drives bash utilities that share a store with `milestone`: a stand-in of ours, or those of a document.

Both are a file of functions to source. `names` maps what a step is called here to the function that does it,
so a test writes `{lock} demo && sleep 2; {unlock} demo` once for both.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conftest import BIN, clean_environment

STAND_IN = Path(__file__).parent / "bash" / "milestone-state.sh"
STAND_IN_NAMES = {
    "init": "init_state", "lock": "take_lock", "unlock": "drop_lock", "save": "save_state",
    "load": "load_state", "log": "log_event", "recover": "recover_state", "checkpoint": "make_checkpoint",
    "restore": "restore_checkpoint", "session": "start_session", "end": "end_session", "clean": "clean_up",
    "timeline": "show_timeline",
}  # fmt: skip
REFERENCE_NAMES = {
    "init": "init_milestone_state", "lock": "acquire_state_lock", "unlock": "release_state_lock",
    "save": "save_milestone_state", "load": "load_milestone_state", "log": "log_milestone_event",
    "recover": "recover_milestone_state", "checkpoint": "create_state_checkpoint",
    "restore": "restore_from_checkpoint", "session": "create_milestone_session",
    "end": "end_milestone_session", "clean": "cleanup_milestone_state",
    "query": "query_milestone_events", "timeline": "generate_event_timeline",
}  # fmt: skip


@dataclass(frozen=True)
class BashUtilities:
    """Functions in a file, run by bash in the directory that holds the store."""

    source: Path
    names: dict[str, str]
    directory: Path

    def start(self, script: str, *args: str) -> subprocess.Popen[str]:
        """Start a shell that knows the functions; `{save}` and so on in the script become their names."""
        body = re.sub(r"\{([a-z]+)\}", lambda match: self.names[match[1]], script)
        env = clean_environment(self.directory)
        env["PATH"] = f"{BIN}:{env['PATH']}"  # its python3 is then this one, not a slow shim
        return subprocess.Popen(
            ["bash", "-c", f'. "$0"; {body}', str(self.source), *args],
            cwd=self.directory, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, script: str, *args: str, check: bool = True) -> str:
        """Run a script to its end and hand back its standard output; `check` asserts success."""
        process = self.start(script, *args)
        out, err = process.communicate(timeout=120)
        assert not check or process.returncode == 0, f"{script} -> {process.returncode}\n{out}\n{err}"
        return out


def reference_document() -> Path | None:
    """The document that MILESTONE_REFERENCE points to, a file or the directory it is in."""
    value = os.environ.get("MILESTONE_REFERENCE")
    if not value:
        return None
    path = Path(value)
    return next(iter(sorted(path.glob("002*.txt"))), None) if path.is_dir() else path


def reference_functions(document: Path, target: Path) -> Path:
    """Write all ```bash blocks of a document to a file that can be sourced."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    target.write_text("\n".join(blocks), encoding="utf-8")
    return target
