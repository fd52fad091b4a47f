"""Folders as other programs write them: the coding agent's server (004), and sessions of the architecture (000).

Literally in their forms: two spaces of indentation and a millisecond's Z from the one, here-documents and an event over
several lines from the other.
"""

import json
from pathlib import Path
from typing import Any

TASK: dict[str, Any] = {
    "id": "task_1234567890",
    "description": "Implement authentication",
    "status": "completed",
    "tool": "CLAUDECODE",
    "created_at": "2024-01-01T10:00:00Z",
    "updated_at": "2024-01-01T11:30:00Z",
    "started_at": "2024-01-01T10:05:00Z",
    "completed_at": "2024-01-01T11:30:00Z",
    "logs": [{"timestamp": "2024-01-01T10:05:00Z", "level": "info", "type": "system", "message": "Task started"}],
    "result": {"files_created": ["auth.js", "auth.test.js"], "tests_passed": True},
}


def agent_state(folder: Path, *tasks: dict[str, Any], **more: object) -> Path:
    """A `coding-agent-state`: each task in its own file, and all of them in the snapshot."""
    for name in ("tasks", "sessions", "logs", "reports"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for task in tasks:
        (folder / "tasks" / f"{task['id']}.json").write_text(json.dumps(task, indent=2), encoding="utf-8")
    state = {
        "version": "1.0.0",
        "tasks": list(tasks),
        "sessions": [],
        "metrics": {
            "total_tasks": len(tasks),
            "completed_tasks": 1,
            "failed_tasks": 0,
            "average_completion_time": 5100,
        },
        "last_saved": "2024-01-01T12:00:00.000Z",
        **more,
    }
    (folder / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
    return folder


SESSION = """session:
  id: "{id}"
  type: "review"
  status: "{status}"
  created_at: "2024-01-01T10:00:00Z"
  last_updated: "2024-01-01T10:30:00Z"

context: {{"goal": "read é", "n": 12}}

state:
  current_operation: "reading"
  progress_percentage: 40
  active_agents: ["builder"]
  last_checkpoint: "checkpoint-1704103800"

configuration:
  auto_checkpoint: true
  checkpoint_interval: 300  # 5 minutes
  max_session_duration: 14400  # 4 hours
  backup_retention: 7  # days

recovery:
  enabled: true
  last_backup: null
  recovery_points: []
"""
AGENT = """agent:
  id: "{id}"
  type: "coder"
  session_id: "{session}"
  status: "initializing"
  registered_at: "2024-01-01T10:01:00Z"
  last_updated: "2024-01-01T10:01:00Z"

state: {{"file": "a.py"}}

metrics:
  operations_completed: 3
  errors_encountered: 0
  total_execution_time: 12
  last_heartbeat: "2024-01-01T10:01:00Z"

coordination:
  dependencies: []
  subscribers: []
  event_subscriptions: ["state_saved"]
"""
CHECKPOINT = """checkpoint:
  id: "checkpoint-1704103800"
  session_id: "{session}"
  reason: "manual"
  created_at: "2024-01-01T10:10:00Z"

state_snapshot:
  session_file: "d41d8cd98f00b204e9800998ecf8427e"
  agent_count: 1
  operation_count: 0
  event_count: 3

context:
  working_directory: "/nowhere"
  git_branch: "main"
  git_commit: "unknown"

recovery_data:
  active_transactions: []
  pending_operations: []
  agent_states: []
"""
EVENT = """{{
  "event_id": "event-1704103260-4711",
  "timestamp": "2024-01-01T10:05:00Z",
  "session_id": "{session}",
  "event_type": "work_done",
  "agent_id": "builder",
  "data": {{"what": "half", "x":  1.10}},
  "sequence_number": 2,
  "checksum": "d41d8cd98f00b204e9800998ecf8427e"
}}
"""
SYNC = """synchronization:
  id: "sync-1"
  session_id: "{session}"
  trigger_agent: "builder"
  started_at: "2024-01-01T10:20:00Z"

participants: ["builder"]
status: "completed"
"""
LOOK = (
    '{{"timestamp":"2024-01-01T10:20:{second}Z", "session_id":"{session}",'
    '"healthy_agents":1,"unhealthy_agents":["{who}"]}}\n'
)
TRANSACTION = """transaction:
  id: "{id}"
  operation: "update_checkpoint"
  target_file: ".milestones/state/sessions/s1/session.yaml"
  status: "{status}"
  started_at: "2024-01-01T10:10:00Z"

backup:
  original_file: ".milestones/state/sessions/s1/session.yaml"
  backup_created: true
  backup_checksum: d41d8cd98f00b204e9800998ecf8427e
"""


def session_tree(folder: Path, name: str = "s1", status: str = "active") -> Path:
    """A `.milestones` with a session: its page, state, an agent, events, a checkpoint; and transactions."""
    session = folder / ".milestones/state/sessions" / name
    point = session / "checkpoints/checkpoint-1704103800"
    for place in ("state", "agents/.sync", "agents/.health", "events", "recovery", point / "state", point / "agents"):
        (session / place).mkdir(parents=True, exist_ok=True)
    page = SESSION.format(id=name, status=status).replace("\n\n", "\n  \n")  # as the here-documents have them
    (session / "session.yaml").write_text(page, encoding="utf-8")
    (session / "state/files.json").write_text('{"open": ["a.py"], "n": 1.10}\n')
    (session / "state/plan.yaml").write_text("phase: two\ndue: 2026-01-02\n")
    (point / "state/files.json").write_text('{"open": [], "n": 1.10}\n')
    for place in (session, point):
        (place / "agents/builder.yaml").write_text(AGENT.format(id="builder", session=name))
    (session / "agents/.sync/sync-1.yaml").write_text(SYNC.format(session=name).replace("\n\n", "\n  \n"))
    (session / "agents/.health/monitor.jsonl").write_text(
        LOOK.format(session=name, second="00", who="") + LOOK.format(session=name, second="30", who="builder")
    )
    (point / "checkpoint.yaml").write_text(CHECKPOINT.format(session=name))
    first = f'{{"timestamp":"2024-01-01T10:00:00Z","event":"session_initialized","session_id":"{name}","data":{{}}}}\n'
    (session / "events/session.jsonl").write_text(first + EVENT.format(session=name))
    for kind, status_ in (("committed", "committed"), ("pending", "pending"), ("rollbacks", "rolled_back")):
        place = folder / ".milestones/transactions" / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"txn-{kind}.yaml").write_text(TRANSACTION.format(id=f"txn-{kind}", status=status_))
    return folder
