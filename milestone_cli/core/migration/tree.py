"""A folder that another program made, read without trusting it.

No link is followed, nothing but plain files is read, and nothing without a bound; what cannot be read is named.
"""

import os

from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, loads
from milestone_cli.storage.files.folders import DIRECTORY, READ, Folders
from milestone_cli.storage.files.health.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]

LARGEST = 64 << 20
"""Bytes of a file that is read."""
LOG = 1 << 29
"""Bytes of a log that is read."""
PAGE = 1 << 20
"""Bytes of a file of YAML that is read."""
MANY = 1_000_000
"""Files and folders that a tree may have."""


class Tree:
    """A folder, and the plain files in it.

    Attributes:
        path: of the folder.
        files: paths below it, sorted.
        refused: what is no plain file or folder, and why it is left.
        seen: files that were read.
    """

    def __init__(self, path: str) -> None:
        """Look what is there.

        Raises:
            MilestoneError: `not_found`, `too_large`.
        """
        self.path = os.path.realpath(path)  # a link that is named is meant
        try:
            self._root = os.open(self.path, DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            raise MilestoneError(
                "not_found",
                f"there is neither a folder nor a file '{path[:140]}'",
                "name the folder, or the export, to import",
            ) from None
        entries = walk(self._root)
        if len(entries) > MANY:
            raise MilestoneError("too_large", f"'{path[:140]}' has more than {MANY} files", "name a smaller folder")
        self.files = [one.path for one in entries if one.is_file]
        self.seen: set[str] = set()
        self.refused = [
            (one.path, one.trouble or "it is a link or no plain file")
            for one in entries
            if one.trouble or not (one.is_file or one.is_folder)
        ]

    def under(self, folder: str, ending: str = "") -> "list[str]":
        """Files directly in a folder whose names end so."""
        before = folder + "/" if folder else ""
        return [
            path
            for path in self.files
            if path.startswith(before) and "/" not in path[len(before) :] and path.endswith(ending)
        ]

    def read(self, path: str, limit: int = LARGEST) -> bytes:
        """A file, whole.

        Raises:
            MilestoneError: `unsafe_link`, `too_large`, `damaged` when it cannot be read.
        """
        self.seen.add(path)
        fd = os.dup(self._root)
        try:
            *folders, name = path.split("/")
            for folder in folders:
                inner = os.open(folder, DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = inner
            file = os.open(name, READ, dir_fd=fd)
            try:
                return Folders.read_open(file, path, limit)[0]
            finally:
                os.close(file)
        except OSError as error:
            raise MilestoneError("damaged", f"'{path}' cannot be read: {error.strerror}", "") from None
        finally:
            os.close(fd)

    def text(self, path: str) -> str:
        """A file that is JSON, exactly; its text.

        Raises:
            MilestoneError: `invalid_json`, `too_large`, `unsafe_link`.
        """
        return check(self.read(path), LARGEST, "it")

    def json(self, path: str) -> "tuple[str, Facts]":
        """A file that is a JSON object: its text and its values.

        Raises:
            MilestoneError: as `text`; `invalid_data`.
        """
        text = self.text(path)
        found = loads(text)
        if not isinstance(found, dict):
            raise MilestoneError("invalid_data", "it is not a JSON object", "")
        return text, found

    def yaml(self, path: str) -> "Facts":
        """A file of YAML that is a mapping; its values as JSON has them.

        Raises:
            MilestoneError: `invalid_data`, `too_large`, `unsafe_link`.
        """
        return parse_yaml(self.read(path, PAGE))


def parse_yaml(raw: bytes) -> "Facts":
    """A mapping of YAML, as JSON has it; without anchors, and without keys that stand twice.

    Raises:
        MilestoneError: `invalid_data`.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = raw.decode()
        yaml = YAML(typ="safe", pure=True)
        if any(getattr(event, "anchor", None) for event in yaml.parse(text)):
            raise MilestoneError("invalid_data", "it has anchors or aliases", "")
        found = as_json(yaml.load(text))
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", at line {mark.line + 1}" if mark else ""
        raise MilestoneError("invalid_data", f"it is not valid YAML{where}", "") from None
    if not isinstance(found, dict):
        raise MilestoneError("invalid_data", "it is not a mapping of names to values", "")
    return found


def as_json(value: object, depth: int = 0) -> object:
    """A value of YAML as JSON has it: keys are strings, and so is what JSON knows not, such as a date.

    Raises:
        ValueError: for what is no number of JSON, and for too many levels.
    """
    if depth > 100:
        raise ValueError("too many levels")
    if isinstance(value, dict):
        return {str(key): as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item, depth + 1) for item in value]
    if isinstance(value, float) and str(value) in ("nan", "inf", "-inf"):
        raise ValueError(f"{value} is no number of JSON")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return text + "Z" if "T" in text and "+" not in text and not text.endswith("Z") else text
    return str(value)
