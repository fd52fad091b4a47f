"""What an event of the client says, as the few facts that are recorded: names and numbers, never a payload.

Tools' inputs and outputs and people's prompts hold secrets, so nothing of them comes through here: of a command its
program alone, of an address no query, of a prompt its length. Whatever the payload is, what comes out can be logged.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import loads
from milestone_cli.model import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]

LONGEST = 300
"""Characters of a text that comes from outside."""
FOREVER = 10**12
"""Milliseconds that no tool takes."""
TARGETS = ("file_path", "notebook_path", "path", "subagent_type", "skill", "task_id")
"""Keys of a tool's input that say what it is for, in the order of asking."""


class Call:
    """One event of the client, understood.

    Attributes:
        event: the client's name of it.
        type: the type of our event.
        client: the client's session; empty where it says none.
        agent: who acts, where it is a subagent.
        data: what is recorded.
        key: idempotency key; the same call delivered twice has the same.
        is_vague: the key is no id of the client's, so another call may have it too, later.
        occurred: when it came, nanoseconds since 1970.
        milestone: that MILESTONE_ID named then; empty for none.
        pid: the client's process; 0 where it did not say.
        is_late: it waited.
        payload: all that the client said; empty for one that waited.
    """

    __slots__ = ("agent", "client", "data", "event", "is_late", "is_vague", "key", "milestone", "occurred", "payload",
                 "pid", "type")  # fmt: skip

    def __init__(self, event: str, data: "Facts", client: str, agent: str, key: str, occurred: int) -> None:
        self.event = event
        self.type = EVENTS[event][0]
        self.data = data
        self.client = client
        self.agent = agent
        self.key = key
        self.is_vague = False
        self.occurred = occurred
        self.milestone = runtime.env("MILESTONE_ID") or ""
        pid = runtime.env("CLAUDE_PID") or ""
        self.pid = int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 10 else 0
        self.is_late = False
        self.payload: Facts = {}


def parse(raw: bytes) -> "Facts":
    """The payload that stood on standard input.

    Raises:
        ValueError: when it is no JSON object that names an event.
    """
    payload = loads(raw)
    if not isinstance(payload, dict):
        raise ValueError("the payload is no JSON object")  # noqa: TRY004 - like all that is wrong with it
    if not isinstance(payload.get("hook_event_name"), str):
        raise ValueError("the payload names no event")  # noqa: TRY004
    return payload


def understand(payload: "Facts", raw: bytes, now: int) -> "Call | None":
    """The call that a payload means; None for one that is not recorded, such as an unknown event.

    Args:
        payload: as `parse` made it.
        raw: its bytes, or enough of them to tell it from others.
        now: nanoseconds since 1970.
    """
    event = str(payload["hook_event_name"])
    if event not in EVENTS:
        return None
    names = EVENTS[event][1]
    data: Facts | None
    if names is TOOL:
        data = tool(payload)
    else:
        from milestone_cli.core.hook.others import FACTS

        data = FACTS[event](payload)
    if data is None:
        return None
    ids = [word(payload.get(name)) for name in names]
    is_known = bool(ids) and all(ids)
    own = ":".join([one for one in ids if one]) if is_known else digest(raw)[:32]
    client, agent = word(payload.get("session_id")) or "", word(payload.get("agent_id")) or ""
    call = Call(event, data, client, agent, f"hook:{event}:{own}", now)
    call.is_vague = not is_known
    call.payload = payload
    return call


def word(value: object, longest: int = LONGEST) -> "str | None":
    """A text that is not empty, cut, and without half characters; None for anything else."""
    if not isinstance(value, str) or not value:
        return None
    if len(value) > longest:
        value = value[: longest - 1] + "…"
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def tool(payload: "Facts") -> "Facts":
    """Tool, target, outcome, duration, agent of one call of a tool."""
    data = named(payload, payload.get("cwd"))
    data["outcome"] = _outcome(payload)
    error = payload.get("error")
    if isinstance(error, str) and error[:10] == "Exit code ":
        code = error[10:20].partition("\n")[0]
        if code.isascii() and code.isdigit():
            data["exit_code"] = int(code)
    duration = payload.get("duration_ms")
    if type(duration) in (int, float) and 0 <= duration < FOREVER:  # type: ignore[operator]
        data["duration_ms"] = duration
    return by(payload, data)


def named(call: "Facts", folder: object) -> "Facts":
    """A tool and what it is for, as seen from a folder."""
    data: Facts = {"tool": word(call.get("tool_name")) or "unknown"}
    target = _target(call.get("tool_input"), folder)
    if target:
        data["target"] = target
    return data


def _target(given: object, folder: object) -> "str | None":
    """What a tool is for: a file, as seen from the working directory; a program; an address; a kind of agent."""
    if not isinstance(given, dict):
        return None
    for name in TARGETS:
        found = given.get(name)
        if isinstance(found, str) and found:
            if isinstance(folder, str) and folder and found.startswith(folder.rstrip("/") + "/"):
                found = found[len(folder.rstrip("/")) + 1 :]
            return word(found)
    if isinstance(found := given.get("command"), str):
        return _program(found[:LONGEST])
    if isinstance(found := given.get("url"), str):
        return _address(found)
    return None


def _program(command: str) -> "str | None":
    """The program that a command line starts with; what follows may be a secret, and so may an assignment before it."""
    for one in command.split():
        name, mark, _ = one.partition("=")
        if mark and name.isidentifier():
            if "'" in one or '"' in one or "$" in one:
                return None  # its value may go on behind a space
            continue
        leaf = one.rpartition("/")[2]
        bare = leaf.replace("-", "").replace("_", "").replace(".", "").replace("+", "")
        return leaf if bare.isalnum() and len(leaf) <= 40 else None
    return None


def _address(url: str) -> "str | None":
    """An address without its user, password, query and fragment."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return None
    rest = rest.partition("?")[0].partition("#")[0]
    host, slash, path = rest.partition("/")
    return word(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")


def _outcome(payload: "Facts") -> str:
    event = payload.get("hook_event_name")
    if event == "PreToolUse":
        return "started"
    if event == "PostToolUseFailure":
        return "interrupted" if payload.get("is_interrupt") is True else "failed"
    response = payload.get("tool_response")
    return "interrupted" if isinstance(response, dict) and response.get("interrupted") is True else "ok"


def by(payload: "Facts", data: "Facts") -> "Facts":
    """The kind of the subagent that acted is told too."""
    if kind := word(payload.get("agent_type")):
        data["agent_type"] = kind
    return data


TOOL = ("tool_use_id",)
EVENTS = {
    "PostToolUse": ("tool_used", TOOL),
    "PostToolUseFailure": ("tool_failed", TOOL),
    "PreToolUse": ("tool_started", TOOL),
    "PostToolBatch": ("tools_used", ()),
    "UserPromptSubmit": ("prompt_submitted", ("prompt_id",)),
    "SubagentStart": ("subagent_started", ()),
    "SubagentStop": ("subagent_stopped", ()),
    "TaskCreated": ("task_created", ("session_id", "task_id")),
    "TaskCompleted": ("task_completed", ("session_id", "task_id")),
    "Notification": ("notified", ()),
    "StopFailure": ("turn_failed", ()),
    "PostCompact": ("session_compacted", ()),
    "SessionStart": ("", ()),
    "SessionEnd": ("", ()),
    "PreCompact": ("", ()),
    "Stop": ("", ()),
}
"""The events that matter: the type of ours (none: `acts` does it), and the ids of the client that tell a call apart."""
