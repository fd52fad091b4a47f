"""What an optimisation did, or would do, for people and for machines."""

from milestone_cli.render.ages import amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.retention.optimize import Gain, Optimization


def gain_fields(gain: "Gain") -> "dict[str, object]":
    """Figures of a session or of the store as JSON values, named as in the reference's report."""
    return {
        "files_optimized": gain.files,
        "space_saved_bytes": gain.saved,
        "bytes_before": gain.before,
        "bytes_after": gain.after,
        "files_shared": gain.shared,
        "shared_bytes": gain.shared_bytes,
        "old_checkpoints_removed": gain.removed,
        "removed_bytes": gain.removed_bytes,
    }


def fields(done: "Optimization", reports: "list[str]", *, dry_run: bool) -> "dict[str, object]":
    """An optimisation as JSON values."""
    before, after = done.seconds
    return {
        "dry_run": dry_run,
        "server_compresses": done.is_server,
        "files_looked_at": done.looked,
        **gain_fields(done.total),
        "read_seconds_before": before,
        "read_seconds_after": after,
        "sessions": [{"session_id": name, **gain_fields(one)} for name, one in sorted(done.sessions.items())],
        "failed": done.failed,
        "reports": reports,
    }


def text(done: "Optimization", reports: "list[str]", *, dry_run: bool) -> str:
    """The same in sentences, a line for each thing that was done."""
    total = done.total
    lines = []
    if done.is_server:
        lines.append("compression is the server's: long values are compressed by PostgreSQL itself")
    else:
        sizes = f": {amount(total.before)} -> {amount(total.after)}" if total.files else ""
        lines.append(f"compressed  {total.files} of {done.looked} old files{sizes}")
        lines.append(f"shared      {total.shared} files with another of the same content")
    lines.append(f"removed     {total.removed} old checkpoints of sessions")
    lines += [f"left alone  {one}" for one in done.failed]
    if reports:
        lines.append(f"report      {reports[0]}" + (f" and {len(reports) - 1} of sessions" * (len(reports) > 1)))
    lines.append(f"{'would save' if dry_run else 'saved'} {amount(total.saved)}")
    return "\n".join(lines)
