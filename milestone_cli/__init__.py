"""Atomic state, locks, checkpoints and a replayable event log for long-running agent work.

Importing this package also puts a short cut before Python's own search for the modules inside it. A command
imports some twenty of them, and the general search, which must expect archives, namespaces and other loaders,
costs each of them twice the instructions. The short cut looks for the bytecode beside the source, trusts it
on the same evidence as Python (magic number, time and size of the source), and leaves everything else to it.
"""

import sys
from _frozen_importlib_external import MAGIC_NUMBER, PathFinder, SourceFileLoader
from marshal import loads
from os import close, read, stat
from os import open as open_

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType

    from milestone_cli.api import Cache as Cache
    from milestone_cli.api import MilestoneError as MilestoneError
    from milestone_cli.api import Session as Session
    from milestone_cli.api import Store as Store

_PLACE, _, _SUFFIX = (globals().get("__cached__") or "").rpartition("/__pycache__/__init__")
_FRESH = MAGIC_NUMBER + bytes(4)  # bytecode that is checked by the time and the size of its source
_LARGEST = 1 << 16  # a larger buffer would be mapped and unmapped for every module


class _Loader(SourceFileLoader):
    """Python's loader for source files, which already has the code."""

    code: "CodeType"

    def get_code(self, fullname: str) -> "CodeType":  # noqa: ARG002 - it is asked for its own module's
        return self.code


class _Finder:
    """Finds the modules of this package whose bytecode is fresh."""

    @staticmethod
    def find_spec(name: str, path: "Sequence[str] | None", target: object = None) -> "ModuleSpec | None":  # noqa: ARG004
        """What Python's `PathFinder` would find; None where that must decide."""
        if path is None or name[:14] != "milestone_cli.":
            return None
        folder = path[0]
        leaf = name.rpartition(".")[2]
        places = None
        try:
            try:
                source = f"{folder}/{leaf}.py"
                found = stat(source)
            except FileNotFoundError:
                folder = f"{folder}/{leaf}"
                leaf = "__init__"
                places = [folder]
                source = f"{folder}/__init__.py"
                found = stat(source)
            cached = f"{folder}/__pycache__/{leaf}{_SUFFIX}"
            file = open_(cached, 0)
            data = read(file, _LARGEST)
            close(file)
        except OSError:
            return None
        seconds = (int(found.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
        size = (found.st_size & 0xFFFFFFFF).to_bytes(4, "little")
        if data[:16] != _FRESH + seconds + size or len(data) == _LARGEST:
            return None
        loader = _Loader(name, source)
        loader.code = loads(data[16:])  # noqa: S302 - the bytecode that Python itself would load
        spec = _Spec(name, loader, origin=source)
        spec.cached = cached
        spec.has_location = True
        spec.submodule_search_locations = places
        return spec


_Spec = type(__spec__)
if _PLACE and PathFinder in sys.meta_path:  # no archive, no other place for bytecode, no other importer
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder)


def __getattr__(name: str) -> object:
    """What programs import from here, `from milestone_cli import Store`; no command asks, so none pays for it."""
    if name in ("Cache", "MilestoneError", "Session", "Store"):
        from milestone_cli import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
