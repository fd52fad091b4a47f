"""What can be configured: a line for each setting, from which reading, checking, help and JSON Schema are made."""

from milestone_cli.errors import MilestoneError
from milestone_cli.model import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Fits = Callable[[str], bool]

SMALLEST = 1024
"""Bytes; a smaller part of a log would be all seal."""
LONGEST = 4096
"""Characters of a value."""
SPANS = "^ *[0-9]{1,9} *(ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?) *$"


class Kind:
    """What values settings of a kind may have.

    Attributes:
        told: for people, behind "it must be".
        schema: of the value in the file, JSON Schema.
        fits: whether a text is such a value.
    """

    __slots__ = ("fits", "schema", "told")

    def __init__(self, told: str, schema: "dict[str, object]", fits: "Fits") -> None:
        self.told = told
        self.schema = schema
        self.fits = fits


def _is_seconds(value: str) -> bool:
    digits = value.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) < 10


def _is_span(value: str) -> bool:
    from milestone_cli.core.times import duration

    try:
        duration(value)
    except MilestoneError:
        return False
    return True


SECONDS = Kind("a number of seconds, such as 30 or 0.5", {"type": "number", "minimum": 0}, _is_seconds)
FLAG = Kind("true or false", {"type": "boolean"}, lambda value: value in ("true", "false"))
SPAN = Kind(
    "a span of time, such as 90s, 15m, 24h, 7d, 2w or 0",
    {"anyOf": [{"const": 0}, {"type": "string", "pattern": SPANS}]},
    _is_span,
)
FILE = Kind("the path of a file", {"type": "string", "minLength": 1}, lambda value: bool(value) and value.isprintable())


def number(digits: int = 9) -> Kind:
    """A whole number from 0 on, of at most so many digits."""
    return Kind(
        "a whole number, 0 or more" if digits == 9 else f"a whole number from 0 to {10**digits - 1}",
        {"type": "integer", "minimum": 0, "maximum": 10**digits - 1},
        lambda value: value.isascii() and value.isdigit() and len(value) <= digits,
    )


def size(least: int = 0) -> Kind:
    """A number of bytes, such as 64M; `least` is the smallest. 0 is one only where `least` is 0."""
    return Kind(
        "a size in bytes, such as 4096, 512K, 64M or 2G" + (f", at least {least}" if least else "; or 0"),
        {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": "^[0-9]{1,9}[KMG]?$"}]},
        lambda value: size_of(value) >= max(least, 1) or (not least and value == "0"),
    )


def choice(*words: str) -> Kind:
    """One of some words."""
    return Kind("one of " + ", ".join(words), {"enum": list(words)}, lambda value: value in words)


class Setting:
    """A setting: its name, what values it may have, the built-in one as text, and what it is for.

    An empty default says that it is not set.
    """

    __slots__ = ("default", "kind", "meaning", "name")

    def __init__(self, name: str, kind: Kind, default: str, meaning: str) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.meaning = meaning

    @property
    def variable(self) -> str:
        """The variable of the environment that stands for it."""
        return "MILESTONE_" + self.name.upper()


SETTINGS = (
    Setting("lock_timeout", SECONDS, "30", "seconds to wait for a lock"),
    Setting("record_access", FLAG, "false", "log a state_loaded event at every state load"),
    Setting("schema", FILE, "", "file with the JSON Schema that `state validate` uses"),
    Setting("older_than", SPAN, "7d", "age up to which a clean-up keeps everything"),
    Setting("keep_last", number(), "10", "newest backups, and checkpoints, that a clean-up keeps at any age"),
    Setting("keep_within", SPAN, "0", "time before the newest copy from which a clean-up keeps every copy"),
    Setting("keep_hourly", number(), "0", "hours of which a clean-up keeps the newest copy"),
    Setting("keep_daily", number(), "0", "days of which a clean-up keeps the newest copy"),
    Setting("keep_weekly", number(), "0", "weeks of which a clean-up keeps the newest copy"),
    Setting("keep_monthly", number(), "0", "months of which a clean-up keeps the newest copy"),
    Setting("segment_size", size(SMALLEST), "64M",
            "size above which a log's file is sealed and a new one begun; only in a store of files"),
    Setting("checkpoint_interval", SECONDS, "300",
            "seconds after which a hook makes a checkpoint at the end of a turn; 0: never"),
    Setting("hook_payload", number(4), "0",
            "characters of tools' and people's texts that hooks keep, without secrets; 0: none"),
    Setting("cache_entries", number(), "1000", "most entries in a namespace of the cache; 0: it keeps nothing"),
    Setting("cache_ttl", SPAN, "1h", "how long an entry of the cache is valid; 0: as long as there is room"),
    Setting("cache_by_content", FLAG, "true", "whether an entry is void once the content it depends on has changed"),
    Setting("cache_hot_size", size(), "50M", "size of the first tier of the cache"),
    Setting("cache_hot_ttl", SPAN, "300s", "time without use after which an entry leaves the first tier"),
    Setting("cache_warm_size", size(), "200M", "size of the second tier"),
    Setting("cache_warm_ttl", SPAN, "1800s", "time without use after which an entry leaves the second tier"),
    Setting("cache_cold_size", size(), "1000M", "size of the third tier, which is compressed"),
    Setting("cache_cold_ttl", SPAN, "7200s", "time without use after which an entry is removed"),
    Setting("alert_within", SPAN, "24h", "how far back doctor looks for failures and damage"),
    Setting("alert_save_failures", number(6), "1", "failed changes of states at which doctor warns; 0: never"),
    Setting("alert_backup_failures", number(6), "1", "failed checkpoints at which doctor warns; 0: never"),
    Setting("alert_permission_errors", number(6), "1", "refused permissions at which doctor warns; 0: never"),
    Setting("alert_damage", number(6), "1", "damaged states, repaired or not, at which doctor warns; 0: never"),
    Setting("alert_backup_age", SPAN, "0", "age of a changed state's newest copy at which doctor warns; 0: never"),
    Setting("alert_free_space", size(), "0", "free space below which doctor warns; below 64M it always does"),
)  # fmt: skip
"""Every setting, a line for each; what reads one asks `core.setting(store, name, default)`."""
BY_NAME = {one.name: one for one in SETTINGS}


def check(name: str, value: str) -> str:
    """Let a setting's value through, as text.

    Raises:
        MilestoneError: `invalid_config`, with the setting that may be meant.
    """
    setting = BY_NAME.get(name)
    if setting is None:
        near = nearest(name, BY_NAME)
        raise MilestoneError(
            "invalid_config",
            f"there is no setting '{name[:140]}'",
            f"did you mean '{near}'?" if near else "`milestone config show` lists the settings",
            setting=name,
            **({"meant": near} if near else {}),
        )
    if len(value) > LONGEST or not setting.kind.fits(value):
        raise MilestoneError(
            "invalid_config",
            f"{name} cannot be '{value[:140]}'",
            f"it must be {setting.kind.told}: {setting.meaning}",
            setting=name,
        )
    return value


def nearest(name: str, known: "dict[str, Setting]") -> str:
    """The known name that somebody most likely meant; empty where none is near."""
    from difflib import get_close_matches

    asked = name.strip().lower().replace("-", "_").removeprefix("milestone_")[:140]
    return next(iter(get_close_matches(asked, known, 1, 0.7)), "")
