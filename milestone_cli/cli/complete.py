"""Writes completions for bash, zsh and fish, and the manual, from the Typer app; `--check` only compares.

    python -m milestone_cli.cli.complete [--check] [FOLDER]

Names of milestones, sessions and checkpoints come from `milestone names`, which starts about as fast as Python.
"""

import sys
from pathlib import Path

from .completion import bash, fish, manual, zsh
from .completion.declared import program

FOLDER = Path(__file__).parents[2] / "completions"


def files() -> dict[str, str]:
    """Name and text of every file as it should be."""
    declared = program()
    return {
        "milestone.bash": bash.script(*declared),
        "_milestone": zsh.script(*declared),
        "milestone.fish": fish.script(*declared),
        "milestone.1": manual.page(*declared),
    }


def main(words: list[str]) -> int:
    """Write or check; 1 when what is there is not what the app says."""
    folders = [word for word in words if word != "--check"]
    folder = Path(folders[0]) if folders else FOLDER
    stale = []
    for name, text in files().items():
        target = folder / name
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in words:
            target.write_text(text, encoding="utf-8")
    if stale and "--check" in words:
        sys.stderr.write(f"{', '.join(stale)}: out of date; run python -m milestone_cli.cli.complete\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
