"""A heartbeat: the word of an agent that it lives, as cheap as an event in the log, and cheaper to the disk.

A beat replaces the one before and is not synced: after a power cut an older one may be there again, which makes an
agent look silent and never alive, and a machine that lost its power has no living agents to tell of.
"""

from milestone_cli import runtime
from milestone_cli.jsontext import loads, quote
from milestone_cli.model import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def beat(store: "Store", name: str, pid: int = 0) -> str:
    """Say that an agent lives.

    Args:
        store: where.
        name: of the agent, which is registered.
        pid: the process that it is from now on; 0: as registered. Where that process has ended and beats still come,
            they alone tell whether the agent lives, and the beat says so.

    Returns:
        When, RFC 3339, by the store's clock.

    Raises:
        MilestoneError: `not_found`; `conflict` for an agent that is retired or failed.
    """
    record = _record(store.get("agent", safe(name, "agent")))
    if record.get("status") != "active":
        from milestone_cli.core.agents.agent import find
        from milestone_cli.core.agents.registry import working

        working(find(store, name))  # which tell why
    return write(store, name, pid, is_alone=not pid and is_gone(record) is True)


def write(store: "Store", name: str, pid: int = 0, *, is_alone: bool = False) -> str:
    """Put the beat of an agent that is known to be registered; when, as `beat` says it."""
    now = runtime.timestamp(store.clock())
    text = (
        f'{{"agent_id":"{name}","beat_at":"{now}","host":{quote(runtime.host())},"boot_id":"{runtime.boot_id()}"'
        f',"boot_seconds":{runtime.boot_seconds()},"alone":{"true" if is_alone else "false"}'
    )
    if pid:
        space, start = quote(runtime.pid_space()), runtime.start_time(pid)
        text += f',"pid":{pid},"pid_space":{space},"start_time":"{start}"'
    store.note("agent-beat", name, (text + "}\n").encode())
    return now


def is_gone(found: "dict[str, object]") -> "bool | None":
    """Whether the process that a record or a beat names is proved to have ended; None where it cannot be judged.

    Only this machine's own processes can be: same host, same boot, same space of process ids.
    """
    pid, start = found.get("pid"), found.get("start_time")
    if type(pid) is not int or not 0 < pid < 1 << 31 or found.get("host") != runtime.host():
        return None
    if found.get("boot_id") != runtime.boot_id() or found.get("pid_space") != runtime.pid_space():
        return None
    return runtime.ended(pid) or (bool(start) and runtime.start_time(pid) not in ("", start))


def _record(raw: "bytes | None") -> "dict[str, object]":
    try:
        record = loads(raw or b"{}")
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {}
