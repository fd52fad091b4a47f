"""Taking out of a text what looks like a secret, and cutting it; only where texts of the client are kept at all.

What is known by its shape goes wherever it stands; a password, which has none, goes where a name, an option or a header
says what it is. Doing it twice changes nothing more, and no text takes long: whatever may have to be looked at again is
bounded.
"""

import re
from itertools import pairwise

HIDDEN = "[redacted]"
MARGIN = 4096
"""Characters that are searched beyond those that are kept, for a secret that begins among them."""
DEEPEST = 20
"""Levels of nesting that are copied."""
LONG = 40
"""Characters of a word without a name from which on it may be a key."""
CHANGES = 0.3
"""Changes between small letters, capitals and digits for each character of a long word, from which on nobody made it
up: 0.6 in base64, a tenth in names and paths."""
NAMES = (
    r"(?:pass(?:word|wd|phrase|code)|(?<=_)pass|pwd|secret(?:[_-]?(?:access[_-]?)?key)?(?:[_-]?base)?|token|credentials?"
    r"|(?:api|access|private|encryption|signing|master|account|storage|shared|service|webhook|client)[_-]?key"
    r"|connection[_-]?string|auth|authorization|cookie)"
)
QUOTE = r"""\\{0,3}["']"""
QUOTED = rf"(?P<q>{QUOTE})(?P<value>(?:(?!(?P=q))(?:\\.|.)){{1,2000}})"
"""A text in quotes to its end, which an escaped quote is not; the quotes may be escaped themselves."""
GIVEN = rf"(?:{QUOTE})?\s{{0,5}}(?:=>|[:=]{{1,2}})\s{{0,5}}"
"""What stands between a name and its value."""
OPTION = rf"(?<![\w-])--?[a-z\d_-]{{0,30}}?{NAMES}[ =]{{1,5}}"
BARE = r"""(?P<value>[^\s"';&]{3,4000})"""
PATTERNS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        (
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
        ),
        r"(?<=://)[^/\s:@]{0,200}:(?P<value>[^/\s]{1,500})(?=@)",
        r"(?<=://)(?=[^/\s:@]{0,100}\d)[^/\s:@]{16,200}(?=@)",
        r"\b(?:sk|pk|rk)[-_](?=[A-Za-z_-]{0,100}\d)[A-Za-z0-9_-]{12,400}",
        r"\bgh[pousr]_\w{20,400}|\bgithub_pat_\w{20,400}|\bgl[a-z]{2,8}-[\w-]{16,400}|\bxapp-[\w-]{10,400}",
        r"\bxox[a-z]-[\w-]{10,400}|\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,200}|\bya29\.[\w-]{20,2000}",
        r"\b(?:whsec|npm|hf|shpat|shpss|dop_v1|hvs|pypi|SG|figd|lin_api|dckr_pat)[_.-](?=[\w.-]{0,50}\d)[\w.-]{20,400}",
        r"\b\d{8,10}:AA[\w-]{30,60}|\bAGE-SECRET-KEY-1[0-9A-Z]{20,200}|\bSK[0-9a-f]{32}\b",
        r"(?i:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/(?P<value>[\w/-]{10,400})",
        r"\beyJ[\w-]{8,500}\.[\w-]{1,4000}(?:\.[\w-]{1,4000}){0,3}",
        r"(?i)\bdigest\s{1,5}(?P<value>username=[^\r\n]{1,4000})",
        rf"(?i)\b(?:proxy-)?authorization{GIVEN}(?:{QUOTE})?(?P<value>[^\"'\r\n]{{1,4000}})",
        rf"(?i)\b(?:set-)?cookie{GIVEN}(?:{QUOTE})?(?P<value>[^\"'\r\n]{{1,4000}})",
        (
            r"\b(?i:bearer|basic)\s{1,5}(?=[A-Za-z.-]{0,200}[\d~+/=_]|[\w-]{0,200}[a-z][A-Z]|[\w.~+/=-]{20})"
            r"(?P<value>[\w.~+/=-]{6,4000})"
        ),
        rf"(?i){NAMES}{GIVEN}{QUOTED}",
        rf"(?i){NAMES}{GIVEN}{BARE}",
        rf"(?i){NAMES}\s{{1,3}}(?:is|was)[\s:]{{1,3}}[\"'`]?(?=[^\s]{{0,100}}\d){BARE}",
        rf"(?i){OPTION}{QUOTED}",
        rf"(?i){OPTION}{BARE}",
        r"(?i)[?&;](?:sig|signature|key|code|x-amz-(?:signature|credential)|x-goog-signature)=(?P<value>[^\s&\"']{3,4000})",
        r"(?<!\S)(?:-u|--user|--proxy-user)[ =]{0,5}[\"']?[^\s:\"']{1,200}:(?P<value>[^\s\"']{1,500})",
        (
            r"\b(?:mysql|mariadb|sshpass|redis-cli|docker\s{1,3}login)\b[^\n|;]{0,200}?\s-[pa][ \"']{0,3}"
            r"(?P<value>[^\s\"']{1,500})"
        ),
    )
)
WORD = re.compile(rf"[A-Za-z0-9+/_-]{{{LONG},}}={{0,2}}")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
SECRET = re.compile(rf"(?i){NAMES}[\"']?\s*:?\s*$")


