"""What an optimisation did, as the reference's `optimization_report.yaml` has it: with measured figures alone."""

from milestone_cli import runtime
from milestone_cli.jsontext import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention.optimize import Gain, Optimization
    from milestone_cli.storage.contract import Store

KIND, OF_SESSION = "report", "session-report"
NAME = "optimization_report"
STEP = 1024


def write_reports(store: "Store", done: "Optimization") -> "list[str]":
    """Leave a report of the store, and one beside each session that gained something; where they are, in the store.

    Half a report of one who was killed goes everywhere.
    """
    at = runtime.timestamp(runtime.now_ns())
    store.note(KIND, NAME, compose(done.total, None, at, done.seconds).encode())
    paths = [f"reports/{NAME}.yaml"]
    for session in store.keys("session"):
        gain = done.sessions.get(session)
        told = compose(gain, session, at).encode() if gain and (gain.saved or gain.removed) else None
        store.note(OF_SESSION, session, told)
        if told is not None:
            paths.append(f"state/sessions/{session}/{NAME}.yaml")
    return paths


def compose(
    gain: "Gain", session: "str | None", at: str, seconds: "tuple[float | None, float | None]" = (None, None)
) -> str:
    """A report, in the reference's form.

    Args:
        gain: of a session, or of the whole store.
        session: which; None for the store.
        at: when, RFC 3339.
        seconds: that reading what was compressed took, before and after; None for what was not measured.
    """
    before, after = ("null" if one is None else f"{one:.6f}" for one in seconds)
    return f"""optimization:
  session_id: {"null" if session is None else quote(session)}
  performed_at: {quote(at)}

results:
  files_optimized: {gain.files}
  space_saved_bytes: {gain.saved}
  space_saved_human: {quote(iec(gain.saved))}
  old_checkpoints_removed: {gain.removed}
  files_shared: {gain.shared}
  compressed_bytes_before: {gain.before}
  compressed_bytes_after: {gain.after}

performance_impact:  # measured: reading all that was compressed, once
  read_seconds_before: {before}
  read_seconds_after: {after}
"""


def iec(size: int) -> str:
    """Bytes as `numfmt --to=iec --suffix=B` has them: `512B`, `1.5KB`, `20MB`; rounded up."""
    unit = 0
    while size >= STEP ** (unit + 1) and unit < 4:
        unit += 1
    if not unit:
        return f"{size}B"
    tenths = -(-size * 10 // STEP**unit)
    shown = f"{tenths // 10}.{tenths % 10}" if tenths < 100 else str(-(-size // STEP**unit))
    return f"{shown}{' KMGT'[unit]}B"
