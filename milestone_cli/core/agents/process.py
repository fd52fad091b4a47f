"""The process of an agent, or of whoever holds something: what tells it from others, and whether it has ended."""

from milestone_cli import runtime
from milestone_cli.core.agents.heartbeat import is_gone
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def identity(pid: int) -> "Facts":
    """What tells a process from others; where there is none, this machine alone."""
    found: Facts = {"pid": pid or None, "host": runtime.host(), "boot_id": runtime.boot_id()}
    if pid:
        found |= {"pid_space": runtime.pid_space(), "start_time": runtime.start_time(pid)}
    return found


def meant(pid: "int | None") -> int:
    """The process that somebody names; left out: the caller's; 0: none.

    Raises:
        MilestoneError: `not_found` where it has ended: nobody would live under that number.
    """
    if pid and runtime.ended(pid):
        raise MilestoneError("not_found", f"there is no process {pid}", "give one that runs, or 0 for none", pid=pid)
    return runtime.caller() if pid is None else pid


def judge(store: "Store", claim: "Facts") -> "tuple[bool | None, str]":
    """Whether the process that a record names is proved to have ended: True, to live: False; and what tells so.

    None where it cannot be judged from here; with an empty sentence where no process is named.
    """
    pid, host = claim.get("pid"), claim.get("host")
    if type(pid) is not int or pid < 1:
        return None, ""
    gone = is_gone(claim)
    if gone is not None:
        return gone, f"process {pid} is gone" if gone else f"process {pid} lives"
    boots = (claim.get("boot_id"), runtime.boot_id())
    if host == runtime.host() and not store.is_clock_shared and all(boots) and boots[0] != boots[1]:
        return True, f"process {pid} was of an earlier boot of this machine"
    return None, f"process {pid} on {host} cannot be judged from here"
