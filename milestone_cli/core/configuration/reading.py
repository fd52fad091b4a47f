"""Reading `config.yaml` as people wrote it; only after it has changed.

It is a mapping of names to single values, which are taken as they are written: YAML's numbers are never computed with.
"""

from milestone_cli.core.configuration.declared import check
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node

FILE = "config.yaml"
LARGEST = 1 << 18
"""Bytes of a configuration."""
BRACKETS = 200
"""Brackets in it, comments included; a flat mapping needs one."""
PLAIN = ("str", "int", "float", "bool", "null", "timestamp")
"""What a value may be to YAML."""


class Problem:
    """What is wrong with a configuration.

    Attributes:
        origin: the file, or the variable of the environment.
        line: of the file, counted from 1; 0 where there is none, or it is not known.
        setting: which one; empty where it is none.
        message: one sentence.
        hint: what to do.
    """

    __slots__ = ("hint", "line", "message", "origin", "setting")

    def __init__(self, origin: str, line: int, setting: str, message: str, hint: str) -> None:
        self.origin = origin
        self.line = line
        self.setting = setting
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """The message, behind where it is."""
        return f"{self.origin}{f' line {self.line}' if self.line else ''}: {self.message}"

    def fields(self) -> "dict[str, object]":
        """The problem as JSON values."""
        return {
            "origin": self.origin,
            "line": self.line or None,
            "setting": self.setting or None,
            "message": self.message,
            "hint": self.hint,
        }


def parse(raw: bytes) -> dict[str, str]:
    """Read a configuration: names and single values.

    Raises:
        MilestoneError: `invalid_config`, with the line where that is known: the first of what is wrong.
    """
    found, problems = examine(raw)
    if problems:
        raise failure(problems)
    return found


def failure(problems: "list[Problem]", before: str = "") -> MilestoneError:
    """The error that the first of several problems is; `before` stands before what is told of it."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    details = {"setting": first.setting} if first.setting else {}
    return MilestoneError("invalid_config", f"{before}{first.told}{more}", first.hint, **details)


def examine(raw: bytes, name: str = FILE) -> "tuple[dict[str, str], list[Problem]]":
    """Read a configuration as far as it can be read, and say everything that is wrong with it; `name` is the file's."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    try:
        top = compose(raw)[1]
    except MilestoneError as error:
        line = error.details.get("line")
        return {}, [Problem(name, line if isinstance(line, int) else 0, "", error.message, error.hint)]
    for key, value in top.value if top else ():
        setting = str(key.value) if _kind(key) in PLAIN else "?"
        try:
            text = _value(setting, key, value)
            if setting in found:
                raise _invalid(f"{setting} is set twice", "leave one of the two out")
            found[setting] = check(setting, text)
        except MilestoneError as error:
            problems.append(Problem(name, key.start_mark.line + 1, setting[:140], error.message, error.hint))
    return found, problems


def compose(raw: bytes) -> "tuple[str, MappingNode | None]":
    """The text of a configuration, and the mapping that it is, with the place of everything; None when it is empty.

    Raises:
        MilestoneError: `invalid_config`, with the line in its details where it is known.
    """
    if not raw.strip():
        return raw.decode("ascii", "replace"), None
    if len(raw) > LARGEST or raw.count(b"{") + raw.count(b"[") > BRACKETS:  # on which the reader would be at for long
        raise _invalid("this is too large, or too deep, for settings", "write lines like 'lock_timeout: 30'")
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import MappingNode

    try:
        text = raw.decode()
        top = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        why = str(getattr(error, "problem", "") or "").split("\n")[0][:140]
        failed = _invalid("this is not valid YAML" + (f": {why}" if why else ""), "write lines like 'lock_timeout: 30'")
        failed.details["line"] = mark.line + 1 if mark else 0
        raise failed from None
    if top is None or top.value == "":  # of nothing but `---` and comments
        return text, None
    if not isinstance(top, MappingNode):
        raise _invalid("this is not a list of settings", "write lines like 'lock_timeout: 30'")
    return text, top


def _kind(node: "Node") -> str:
    """What a node is to YAML: `str`, `int`, …, or another tag."""
    tag = str(node.tag or "")
    return tag.removeprefix("tag:yaml.org,2002:") if isinstance(node.value, str) else "collection"


def _value(name: str, key: "Node", value: "Node") -> str:
    """The text of a value."""
    kind = _kind(value)
    if key.anchor or value.anchor:
        raise _invalid(f"{name} has an anchor or an alias", "write the value out")
    if kind == "null" or not value.value:
        raise _invalid(f"{name} has no value", "give it one, or leave the line out")
    if kind not in PLAIN or _kind(key) not in PLAIN:
        raise _invalid(f"{name} is not a single value", "write lines like 'lock_timeout: 30'")
    return str(value.value).lower() if kind == "bool" else str(value.value)


def _invalid(message: str, hint: str) -> MilestoneError:
    return MilestoneError("invalid_config", message, hint)
