"""A user's document for eyes: indented, every token as it was written, coloured at a terminal."""

from _json import scanstring

from milestone_cli import runtime
from milestone_cli.render.text import clean

KEY, STRING, OTHER, PLAIN = "\x1b[34m", "\x1b[32m", "\x1b[36m", "\x1b[0m"


def wants_colour() -> bool:
    """Whether standard output takes colour: a terminal, unless NO_COLOR or --no-color; FORCE_COLOR wins in a pipe."""
    if runtime.flags.get("no_color") or runtime.env("NO_COLOR"):
        return False
    return bool(runtime.env("FORCE_COLOR")) or (runtime.is_terminal(1) and runtime.env("TERM") != "dumb")


def pretty(raw: bytes, indent: int) -> str:
    """Indent a JSON text; numbers and strings stay as they are spelt.

    Args:
        raw: a valid document, UTF-8.
        indent: spaces a level.
    """
    text, colour = raw.decode(), wants_colour()
    is_terminal = runtime.is_terminal(1)
    out: list[str] = []
    depth, at, end = 0, 0, len(text)
    while at < end:
        char = text[at]
        if char in " \t\n\r":
            at += 1
            continue
        if char == '"':
            stop = scanstring(text, at + 1, True)[1]
            token = text[at:stop]
            follows = text[stop : stop + 64].lstrip(" \t\n\r")
            is_key = (follows or text[stop:].lstrip(" \t\n\r"))[:1] == ":"
            shown = clean(token) if is_terminal else token
            out.append(f"{KEY if is_key else STRING}{shown}{PLAIN}" if colour else shown)
            at = stop
            continue
        at += 1
        if char in "{[":
            closer = text[at:].lstrip(" \t\n\r")[:1] if text[at : at + 1] in " \t\n\r" else text[at]
            if closer in "}]":
                at = text.index(closer, at) + 1
                out.append(char + closer)
            else:
                depth += 1
                out.append(char + "\n" + " " * (indent * depth))
        elif char in "}]":
            depth -= 1
            out.append("\n" + " " * (indent * depth) + char)
        elif char == ",":
            out.append(",\n" + " " * (indent * depth))
        elif char == ":":
            out.append(": ")
        else:
            start = at - 1
            while at < end and text[at] not in " \t\n\r,]}":
                at += 1
            out.append(f"{OTHER}{text[start:at]}{PLAIN}" if colour else text[start:at])
    return "".join(out) + "\n"


def as_yaml(raw: bytes) -> str:
    """A document as YAML, its numbers as they are spelt."""
    import json

    from milestone_cli.render.yaml import Number, to_yaml

    return to_yaml(json.loads(raw, parse_int=Number, parse_float=Number))
