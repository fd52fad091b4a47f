"""The command line as constants for the strict reader: do not edit, run python -m milestone_cli.cli.compile.

An entry: `module:function:names that must be given`, then a word `spelling:name:kind:rule` for each spelling
of an option and, without spelling, for each argument. Kinds: s text, i integer, f decimal number, c choice,
t a flag that means True, n one that means False; a capital collects into a list. Rule: `lowest,highest`, or
the choices.
"""
# ruff: noqa: E501

GLOBALS = "--store:store:s: --verbose:verbose:t: --no-color:no_color:t:"
COMMANDS = {
    "init": "milestone_cli.cli.store:init: :milestone:s: --format:output:c:text,json,jsonl,yaml",
    "status": "milestone_cli.cli.store:status: :milestone:s: --format:output:c:text,json,jsonl,yaml",
    "doctor": "milestone_cli.cli.doctor:doctor: --fix:fix:t: --dry-run:dry_run:t: --yes:yes:t: --selftest:selftest:t: --fail-on:fail_on:c:error,warning --format:output:c:text,json,jsonl,yaml",
    "schema": "milestone_cli.cli.store:schema: :kind:s:",
    "names": "milestone_cli.cli.store:names:what :what:c:milestones,sessions,checkpoints :milestone:s:",
    "state save": "milestone_cli.cli.state:save: :milestone:s: :data:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state load": "milestone_cli.cli.state:load: :milestone:s: --revision:revision:i:1, --at:at:s: --record-access:record_access:t: --strict:strict:t: --indent:indent:i:0,16 --format:output:c:text,json,yaml",
    "state get": "milestone_cli.cli.state:get:words :words:S: --format:output:c:text,json,yaml",
    "state set": "milestone_cli.cli.state:set_:words :words:S: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state patch": "milestone_cli.cli.history:patch: :milestone:s: :data:s: --type:form:c:merge,json --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state list": "milestone_cli.cli.state:list_: --format:output:c:text,json,jsonl,yaml",
    "state history": "milestone_cli.cli.history:history: :milestone:s: --limit:limit:i:0, --format:output:c:text,json,jsonl,yaml",
    "state diff": "milestone_cli.cli.history:diff: :words:S: --format:output:c:text,json,jsonl,yaml",
    "state undo": "milestone_cli.cli.history:undo: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state redo": "milestone_cli.cli.history:redo: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state complete": "milestone_cli.cli.lifecycle:complete: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state reopen": "milestone_cli.cli.lifecycle:reopen: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state delete": "milestone_cli.cli.lifecycle:delete: :milestone:s: --dry-run:dry_run:t: --yes:yes:t: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state recover": "milestone_cli.cli.lifecycle:recover: :milestone:s: --from:from_copy:s: --dry-run:dry_run:t: --yes:yes:t: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "state validate": "milestone_cli.cli.lifecycle:validate: :milestone:s: --schema:schema:s: --format:output:c:text,json,jsonl,yaml",
    "events log": "milestone_cli.cli.events:log: :words:S: --batch:batch:t: --agent:agent:s: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "events query": "milestone_cli.cli.events:query: :milestone:s: --type:type_:s: --agent:agent:s: --session:session:s: --since:since:s: --until:until:s: --limit:limit:i:0, --reverse:reverse:t: --format:output:c:text,json,jsonl",
    "events timeline": "milestone_cli.cli.events:timeline: :milestone:s: --format:output:c:text,json,jsonl",
    "events verify": "milestone_cli.cli.events:verify: :milestone:s: --all:all_:t: --format:output:c:text,json,jsonl,yaml",
    "checkpoint create": "milestone_cli.cli.checkpoint:create: :milestone:s: --name:name:s: --reason:reason:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "checkpoint list": "milestone_cli.cli.checkpoint:list_: :milestone:s: --format:output:c:text,json,jsonl,yaml",
    "checkpoint show": "milestone_cli.cli.checkpoint:show:words :words:S: --state:state:t: --format:output:c:text,json,yaml",
    "checkpoint diff": "milestone_cli.cli.checkpoint:diff:words :words:S: --format:output:c:text,json,jsonl,yaml",
    "checkpoint restore": "milestone_cli.cli.checkpoint:restore:words :words:S: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "checkpoint delete": "milestone_cli.cli.checkpoint:delete:words :words:S: --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "checkpoint pin": "milestone_cli.cli.checkpoint:pin:words :words:S: --reason:reason:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "checkpoint unpin": "milestone_cli.cli.checkpoint:unpin:words :words:S: --reason:reason:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "session create": "milestone_cli.cli.session:create: :milestone:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "session current": "milestone_cli.cli.session:current: --format:output:c:text,json,jsonl,yaml",
    "session use": "milestone_cli.cli.session:use:name :name:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "session list": "milestone_cli.cli.session:list_: --format:output:c:text,json,jsonl,yaml",
    "session show": "milestone_cli.cli.session:show: :name:s: --format:output:c:text,json,jsonl,yaml",
    "session end": "milestone_cli.cli.session:end: :name:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "cleanup plan": "milestone_cli.cli.cleanup:plan: :milestone:s: --older-than:older_than:s: --keep-last:keep_last:i:0, --format:output:c:text,json,jsonl,yaml",
    "cleanup run": "milestone_cli.cli.cleanup:run: :milestone:s: --older-than:older_than:s: --keep-last:keep_last:i:0, --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml",
    "lock run": "milestone_cli.cli.lock:run:name,command :name:s: :command:S: --wait:wait:f:0,",
    "lock acquire": "milestone_cli.cli.lock:acquire:name :name:s: --wait:wait:f:0, --for-pid:for_pid:i:1, --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml",
    "lock release": "milestone_cli.cli.lock:release:name :name:s: --force:force:t: --wait:wait:f:0, --for-pid:for_pid:i:1, --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml",
    "lock list": "milestone_cli.cli.lock:list_: --format:output:c:text,json,jsonl,yaml",
    "lock show": "milestone_cli.cli.lock:show:name :name:s: --format:output:c:text,json,jsonl,yaml",
    "lock break": "milestone_cli.cli.lock:break_:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml",
    "config show": "milestone_cli.cli.store:config_show: --format:output:c:text,json,jsonl,yaml",
}
