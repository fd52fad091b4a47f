"""Taking out of a text what looks like a secret, and cutting it; only where texts of the client are kept at all."""

import re

HIDDEN = "[redacted]"
NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"
    r"|auth|authorization|cookie"
)
PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,500}(?=@)"),
    re.compile(r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,200}|\bgh[pousr]_\w{20,200}|\bgithub_pat_\w{20,200}"),
    re.compile(r"\bglpat-[\w-]{16,200}|\bxox[a-z]-[\w-]{10,200}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,200}"),
    re.compile(r"\beyJ[\w-]{8,300}\.[\w-]{1,4000}(?:\.[\w-]{1,4000})?"),
    re.compile(r"(?i)\b(?:bearer|basic)\s{1,5}(?P<value>[\w.~+/=-]{6,4000})"),
    re.compile(rf"(?i)(?:{NAMES})[\"']?\s{{0,5}}[:=]\s{{0,5}}[\"'](?P<value>[^\"']{{1,2000}})"),
    re.compile(rf"(?i)(?:{NAMES})[\"']?\s{{0,5}}[:=]\s{{0,5}}[\"']?(?P<value>[^\s\"',;&]{{3,4000}})"),
    re.compile(rf"(?i)--?(?:{NAMES})[ =]{{1,5}}(?P<value>[^\s\"']{{3,4000}})"),
    re.compile(r"\b(?=[A-Za-z+/_-]{0,60}\d)(?=[0-9+/_-]{0,60}[A-Za-z])[A-Za-z0-9+/_-]{40,500}"),
)
"""Every repetition is bounded, so that no text takes long."""


def redacted(text: str, longest: int) -> str:
    """A text without what looks like a secret, at most `longest` characters, without half characters."""
    text = text[: longest + 4096]  # what is cut off anyway need not be searched, beyond a secret at the cut
    for pattern in PATTERNS:
        text = pattern.sub(_hide, text)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.encode("utf-8", "replace").decode()


def _hide(found: "re.Match[str]") -> str:
    """The word in the place of a secret; what names it stays."""
    if "value" not in found.groupdict():
        return HIDDEN
    return found[0][: found.start("value") - found.start()] + HIDDEN


def copy(value: object, longest: int) -> str:
    """A value of the payload as text, without secrets and cut."""
    from milestone_cli.jsontext import dumps

    return redacted(value if isinstance(value, str) else dumps(hidden(value)), longest)


def hidden(value: object, depth: int = 0) -> object:
    """A value without what stands under a name that says that it is secret."""
    if depth > DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        return {key: HIDDEN if SECRET.search(key) else hidden(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [hidden(one, depth + 1) for one in value]
    return value


DEEPEST = 20
"""Levels of nesting that are copied."""
SECRET = re.compile(rf"(?i)(?:{NAMES})\s*$")