def redacted(text: str, longest: int) -> str:
    """A text without what looks like a secret, at most `longest` characters, without half characters."""
    if len(text) > longest + MARGIN:  # what is cut off anyway need not be searched
        text = text[: longest + MARGIN]
        text = text.rpartition(" ")[0] if " " in text[longest:] else text  # half a secret may have lost its shape
    text = text.encode("utf-8", "replace").decode()
    for _ in range(4):  # what was hidden may have stood in the way of another
        before = text
        for pattern in PATTERNS:
            text = pattern.sub(_hide, text)
        text = WORD.sub(_hide_random, text)
        if len(text) > longest:
            text = text[: longest - 1] + "…"
        if text == before:
            break
    return text


def _hide(found: "re.Match[str]") -> str:
    """The word in the place of a secret; what names it stays."""
    groups = found.groupdict()
    if "value" not in groups:
        return HIDDEN
    return found[0][: found.start("value") - found.start()] + HIDDEN + found[0][found.end("value") - found.start() :]


def _hide_random(found: "re.Match[str]") -> str:
    return HIDDEN if is_random(found[0]) else found[0]


def is_random(word: str) -> bool:
    """Whether a long word is a key, or a number of one, rather than a path, a name or several of them."""
    rest = UUID.sub("", word)
    bare = rest.strip("=")
    if len(bare) < LONG or bare.isalpha() or not any(sign.isdigit() for sign in bare):
        return False
    if not bare.strip("0123456789abcdef") or not bare.strip("0123456789ABCDEF"):
        return True
    kinds = [0 if sign.islower() else 1 if sign.isupper() else 2 for sign in bare if sign.isalnum()]
    return sum(one != after for one, after in pairwise(kinds)) >= CHANGES * len(kinds)


def copy(value: object, longest: int) -> str:
    """A value of the payload as text, without secrets and cut."""
    from milestone_cli.jsontext import dumps

    if isinstance(value, str):
        return redacted(value, longest)
    text = dumps(_Copy(longest).hidden(value))
    return text if len(text) <= longest else text[: longest - 1] + "…"


class _Copy:
    """A copy of a value without secrets; what will be cut off is not looked at."""

    def __init__(self, longest: int) -> None:
        self._left = longest

    def hidden(self, value: object, depth: int = 0) -> object:
        """The value without what looks like a secret, or stands where a name says that it is one."""
        if depth > DEEPEST or self._left <= 0:
            return HIDDEN
        self._left -= 1
        if isinstance(value, str):
            found = redacted(value, self._left + len(HIDDEN))
            self._left -= len(found)
            return found
        if isinstance(value, dict):
            return self._members(value, depth)
        if isinstance(value, list):
            return self._entries(value, depth)
        return value

    def _members(self, value: "dict[str, object]", depth: int) -> "dict[str, object]":
        named = [one for one in (value.get(name) for name in ("name", "key", "Name", "Key")) if isinstance(one, str)]
        is_pair = any(SECRET.search(one) for one in named)
        found: dict[str, object] = {}
        for key, one in value.items():
            if self._left <= 0:
                break
            told = redacted(key, self._left + len(HIDDEN))
            self._left -= len(told)
            is_secret = SECRET.search(key) or (is_pair and key.lower() == "value")
            found[told] = HIDDEN if is_secret else self.hidden(one, depth + 1)
        return found

    def _entries(self, value: "list[object]", depth: int) -> "list[object]":
        found: list[object] = []
        before: object = None
        for one in value:
            if self._left <= 0:
                break
            is_secret = isinstance(before, str) and isinstance(one, str) and SECRET.search(before)
            found.append(HIDDEN if is_secret else self.hidden(one, depth + 1))
            before = one
        return found
