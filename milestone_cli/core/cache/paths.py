"""The files that people mean by patterns, as a shell with `globstar` would find them: sorted, and the same every time.

`*`, `?` and `[…]` stand for parts of one name, `**` for any folders; names that begin with a dot are meant only by
patterns that do. A folder stands for all files below it, except what belongs to git and to the store. No link to a
folder is followed that was not named, so nothing is met for ever; what counts of it is where it leads.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PASSED_OVER = (".git", ".milestones")
"""Folders that change with every command, and are never what is meant by the folder that they stand in."""


def find(pattern: str, base: str) -> "list[str]":
    """The paths of the files that a pattern means, sorted; those of a relative one are relative to `base`.

    A pattern without `*`, `?` and `[` means the path that it is, whether or not it is there.

    Raises:
        OSError: when a folder cannot be read.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    begin = "/" if pattern[:1] == "/" else ""
    if not any(_is_magic(part) for part in parts):
        path = begin + "/".join(parts) or "."
        return sorted(_below(path, base)) if os.path.isdir(_at(path, base)) else [path]
    return sorted(set(_expand(begin, parts, base)))


def _at(path: str, base: str) -> str:
    """Where a path is."""
    return path if path[:1] == "/" else f"{base}/{path}"


def _is_magic(part: str) -> bool:
    return "*" in part or "?" in part or "[" in part


def _expand(found: str, parts: "list[str]", base: str) -> "Iterator[str]":
    """Go down from what was found so far by the parts that are left."""
    for at, part in enumerate(parts):
        if _is_magic(part):
            yield from _choose(found, part, parts[at + 1 :], base)
            return
        found += part if found in ("", "/") else f"/{part}"
    if os.path.isdir(_at(found, base)):
        yield from _below(found, base)
    elif os.path.lexists(_at(found, base)):
        yield found


def _choose(found: str, part: str, rest: "list[str]", base: str) -> "Iterator[str]":
    """Go down by all names in a folder that a part means."""
    before = found if found in ("", "/") else found + "/"
    if part == "**":
        if rest:
            yield from _expand(found, rest, base)
        for name, is_folder, is_link in _names(_at(found or ".", base)):
            if name[:1] != "." and is_folder and not is_link:
                yield from _choose(before + name, "**", rest, base)
            elif name[:1] != "." and not rest and not is_folder:
                yield before + name
        return
    for name, is_folder, is_link in _names(_at(found or ".", base)):
        is_meant = (name[:1] != "." or part[:1] == ".") and name not in PASSED_OVER and matches(name, part)
        if is_meant and is_folder and is_link and not rest:
            yield before + name  # it may lead anywhere, as /proc/self/root does
        elif is_meant and (is_folder or not rest):
            yield from _expand(before + name, rest, base)


def _below(folder: str, base: str) -> "Iterator[str]":
    """All files below a folder."""
    for name, is_folder, is_link in _names(_at(folder, base)):
        path = name if folder == "." else f"{folder.rstrip('/')}/{name}"
        if not is_folder:
            yield path
        elif not is_link and name not in PASSED_OVER:
            yield from _below(path, base)


def _names(folder: str) -> "list[tuple[str, bool, bool]]":
    """What is in a folder: the name, whether it is a folder or leads to one, and whether it is a link."""
    try:
        with os.scandir(folder) as entries:
            return [(entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def matches(name: str, pattern: str) -> bool:
    """Whether a name is one of those that a pattern without slashes means.

    The usual walk with one way back: a later `*` can always take what an earlier one would have to give.
    """
    at = of = 0
    star = back = -1
    while at < len(name):
        end = _one(name[at], pattern, of)
        if end:
            at, of = at + 1, end
        elif of < len(pattern) and pattern[of] == "*":
            star, back = of, at
            of += 1
        elif star >= 0:
            back += 1
            at, of = back, star + 1
        else:
            return False
    return not pattern[of:].strip("*")


def _one(letter: str, pattern: str, of: int) -> int:
    """Where a pattern goes on after one letter that its place `of` means; 0 when it does not mean the letter."""
    if of >= len(pattern) or pattern[of] == "*":
        return 0
    if pattern[of] == "?":
        return of + 1
    close = pattern.find("]", of + 2 + (pattern[of + 1 : of + 2] in ("!", "^"))) if pattern[of] == "[" else -1
    if close < 0:
        return of + 1 if pattern[of] == letter else 0
    among = pattern[of + 1 : close]
    is_other = among[0] in "!^"
    return close + 1 if _is_among(letter, among[is_other:]) != is_other else 0


def _is_among(letter: str, among: str) -> bool:
    """Whether a letter is in a set like `a-z_`."""
    at = 0
    while at < len(among):
        if among[at + 1 : at + 2] == "-" and at + 2 < len(among):
            if among[at] <= letter <= among[at + 2]:
                return True
            at += 3
        elif among[at] == letter:
            return True
        else:
            at += 1
    return False
