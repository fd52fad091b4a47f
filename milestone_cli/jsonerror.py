"""Why a text is no acceptable JSON, in one sentence; reached only when it is not."""

import json

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import DEPTH

HINT = "check it with a JSON parser; nothing was written"
WORD = "on a command line quote all of it, '{\"step\": 1}', and write a file as @FILE; nothing was written"
"""For what is wrong from its beginning: a shell took the quotes away, or it is a file's name."""


def explain(raw: bytes, error: BaseException, what: str) -> MilestoneError:
    """Turn whatever the scanner raised into the error that a person can act upon.

    CPython 3.11's C scanner answers some broken texts with SystemError, so `json` itself has the last word.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as bad:
        return MilestoneError(
            "invalid_json", f"{what} is not UTF-8: byte {bad.start} does not fit", "save it as UTF-8", offset=bad.start
        )
    if not text.strip(" \t\n\r"):
        return MilestoneError("invalid_json", f"{what} is empty", "give a JSON document, for example {}")
    if isinstance(error, RecursionError):
        return MilestoneError(
            "invalid_json",
            f"{what} is nested more than {DEPTH} levels deep",
            "flatten it, or keep the deep part in a file of its own",
            depth_limit=DEPTH,
        )
    if isinstance(error, UnicodeEncodeError):
        return MilestoneError(
            "invalid_json", f"{what} has half a character (a lone surrogate) in a string", "write the whole character"
        )
    is_of_file = what.startswith("line ") or "/" in what  # so no shell has taken its quotes away
    try:
        json.loads(text, parse_int=len, parse_float=len)
    except json.JSONDecodeError as bad:
        return MilestoneError(
            "invalid_json",
            f"{what} is not valid JSON: {bad.msg} at line {bad.lineno}, column {bad.colno}",
            HINT if bad.pos > 1 or is_of_file else WORD,
            line=bad.lineno,
            column=bad.colno,
        )
    except (ValueError, RecursionError):
        pass
    return MilestoneError("invalid_json", f"{what} is not valid JSON: {error}", HINT)
