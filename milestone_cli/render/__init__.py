"""What a command prints: a sentence for people, or one JSON object for machines; only here is stdout written."""

import os
import sys

from milestone_cli.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STDOUT = "standard output"
"""The name of the file that failed, where it is that."""


def emit(kind: str, fields: "dict[str, object]", text: str, output: str) -> None:
    """Print a result; see `formed`."""
    write(formed(kind, fields, text, output))


def formed(kind: str, fields: "dict[str, object]", text: str, output: str) -> str:
    """A result in the form that was asked for.

    Args:
        kind: of the output; its schema is `milestone/<kind>/v1`.
        fields: the result as JSON values.
        text: the same for people.
        output: text, json, jsonl or yaml.
    """
    if output == "text":
        return text + "\n" if text else ""
    if output == "yaml":
        from milestone_cli.render.yaml import to_yaml

        return to_yaml({"schema": f"milestone/{kind}/v1", **fields})
    return f'{{"schema":"milestone/{kind}/v1",{dumps(fields)[1:]}\n'


def write(text: "str | bytes") -> None:
    """Write to standard output, after what was printed before; bytes go out as they are."""
    sys.stdout.flush()
    data = memoryview(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError as error:
        error.filename = STDOUT
        raise


def notify(notes: "Sequence[str]") -> None:
    """Tell people on standard error what was found or repaired on the way."""
    if notes:
        from milestone_cli.render.text import clean

        for note in notes:
            sys.stderr.write(f"milestone: {clean(note)}\n")
