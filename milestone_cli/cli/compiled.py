"""The command line as constants for the strict reader: do not edit, run python -m milestone_cli.cli.compile.

A line is a command and, behind a tab, its entry; all are one text, since a dictionary takes every command longer to
load. An entry: `module:function:names that must be given`, then a word `spelling:name:kind:rule` for each spelling
of an option and, without spelling, for each argument. Kinds: s text, i integer, f decimal number, c choice,
t a flag that means True, n one that means False; a capital collects into a list. Rule: `lowest,highest`, or
the choices.
"""
# ruff: noqa: E501

GLOBALS = "--store:store:s: --verbose:verbose:t: --no-color:no_color:t:"
COMMANDS = """
init\tmilestone_cli.cli.store:init: :milestone:s: --format:output:c:text,json,jsonl,yaml
status\tmilestone_cli.cli.store:status: :milestone:s: --format:output:c:text,json,jsonl,yaml
watch\tmilestone_cli.cli.watch:watch: :milestone:s: --interval:interval:f:0.1, --format:output:c:text,json,jsonl,yaml
wait\tmilestone_cli.cli.wait:wait: :milestone:s: --event:event:S: --agent:agent:S: --session:session:s: --text:text:s: --where:where:S: --state:state:S: --revision:revision:i:1, --lock:lock:S: --after-cursor:after_cursor:s: --timeout:timeout:s: --format:output:c:text,json,jsonl,yaml
doctor\tmilestone_cli.cli.doctor:doctor: --fix:fix:t: --dry-run:dry_run:t: --yes:yes:t: --selftest:selftest:t: --fail-on:fail_on:c:error,warning --format:output:c:text,json,jsonl,yaml
metrics\tmilestone_cli.cli.metrics:metrics: --probe:probe:t: --format:output:c:text,json,yaml,prometheus -o:into:s: --output:into:s:
schema\tmilestone_cli.cli.store:schema: :kind:s:
names\tmilestone_cli.cli.store:names:what :what:c:milestones,sessions,checkpoints,transactions,agents,syncs,tasks :milestone:s:
state save\tmilestone_cli.cli.state:save: :milestone:s: :data:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state load\tmilestone_cli.cli.state:load: :milestone:s: --revision:revision:i:1, --at:at:s: --record-access:record_access:t: --strict:strict:t: --indent:indent:i:0,16 --format:output:c:text,json,yaml
state get\tmilestone_cli.cli.state:get:words :words:S: --format:output:c:text,json,yaml
state set\tmilestone_cli.cli.state:set_:words :words:S: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state patch\tmilestone_cli.cli.patch:patch: :milestone:s: :data:s: --type:form:c:merge,json --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state list\tmilestone_cli.cli.state:list_: --format:output:c:text,json,jsonl,yaml
state history\tmilestone_cli.cli.history:history: :milestone:s: --limit:limit:i:0, --format:output:c:text,json,jsonl,yaml
state diff\tmilestone_cli.cli.history:diff: :words:S: --format:output:c:text,json,jsonl,yaml
state undo\tmilestone_cli.cli.history:undo: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state redo\tmilestone_cli.cli.history:redo: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state complete\tmilestone_cli.cli.lifecycle:complete: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state reopen\tmilestone_cli.cli.lifecycle:reopen: :milestone:s: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state delete\tmilestone_cli.cli.lifecycle:delete: :milestone:s: --dry-run:dry_run:t: --yes:yes:t: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state recover\tmilestone_cli.cli.lifecycle:recover: :milestone:s: --from:from_copy:s: --dry-run:dry_run:t: --yes:yes:t: --if-revision:if_revision:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
state validate\tmilestone_cli.cli.lifecycle:validate: :milestone:s: --schema:schema:s: --format:output:c:text,json,jsonl,yaml
events log\tmilestone_cli.cli.events:log: :words:S: --batch:batch:t: --agent:agent:s: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
events query\tmilestone_cli.cli.query:query: :milestone:s: --all:all_:t: --type:type_:S: --agent:agent:s: --session:session:s: --text:text:s: --where:where:S: --since:since:s: --until:until:s: --from:first:i:0, --to:last:i:0, --limit:limit:i:0, --reverse:reverse:t: --count:count:t: --after-cursor:after_cursor:s: --show-cursor:show_cursor:t: --format:output:c:text,json,jsonl
events follow\tmilestone_cli.cli.query:follow: :milestone:s: --all:all_:t: --type:type_:S: --agent:agent:s: --session:session:s: --text:text:s: --where:where:S: -n:lines:i:0, --lines:lines:i:0, --after-cursor:after_cursor:s: --format:output:c:text,jsonl
events timeline\tmilestone_cli.cli.timeline:timeline: :milestone:s: --all:all_:t: --type:type_:S: --agent:agent:s: --session:session:s: --text:text:s: --where:where:S: --since:since:s: --until:until:s: --from:first:i:0, --to:last:i:0, --limit:limit:i:0, --format:output:c:text,json,jsonl,markdown,mermaid,html,trace,svg -o:into:s: --output:into:s:
events stats\tmilestone_cli.cli.stats:stats: :milestone:s: --all:all_:t: --type:type_:S: --agent:agent:s: --session:session:s: --text:text:s: --where:where:S: --since:since:s: --until:until:s: --from:first:i:0, --to:last:i:0, --format:output:c:text,json,jsonl,yaml
events verify\tmilestone_cli.cli.integrity:verify: :milestone:s: --session:session:s: --all:all_:t: --format:output:c:text,json,jsonl,yaml,github,junit
events repair\tmilestone_cli.cli.integrity:repair: :milestone:s: --session:session:s: --accept:accept:t: --dry-run:dry_run:t: --yes:yes:t: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
events replay\tmilestone_cli.cli.integrity:replay: :milestone:s: --session:session:s: --from:first:i:1, --to:last:i:1, --at:at:s: --format:output:c:text,json,jsonl,yaml
checkpoint create\tmilestone_cli.cli.checkpoint:create: :milestone:s: --name:name:s: --reason:reason:s: --tag:tag:S: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
checkpoint list\tmilestone_cli.cli.checkpoint:list_: :milestone:s: --session:session:s: --format:output:c:text,json,jsonl,yaml
checkpoint show\tmilestone_cli.cli.checkpoint:show:words :words:S: --state:state:t: --session:session:s: --format:output:c:text,json,yaml
checkpoint diff\tmilestone_cli.cli.checkpoint:diff:words :words:S: --format:output:c:text,json,jsonl,yaml
checkpoint restore\tmilestone_cli.cli.checkpoint:restore:words :words:S: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
checkpoint delete\tmilestone_cli.cli.checkpoint:delete:words :words:S: --dry-run:dry_run:t: --yes:yes:t: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
checkpoint pin\tmilestone_cli.cli.checkpoint:pin:words :words:S: --reason:reason:s: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
checkpoint unpin\tmilestone_cli.cli.checkpoint:unpin:words :words:S: --reason:reason:s: --session:session:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session create\tmilestone_cli.cli.session:create: :milestone:s: --no-milestone:no_milestone:t: --name:name:s: --type:type_:s: --user:user:s: --context:context:s: --metadata:metadata:s: --auto-checkpoint:auto_checkpoint:t: --no-auto-checkpoint:no_auto_checkpoint:t: --checkpoint-interval:checkpoint_interval:i:0, --max-duration:max_duration:i:0, --backup-retention:backup_retention:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session current\tmilestone_cli.cli.session:current: --format:output:c:text,json,jsonl,yaml
session use\tmilestone_cli.cli.session:use:name :name:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session list\tmilestone_cli.cli.session:list_: --active:active:t: --inactive-for:inactive_for:s: --count:count:t: --format:output:c:text,json,jsonl,yaml
session show\tmilestone_cli.cli.session:show: :name:s: --format:output:c:text,json,jsonl,yaml
session set\tmilestone_cli.cli.sessionwork:set_:words :words:S: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session get\tmilestone_cli.cli.sessionwork:get:words :words:S: --format:output:c:text,json,yaml
session progress\tmilestone_cli.cli.sessionwork:progress:words :words:S: --operation:operation:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session log\tmilestone_cli.cli.sessionwork:log: :name:s: --type:type_:S: --limit:limit:i:0, --reverse:reverse:t: --format:output:c:text,json,jsonl
session record\tmilestone_cli.cli.sessionwork:record:request --request:request:s: :name:s: --agent:agent:s: --response:response:s: --escalation:escalation:s: --duration-ms:duration_ms:f:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session history\tmilestone_cli.cli.sessionwork:history: :name:s: --limit:limit:i:0, --format:output:c:text,json,jsonl,yaml
session handoff\tmilestone_cli.cli.handoff:session_handoff: :name:s: --max-tokens:max_tokens:i:100, --format:output:c:text,markdown,json,yaml
session end\tmilestone_cli.cli.session:end: :name:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session delete\tmilestone_cli.cli.session:delete:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
session recover\tmilestone_cli.cli.recovery:session_recover: :name:s: --from:checkpoint:s: --keep-state:keep_state:t: --git:git:c:warn,checkout --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
agent register\tmilestone_cli.cli.agent:register:name :name:s: --type:type_:s: --session:session:s: --milestone:milestone:s: --state:state:s: --depends-on:depends_on:S: --subscribe:subscribe:S: --for-pid:for_pid:i:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
agent update\tmilestone_cli.cli.agent:update: :name:s: --type:type_:s: --state:state:s: --depends-on:depends_on:S: --subscribe:subscribe:S: --operations:operations:i:0, --errors:errors:i:0, --seconds:seconds:f:0, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
agent heartbeat\tmilestone_cli.cli.agent:heartbeat: :name:s: --for-pid:for_pid:i:0, --format:output:c:text,json,jsonl,yaml
agent list\tmilestone_cli.cli.agent:list_: --session:session:s: --milestone:milestone:s: --all:all_:t: --format:output:c:text,json,jsonl,yaml
agent show\tmilestone_cli.cli.agent:show: :name:s: --format:output:c:text,json,jsonl,yaml
agent retire\tmilestone_cli.cli.agent:retire: :name:s: --reason:reason:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
agent run\tmilestone_cli.cli.agent:run:name,command :name:s: :command:S: --type:type_:s: --session:session:s: --milestone:milestone:s: --state:state:s: --depends-on:depends_on:S: --subscribe:subscribe:S: --interval:interval:f:0.1,
agent health\tmilestone_cli.cli.agent:health: --session:session:s: --stale-after:stale_after:s: --fix:fix:t: --format:output:c:text,json,jsonl,yaml
agent monitor\tmilestone_cli.cli.agent:monitor: --session:session:s: --interval:interval:f:0.1, --stale-after:stale_after:s: --looks:looks:i:0, --format:output:c:text,json,jsonl,yaml
agent sync\tmilestone_cli.cli.sync:sync: --session:session:s: --agents:agents:s: --trigger:trigger:s: --timeout:timeout:f:0, --no-wait:no_wait:t: --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml
agent ack\tmilestone_cli.cli.sync:ack:name :name:s: --agent:agent:s: --revision:revision:i:0, --state:state:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
agent sync-list\tmilestone_cli.cli.sync:sync_list: --session:session:s: --milestone:milestone:s: --agent:agent:s: --open:open_:t: --format:output:c:text,json,jsonl,yaml
agent sync-show\tmilestone_cli.cli.sync:sync_show:name :name:s: --format:output:c:text,json,jsonl,yaml
task create\tmilestone_cli.cli.task:create:words :words:S: --tool:tool:s: --depends-on:depends_on:S: --milestone:milestone:s: --session:session:s: --agent:agent:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task claim\tmilestone_cli.cli.claim:claim: :name:s: --agent:agent:s: --lease:lease:s: --for-pid:for_pid:i:0, --milestone:milestone:s: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task start\tmilestone_cli.cli.task:start:name :name:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task update\tmilestone_cli.cli.task:update:name :name:s: --description:description:s: --tool:tool:s: --depends-on:depends_on:S: --independent:independent:t: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task log\tmilestone_cli.cli.task:log:name,message :name:s: :message:s: --level:level:c:debug,info,warning,error --type:type_:s: --agent:agent:s: --force:force:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task result\tmilestone_cli.cli.task:result:name :name:s: :data:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task complete\tmilestone_cli.cli.task:complete:name :name:s: --result:result_:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task fail\tmilestone_cli.cli.task:fail:name :name:s: --reason:reason:s: --result:result_:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task cancel\tmilestone_cli.cli.task:cancel:name :name:s: --reason:reason:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task release\tmilestone_cli.cli.claim:release:name :name:s: --reason:reason:s: --agent:agent:s: --force:force:t: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task delete\tmilestone_cli.cli.claim:delete:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --agent:agent:s: --if-revision:if_revision:i:1, --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
task list\tmilestone_cli.cli.taskview:list_: --status:status:c:pending,in_progress,completed,failed,cancelled --ready:ready:t: --milestone:milestone:s: --session:session:s: --format:output:c:text,json,jsonl,yaml
task show\tmilestone_cli.cli.taskview:show:name :name:s: --format:output:c:text,json,jsonl,yaml
task report\tmilestone_cli.cli.taskview:report: --milestone:milestone:s: --session:session:s: --format:output:c:markdown,json,html -o:into:s: --output:into:s:
cache run\tmilestone_cli.cli.cacherun:cache_run:command :command:S: --input:inputs:S: --ttl:ttl:s: --agent:agent:s: --tag:tags:S: --env:environment:S: --stdin:stdin:t: --cache-failures:cache_failures:t: --refresh:refresh:t: --explain:explain:t: --timeout:timeout:f:0, --namespace:namespace:s:
cache key\tmilestone_cli.cli.cache:key:request --request:request:s: --agent:agent:s: --permissions:permissions:s: --input:inputs:S: --format:output:c:text,json,jsonl,yaml
cache get\tmilestone_cli.cli.cache:get:key :key:s: --tier:tier:c:auto,hot,warm,cold --content-hash:content_hash:s: --namespace:namespace:s: --format:output:c:text,json,jsonl,yaml
cache put\tmilestone_cli.cli.cache:put:key :key:s: :data:s: --agent:agent:s: --request:request:s: --tag:tags:S: --content-hash:content_hash:s: --ttl:ttl:s: --tier:tier:c:hot,warm,cold --namespace:namespace:s: --format:output:c:text,json,jsonl,yaml
cache invalidate\tmilestone_cli.cli.cache:invalidate: :key:s: --agent:agent:s: --tag:tag:s: --content-hash:content_hash:s: --namespace:namespace:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
cache list\tmilestone_cli.cli.cache:list_: --namespace:namespace:s: --format:output:c:text,json,jsonl,yaml
cache show\tmilestone_cli.cli.cache:show:key :key:s: --namespace:namespace:s: --format:output:c:text,json,jsonl,yaml
cache stats\tmilestone_cli.cli.cache:stats: --namespace:namespace:s: --format:output:c:text,json,jsonl,yaml
cache expire\tmilestone_cli.cli.cache:expire: --namespace:namespace:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
cache clear\tmilestone_cli.cli.cache:clear: --namespace:namespace:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
cleanup plan\tmilestone_cli.cli.cleanup:plan: :milestone:s: --older-than:older_than:s: --keep-last:keep_last:i:0, --keep-within:keep_within:s: --keep-hourly:keep_hourly:i:0, --keep-daily:keep_daily:i:0, --keep-weekly:keep_weekly:i:0, --keep-monthly:keep_monthly:i:0, --keep-tag:keep_tag:S: --archive:archive:t: --format:output:c:text,json,jsonl,yaml
cleanup run\tmilestone_cli.cli.cleanup:run: :milestone:s: --older-than:older_than:s: --keep-last:keep_last:i:0, --keep-within:keep_within:s: --keep-hourly:keep_hourly:i:0, --keep-daily:keep_daily:i:0, --keep-weekly:keep_weekly:i:0, --keep-monthly:keep_monthly:i:0, --keep-tag:keep_tag:S: --archive:archive:t: --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
cleanup sessions\tmilestone_cli.cli.cleanup:sessions: --inactive-for:inactive_for:s: --dry-run:dry_run:t: --yes:yes:t: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
cleanup cache\tmilestone_cli.cli.cleanup:cache: --namespace:namespace:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
cleanup optimize\tmilestone_cli.cli.cleanup:optimize: --older-than:older_than:s: --keep-last:keep_last:i:0, --dry-run:dry_run:t: --yes:yes:t: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
archive run\tmilestone_cli.cli.archive:run: --older-than:older_than:s: --dry-run:dry_run:t: --yes:yes:t: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
archive list\tmilestone_cli.cli.archive:list_: --format:output:c:text,json,jsonl,yaml
archive show\tmilestone_cli.cli.archive:show:name :name:s: --format:output:c:text,json,jsonl,yaml
archive restore\tmilestone_cli.cli.archive:restore:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
snapshot save\tmilestone_cli.cli.snapshot:save: -o:output_file:s: --output:output_file:s: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
snapshot load\tmilestone_cli.cli.snapshot:load: :name:s: --force:force:t: --strict:strict:t: --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
snapshot show\tmilestone_cli.cli.snapshot:show: :name:s: --format:output:c:text,json,jsonl,yaml
snapshot watch\tmilestone_cli.cli.snapshot:watch: --interval:interval:f:0.1, --saves:saves:i:0, --format:output:c:text,jsonl
lock run\tmilestone_cli.cli.lock:run:name,command :name:s: :command:S: --wait:wait:f:0,
lock acquire\tmilestone_cli.cli.lock:acquire:name :name:s: --wait:wait:f:0, --for-pid:for_pid:i:1, --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml
lock release\tmilestone_cli.cli.lock:release:name :name:s: --force:force:t: --wait:wait:f:0, --for-pid:for_pid:i:1, --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml
lock list\tmilestone_cli.cli.lock:list_: --format:output:c:text,json,jsonl,yaml
lock show\tmilestone_cli.cli.lock:show:name :name:s: --format:output:c:text,json,jsonl,yaml
lock break\tmilestone_cli.cli.lock:break_:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --force:force:t: --idempotency-key:idempotency_key:s: --format:output:c:text,json,jsonl,yaml
transaction apply\tmilestone_cli.cli.transaction:apply: :operations:s: --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
transaction list\tmilestone_cli.cli.transaction:list_: --status:status:c:all,pending,committed,rolled_back --limit:limit:i:0, --format:output:c:text,json,jsonl,yaml
transaction show\tmilestone_cli.cli.transaction:show: :name:s: --format:output:c:text,json,jsonl,yaml
transaction rollback\tmilestone_cli.cli.transaction:rollback:name :name:s: --dry-run:dry_run:t: --yes:yes:t: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
store init\tmilestone_cli.cli.stores:init: :store:s: --writer:writer:s: --reader:reader:s: --format:output:c:text,json,jsonl,yaml
store info\tmilestone_cli.cli.stores:info: :store:s: --format:output:c:text,json,jsonl,yaml
store check\tmilestone_cli.cli.stores:check: :store:s: --format:output:c:text,json,jsonl,yaml
store migrate\tmilestone_cli.cli.stores:migrate: :store:s: --to:to:i:0, --rollback:rollback:t: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
store import\tmilestone_cli.cli.stores:import_:source :source:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
store copy\tmilestone_cli.cli.stores:copy:source,target :source:s: :target:s: --dry-run:dry_run:t: --verify:verify:t: --resume:resume:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
store export\tmilestone_cli.cli.exports:export:file :file:s: :store:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
store clear\tmilestone_cli.cli.exports:clear: :store:s: --backup:backup:s: --force:force:t: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
store freeze\tmilestone_cli.cli.stores:freeze: :store:s: --reason:reason:s: --format:output:c:text,json,jsonl,yaml
store unfreeze\tmilestone_cli.cli.stores:unfreeze: :store:s: --format:output:c:text,json,jsonl,yaml
store moved\tmilestone_cli.cli.stores:moved:source,target :source:s: :target:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
hook\tmilestone_cli.cli.hook:hook: --deadline:deadline:f:0, --block:block:c:completed,locked,unrecorded,any
hook install\tmilestone_cli.cli.client:hook_install: --user:user:t: --project:project:t: --local:local:t: --plugin:plugin:s: --events:events:s: --statusline:statusline:t: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
hook uninstall\tmilestone_cli.cli.client:hook_uninstall: --user:user:t: --project:project:t: --local:local:t: --plugin:plugin:s: --dry-run:dry_run:t: --yes:yes:t: --format:output:c:text,json,jsonl,yaml
hook status\tmilestone_cli.cli.client:hook_status: --format:output:c:text,json,jsonl,yaml
hook statusline\tmilestone_cli.cli.statusline:hook_statusline:
config show\tmilestone_cli.cli.config:show: --format:output:c:text,json,jsonl,yaml
config get\tmilestone_cli.cli.config:get:name :name:s: --format:output:c:text,json,jsonl,yaml
config set\tmilestone_cli.cli.config:set_:assignments :assignments:S: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
config unset\tmilestone_cli.cli.config:unset:names :names:S: --idempotency-key:idempotency_key:s: --lock-timeout:lock_timeout:f:0, --format:output:c:text,json,jsonl,yaml
config edit\tmilestone_cli.cli.config:edit: --from:file:s: --editor:editor:s: --format:output:c:text,json,jsonl,yaml
config validate\tmilestone_cli.cli.config:validate: :file:s: --format:output:c:text,json,jsonl,yaml
config schema\tmilestone_cli.cli.config:schema:
"""
