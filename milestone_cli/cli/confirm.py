"""Asking a person before something is removed or overwritten; only at a terminal, so that scripts never wait."""

import os
import sys

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError


def confirm(plan: str, question: str) -> None:
    """Show what would be done and ask, where standard input is a terminal; elsewhere go on.

    Args:
        plan: what would be done, safe to show; it goes to standard error with the question.
        question: answered by y or yes, and by anything else with no.

    Raises:
        MilestoneError: `interrupted` when the answer is not yes.
    """
    if not runtime.is_terminal(0):
        return
    sys.stderr.write(f"{plan}\n\n{question} [y/N] ")
    sys.stderr.flush()
    answer = os.read(0, 1024).decode("utf-8", "replace").strip().lower()
    if answer not in ("y", "yes"):
        raise MilestoneError("interrupted", "nothing was changed", "answer y, or give --yes")
