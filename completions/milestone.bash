# Completion of milestone for bash, made by python -m milestone_cli.cli.complete: do not edit.
# It needs nothing but bash itself, from 3.2 on.

# Names that the store knows; silent where there is none.
_milestone_names() {
    command milestone ${store:+--store "$store"} names "$@" 2> /dev/null
}

# Offer what begins with the word at the cursor; each word of $1 is one, or a kind of names in <>, or <files>.
_milestone_offer() {
    local word found=
    for word in $1; do
        case $word in
            '<files>')
                # Bash hands @ over as a word of its own, and replaces it together with what follows.
                if [[ $before == @ ]]; then
                    COMPREPLY+=($(compgen -f -P @ -- "$cur"))
                elif [[ $cur == @* ]]; then
                    COMPREPLY+=($(compgen -f -P @ -- "${cur#@}"))
                fi
                ;;
            '<paths>') COMPREPLY+=($(compgen -f -- "$cur")) ;;
            '<folders>') COMPREPLY+=($(compgen -d -- "$cur")) ;;
            '<checkpoints>') found+=" $(_milestone_names checkpoints $milestone)" ;;
            '<'*) word=${word#<} found+=" $(_milestone_names "${word%>}")" ;;
            *) found+=" $word" ;;
        esac
    done
    COMPREPLY+=($(compgen -W "$found" -- "$cur"))
}

_milestone() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command= store= milestone= option= at=0 i word
    COMPREPLY=()
    # What stands before the cursor: the command, how many plain words follow it, an option that awaits its value.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == [=@] ]]; then
            continue
        elif [[ -n $option ]]; then
            [[ $option == --store ]] && store=$word
            option=
            continue
        fi
        case $word in
            --after-cursor | --agent | --agents | --at | --backup | --backup-retention | --block | --checkpoint-interval | --content-hash | --context | --deadline | --depends-on | --description | --duration-ms | --editor | --env | --errors | --escalation | --event | --events | --fail-on | --for-pid | --format | --from | --git | --idempotency-key | --if-revision | --inactive-for | --indent | --input | --interval | --keep-daily | --keep-hourly | --keep-last | --keep-monthly | --keep-tag | --keep-weekly | --keep-within | --lease | --level | --limit | --lines | --lock | --lock-timeout | --looks | --max-duration | --max-tokens | --metadata | --milestone | --name | --namespace | --older-than | --operation | --operations | --output | --permissions | --plugin | --reader | --reason | --request | --response | --result | --revision | --saves | --schema | --seconds | --session | --since | --stale-after | --status | --store | --subscribe | --tag | --text | --tier | --timeout | --to | --tool | --trigger | --ttl | --type | --until | --wait | --where | --writer | -n | -o) option=$word ;;
            -?*)
                case $command:$word in
                    'wait':--state | 'session create':--user | 'agent register':--state | 'agent update':--state | 'agent run':--state | 'agent ack':--state) option=$word ;;
                esac
                ;;
            *)
                case $command in
                    '' | state | events | checkpoint | session | agent | task | cache | cleanup | archive | snapshot | lock | transaction | store | hook | config) command=${command:+$command }$word ;;
                    *)
                        ((at++ == 0)) && milestone=$word
                        ;;
                esac
                ;;
        esac
    done
    [[ $cur == = ]] && cur=
    if [[ -n $option ]]; then
        case $command:$option in
            'init':--format) _milestone_offer 'text json jsonl yaml' ;;
            'status':--format) _milestone_offer 'text json jsonl yaml' ;;
            'watch':--format) _milestone_offer 'text json jsonl yaml' ;;
            'wait':--agent) _milestone_offer '<agents>' ;;
            'wait':--session) _milestone_offer '<sessions>' ;;
            'wait':--format) _milestone_offer 'text json jsonl yaml' ;;
            'doctor':--fail-on) _milestone_offer 'error warning' ;;
            'doctor':--format) _milestone_offer 'text json jsonl yaml' ;;
            'metrics':--format) _milestone_offer 'text json yaml prometheus' ;;
            'metrics':-o) _milestone_offer '<paths>' ;;
            'metrics':--output) _milestone_offer '<paths>' ;;
            'state save':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state load':--format) _milestone_offer 'text json yaml' ;;
            'state get':--format) _milestone_offer 'text json yaml' ;;
            'state set':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state patch':--type) _milestone_offer 'merge json' ;;
            'state patch':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state history':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state diff':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state undo':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state redo':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state complete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state reopen':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state delete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state recover':--format) _milestone_offer 'text json jsonl yaml' ;;
            'state validate':--schema) _milestone_offer '<paths>' ;;
            'state validate':--format) _milestone_offer 'text json jsonl yaml' ;;
            'events log':--agent) _milestone_offer '<agents>' ;;
            'events log':--session) _milestone_offer '<sessions>' ;;
            'events log':--format) _milestone_offer 'text json jsonl yaml' ;;
            'events query':--agent) _milestone_offer '<agents>' ;;
            'events query':--session) _milestone_offer '<sessions>' ;;
            'events query':--format) _milestone_offer 'text json jsonl' ;;
            'events follow':--agent) _milestone_offer '<agents>' ;;
            'events follow':--session) _milestone_offer '<sessions>' ;;
            'events follow':--format) _milestone_offer 'text jsonl' ;;
            'events timeline':--agent) _milestone_offer '<agents>' ;;
            'events timeline':--session) _milestone_offer '<sessions>' ;;
            'events timeline':--format) _milestone_offer 'text json jsonl markdown mermaid html trace svg' ;;
            'events timeline':-o) _milestone_offer '<paths>' ;;
            'events timeline':--output) _milestone_offer '<paths>' ;;
            'events stats':--agent) _milestone_offer '<agents>' ;;
            'events stats':--session) _milestone_offer '<sessions>' ;;
            'events stats':--format) _milestone_offer 'text json jsonl yaml' ;;
            'events verify':--session) _milestone_offer '<sessions>' ;;
            'events verify':--format) _milestone_offer 'text json jsonl yaml github junit' ;;
            'events repair':--session) _milestone_offer '<sessions>' ;;
            'events repair':--format) _milestone_offer 'text json jsonl yaml' ;;
            'events replay':--session) _milestone_offer '<sessions>' ;;
            'events replay':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint create':--session) _milestone_offer '<sessions>' ;;
            'checkpoint create':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint list':--session) _milestone_offer '<sessions>' ;;
            'checkpoint list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint show':--session) _milestone_offer '<sessions>' ;;
            'checkpoint show':--format) _milestone_offer 'text json yaml' ;;
            'checkpoint diff':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint restore':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint delete':--session) _milestone_offer '<sessions>' ;;
            'checkpoint delete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint pin':--session) _milestone_offer '<sessions>' ;;
            'checkpoint pin':--format) _milestone_offer 'text json jsonl yaml' ;;
            'checkpoint unpin':--session) _milestone_offer '<sessions>' ;;
            'checkpoint unpin':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session create':--context) _milestone_offer '<paths>' ;;
            'session create':--metadata) _milestone_offer '<paths>' ;;
            'session create':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session current':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session use':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session set':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session get':--format) _milestone_offer 'text json yaml' ;;
            'session progress':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session log':--format) _milestone_offer 'text json jsonl' ;;
            'session record':--agent) _milestone_offer '<agents>' ;;
            'session record':--response) _milestone_offer '<paths>' ;;
            'session record':--escalation) _milestone_offer '<paths>' ;;
            'session record':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session history':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session handoff':--format) _milestone_offer 'text markdown json yaml' ;;
            'session end':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session delete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'session recover':--git) _milestone_offer 'warn checkout' ;;
            'session recover':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent register':--session) _milestone_offer '<sessions>' ;;
            'agent register':--milestone) _milestone_offer '<milestones>' ;;
            'agent register':--state) _milestone_offer '<paths>' ;;
            'agent register':--depends-on) _milestone_offer '<agents>' ;;
            'agent register':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent update':--state) _milestone_offer '<paths>' ;;
            'agent update':--depends-on) _milestone_offer '<agents>' ;;
            'agent update':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent heartbeat':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent list':--session) _milestone_offer '<sessions>' ;;
            'agent list':--milestone) _milestone_offer '<milestones>' ;;
            'agent list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent retire':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent run':--session) _milestone_offer '<sessions>' ;;
            'agent run':--milestone) _milestone_offer '<milestones>' ;;
            'agent run':--state) _milestone_offer '<paths>' ;;
            'agent run':--depends-on) _milestone_offer '<agents>' ;;
            'agent health':--session) _milestone_offer '<sessions>' ;;
            'agent health':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent monitor':--session) _milestone_offer '<sessions>' ;;
            'agent monitor':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent sync':--session) _milestone_offer '<sessions>' ;;
            'agent sync':--trigger) _milestone_offer '<agents>' ;;
            'agent sync':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent ack':--agent) _milestone_offer '<agents>' ;;
            'agent ack':--state) _milestone_offer '<paths>' ;;
            'agent ack':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent sync-list':--session) _milestone_offer '<sessions>' ;;
            'agent sync-list':--milestone) _milestone_offer '<milestones>' ;;
            'agent sync-list':--agent) _milestone_offer '<agents>' ;;
            'agent sync-list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'agent sync-show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task create':--depends-on) _milestone_offer '<tasks>' ;;
            'task create':--milestone) _milestone_offer '<milestones>' ;;
            'task create':--session) _milestone_offer '<sessions>' ;;
            'task create':--agent) _milestone_offer '<agents>' ;;
            'task create':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task claim':--agent) _milestone_offer '<agents>' ;;
            'task claim':--milestone) _milestone_offer '<milestones>' ;;
            'task claim':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task start':--agent) _milestone_offer '<agents>' ;;
            'task start':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task update':--depends-on) _milestone_offer '<tasks>' ;;
            'task update':--agent) _milestone_offer '<agents>' ;;
            'task update':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task log':--level) _milestone_offer 'debug info warning error' ;;
            'task log':--agent) _milestone_offer '<agents>' ;;
            'task log':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task result':--agent) _milestone_offer '<agents>' ;;
            'task result':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task complete':--result) _milestone_offer '<paths>' ;;
            'task complete':--agent) _milestone_offer '<agents>' ;;
            'task complete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task fail':--result) _milestone_offer '<paths>' ;;
            'task fail':--agent) _milestone_offer '<agents>' ;;
            'task fail':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task cancel':--agent) _milestone_offer '<agents>' ;;
            'task cancel':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task release':--agent) _milestone_offer '<agents>' ;;
            'task release':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task delete':--agent) _milestone_offer '<agents>' ;;
            'task delete':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task list':--status) _milestone_offer 'pending in_progress completed failed cancelled' ;;
            'task list':--milestone) _milestone_offer '<milestones>' ;;
            'task list':--session) _milestone_offer '<sessions>' ;;
            'task list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'task report':--milestone) _milestone_offer '<milestones>' ;;
            'task report':--session) _milestone_offer '<sessions>' ;;
            'task report':--format) _milestone_offer 'markdown json html' ;;
            'task report':-o) _milestone_offer '<paths>' ;;
            'task report':--output) _milestone_offer '<paths>' ;;
            'cache run':--agent) _milestone_offer '<agents>' ;;
            'cache key':--agent) _milestone_offer '<agents>' ;;
            'cache key':--permissions) _milestone_offer '<paths>' ;;
            'cache key':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache get':--tier) _milestone_offer 'auto hot warm cold' ;;
            'cache get':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache put':--agent) _milestone_offer '<agents>' ;;
            'cache put':--tier) _milestone_offer 'hot warm cold' ;;
            'cache put':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache invalidate':--agent) _milestone_offer '<agents>' ;;
            'cache invalidate':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache stats':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache expire':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cache clear':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cleanup plan':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cleanup run':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cleanup sessions':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cleanup cache':--format) _milestone_offer 'text json jsonl yaml' ;;
            'cleanup optimize':--format) _milestone_offer 'text json jsonl yaml' ;;
            'archive run':--format) _milestone_offer 'text json jsonl yaml' ;;
            'archive list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'archive show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'archive restore':--format) _milestone_offer 'text json jsonl yaml' ;;
            'snapshot save':-o) _milestone_offer '<paths>' ;;
            'snapshot save':--output) _milestone_offer '<paths>' ;;
            'snapshot save':--format) _milestone_offer 'text json jsonl yaml' ;;
            'snapshot load':--format) _milestone_offer 'text json jsonl yaml' ;;
            'snapshot show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'snapshot watch':--format) _milestone_offer 'text jsonl' ;;
            'lock acquire':--format) _milestone_offer 'text json jsonl yaml' ;;
            'lock release':--format) _milestone_offer 'text json jsonl yaml' ;;
            'lock list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'lock show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'lock break':--format) _milestone_offer 'text json jsonl yaml' ;;
            'transaction apply':--format) _milestone_offer 'text json jsonl yaml' ;;
            'transaction list':--status) _milestone_offer 'all pending committed rolled_back' ;;
            'transaction list':--format) _milestone_offer 'text json jsonl yaml' ;;
            'transaction show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'transaction rollback':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store init':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store info':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store check':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store migrate':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store import':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store copy':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store export':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store clear':--backup) _milestone_offer '<paths>' ;;
            'store clear':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store freeze':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store unfreeze':--format) _milestone_offer 'text json jsonl yaml' ;;
            'store moved':--format) _milestone_offer 'text json jsonl yaml' ;;
            'hook':--block) _milestone_offer 'completed locked unrecorded any' ;;
            'hook install':--plugin) _milestone_offer '<paths>' ;;
            'hook install':--format) _milestone_offer 'text json jsonl yaml' ;;
            'hook uninstall':--plugin) _milestone_offer '<paths>' ;;
            'hook uninstall':--format) _milestone_offer 'text json jsonl yaml' ;;
            'hook status':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config show':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config get':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config set':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config unset':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config edit':--from) _milestone_offer '<paths>' ;;
            'config edit':--format) _milestone_offer 'text json jsonl yaml' ;;
            'config validate':--format) _milestone_offer 'text json jsonl yaml' ;;
            *:--store) _milestone_offer '<folders>' ;;
        esac
        return
    fi
    if [[ $cur == -* ]]; then
        case $command in
            '') _milestone_offer '--store --verbose --no-color --version --help' ;;
            'init') _milestone_offer '--format --help' ;;
            'status') _milestone_offer '--format --help' ;;
            'watch') _milestone_offer '--interval --format --help' ;;
            'wait') _milestone_offer '--event --agent --session --text --where --state --revision --lock --after-cursor --timeout --format --help' ;;
            'doctor') _milestone_offer '--fix --dry-run --yes --selftest --fail-on --format --help' ;;
            'metrics') _milestone_offer '--probe --format -o --output --help' ;;
            'schema') _milestone_offer '--help' ;;
            'state save') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state load') _milestone_offer '--revision --at --record-access --strict --indent --format --help' ;;
            'state get') _milestone_offer '--format --help' ;;
            'state set') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state patch') _milestone_offer '--type --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state list') _milestone_offer '--format --help' ;;
            'state history') _milestone_offer '--limit --format --help' ;;
            'state diff') _milestone_offer '--format --help' ;;
            'state undo') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state redo') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state complete') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state reopen') _milestone_offer '--if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state delete') _milestone_offer '--dry-run --yes --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state recover') _milestone_offer '--from --dry-run --yes --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'state validate') _milestone_offer '--schema --format --help' ;;
            'events log') _milestone_offer '--batch --agent --session --idempotency-key --lock-timeout --format --help' ;;
            'events query') _milestone_offer '--all --type --agent --session --text --where --since --until --from --to --limit --reverse --count --after-cursor --show-cursor --format --help' ;;
            'events follow') _milestone_offer '--all --type --agent --session --text --where -n --lines --after-cursor --format --help' ;;
            'events timeline') _milestone_offer '--all --type --agent --session --text --where --since --until --from --to --limit --format -o --output --help' ;;
            'events stats') _milestone_offer '--all --type --agent --session --text --where --since --until --from --to --format --help' ;;
            'events verify') _milestone_offer '--session --all --format --help' ;;
            'events repair') _milestone_offer '--session --accept --dry-run --yes --lock-timeout --format --help' ;;
            'events replay') _milestone_offer '--session --from --to --at --format --help' ;;
            'checkpoint create') _milestone_offer '--name --reason --tag --session --idempotency-key --lock-timeout --format --help' ;;
            'checkpoint list') _milestone_offer '--session --format --help' ;;
            'checkpoint show') _milestone_offer '--state --session --format --help' ;;
            'checkpoint diff') _milestone_offer '--format --help' ;;
            'checkpoint restore') _milestone_offer '--dry-run --yes --force --idempotency-key --lock-timeout --format --help' ;;
            'checkpoint delete') _milestone_offer '--dry-run --yes --session --idempotency-key --lock-timeout --format --help' ;;
            'checkpoint pin') _milestone_offer '--reason --session --idempotency-key --lock-timeout --format --help' ;;
            'checkpoint unpin') _milestone_offer '--reason --session --idempotency-key --lock-timeout --format --help' ;;
            'session create') _milestone_offer '--no-milestone --name --type --user --context --metadata --auto-checkpoint --no-auto-checkpoint --checkpoint-interval --max-duration --backup-retention --idempotency-key --lock-timeout --format --help' ;;
            'session current') _milestone_offer '--format --help' ;;
            'session use') _milestone_offer '--idempotency-key --lock-timeout --format --help' ;;
            'session list') _milestone_offer '--active --inactive-for --count --format --help' ;;
            'session show') _milestone_offer '--format --help' ;;
            'session set') _milestone_offer '--idempotency-key --lock-timeout --format --help' ;;
            'session get') _milestone_offer '--format --help' ;;
            'session progress') _milestone_offer '--operation --idempotency-key --lock-timeout --format --help' ;;
            'session log') _milestone_offer '--type --limit --reverse --format --help' ;;
            'session record') _milestone_offer '--request --agent --response --escalation --duration-ms --idempotency-key --lock-timeout --format --help' ;;
            'session history') _milestone_offer '--limit --format --help' ;;
            'session handoff') _milestone_offer '--max-tokens --format --help' ;;
            'session end') _milestone_offer '--idempotency-key --lock-timeout --format --help' ;;
            'session delete') _milestone_offer '--dry-run --yes --force --idempotency-key --lock-timeout --format --help' ;;
            'session recover') _milestone_offer '--from --keep-state --git --dry-run --yes --force --idempotency-key --lock-timeout --format --help' ;;
            'agent register') _milestone_offer '--type --session --milestone --state --depends-on --subscribe --for-pid --idempotency-key --lock-timeout --format --help' ;;
            'agent update') _milestone_offer '--type --state --depends-on --subscribe --operations --errors --seconds --idempotency-key --lock-timeout --format --help' ;;
            'agent heartbeat') _milestone_offer '--for-pid --format --help' ;;
            'agent list') _milestone_offer '--session --milestone --all --format --help' ;;
            'agent show') _milestone_offer '--format --help' ;;
            'agent retire') _milestone_offer '--reason --idempotency-key --lock-timeout --format --help' ;;
            'agent run') _milestone_offer '--type --session --milestone --state --depends-on --subscribe --interval --help' ;;
            'agent health') _milestone_offer '--session --stale-after --fix --format --help' ;;
            'agent monitor') _milestone_offer '--session --interval --stale-after --looks --format --help' ;;
            'agent sync') _milestone_offer '--session --agents --trigger --timeout --no-wait --idempotency-key --format --help' ;;
            'agent ack') _milestone_offer '--agent --revision --state --idempotency-key --lock-timeout --format --help' ;;
            'agent sync-list') _milestone_offer '--session --milestone --agent --open --format --help' ;;
            'agent sync-show') _milestone_offer '--format --help' ;;
            'task create') _milestone_offer '--tool --depends-on --milestone --session --agent --idempotency-key --lock-timeout --format --help' ;;
            'task claim') _milestone_offer '--agent --lease --for-pid --milestone --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task start') _milestone_offer '--agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task update') _milestone_offer '--description --tool --depends-on --independent --agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task log') _milestone_offer '--level --type --agent --force --idempotency-key --lock-timeout --format --help' ;;
            'task result') _milestone_offer '--agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task complete') _milestone_offer '--result --agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task fail') _milestone_offer '--reason --result --agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task cancel') _milestone_offer '--reason --agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task release') _milestone_offer '--reason --agent --force --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task delete') _milestone_offer '--dry-run --yes --force --agent --if-revision --idempotency-key --lock-timeout --format --help' ;;
            'task list') _milestone_offer '--status --ready --milestone --session --format --help' ;;
            'task show') _milestone_offer '--format --help' ;;
            'task report') _milestone_offer '--milestone --session --format -o --output --help' ;;
            'cache run') _milestone_offer '--input --ttl --agent --tag --env --stdin --cache-failures --refresh --explain --timeout --namespace --help' ;;
            'cache key') _milestone_offer '--request --agent --permissions --input --format --help' ;;
            'cache get') _milestone_offer '--tier --content-hash --namespace --format --help' ;;
            'cache put') _milestone_offer '--agent --request --tag --content-hash --ttl --tier --namespace --format --help' ;;
            'cache invalidate') _milestone_offer '--agent --tag --content-hash --namespace --dry-run --yes --format --help' ;;
            'cache list') _milestone_offer '--namespace --format --help' ;;
            'cache show') _milestone_offer '--namespace --format --help' ;;
            'cache stats') _milestone_offer '--namespace --format --help' ;;
            'cache expire') _milestone_offer '--namespace --dry-run --yes --format --help' ;;
            'cache clear') _milestone_offer '--namespace --dry-run --yes --format --help' ;;
            'cleanup plan') _milestone_offer '--older-than --keep-last --keep-within --keep-hourly --keep-daily --keep-weekly --keep-monthly --keep-tag --archive --format --help' ;;
            'cleanup run') _milestone_offer '--older-than --keep-last --keep-within --keep-hourly --keep-daily --keep-weekly --keep-monthly --keep-tag --archive --dry-run --yes --idempotency-key --lock-timeout --format --help' ;;
            'cleanup sessions') _milestone_offer '--inactive-for --dry-run --yes --lock-timeout --format --help' ;;
            'cleanup cache') _milestone_offer '--namespace --dry-run --yes --format --help' ;;
            'cleanup optimize') _milestone_offer '--older-than --keep-last --dry-run --yes --lock-timeout --format --help' ;;
            'archive run') _milestone_offer '--older-than --dry-run --yes --lock-timeout --format --help' ;;
            'archive list') _milestone_offer '--format --help' ;;
            'archive show') _milestone_offer '--format --help' ;;
            'archive restore') _milestone_offer '--dry-run --yes --lock-timeout --format --help' ;;
            'snapshot save') _milestone_offer '-o --output --idempotency-key --lock-timeout --format --help' ;;
            'snapshot load') _milestone_offer '--force --strict --dry-run --yes --idempotency-key --lock-timeout --format --help' ;;
            'snapshot show') _milestone_offer '--format --help' ;;
            'snapshot watch') _milestone_offer '--interval --saves --format --help' ;;
            'lock run') _milestone_offer '--wait --help' ;;
            'lock acquire') _milestone_offer '--wait --for-pid --idempotency-key --format --help' ;;
            'lock release') _milestone_offer '--force --wait --for-pid --idempotency-key --format --help' ;;
            'lock list') _milestone_offer '--format --help' ;;
            'lock show') _milestone_offer '--format --help' ;;
            'lock break') _milestone_offer '--dry-run --yes --force --idempotency-key --format --help' ;;
            'transaction apply') _milestone_offer '--dry-run --yes --idempotency-key --lock-timeout --format --help' ;;
            'transaction list') _milestone_offer '--status --limit --format --help' ;;
            'transaction show') _milestone_offer '--format --help' ;;
            'transaction rollback') _milestone_offer '--dry-run --yes --idempotency-key --lock-timeout --format --help' ;;
            'store init') _milestone_offer '--writer --reader --format --help' ;;
            'store info') _milestone_offer '--format --help' ;;
            'store check') _milestone_offer '--format --help' ;;
            'store migrate') _milestone_offer '--to --rollback --dry-run --yes --format --help' ;;
            'store import') _milestone_offer '--dry-run --yes --format --help' ;;
            'store copy') _milestone_offer '--dry-run --verify --resume --yes --format --help' ;;
            'store export') _milestone_offer '--dry-run --yes --format --help' ;;
            'store clear') _milestone_offer '--backup --force --dry-run --yes --format --help' ;;
            'store freeze') _milestone_offer '--reason --format --help' ;;
            'store unfreeze') _milestone_offer '--format --help' ;;
            'store moved') _milestone_offer '--dry-run --yes --format --help' ;;
            'hook') _milestone_offer '--deadline --block --help' ;;
            'hook install') _milestone_offer '--user --project --local --plugin --events --statusline --dry-run --yes --format --help' ;;
            'hook uninstall') _milestone_offer '--user --project --local --plugin --dry-run --yes --format --help' ;;
            'hook status') _milestone_offer '--format --help' ;;
            'hook statusline') _milestone_offer '--help' ;;
            'config show') _milestone_offer '--format --help' ;;
            'config get') _milestone_offer '--format --help' ;;
            'config set') _milestone_offer '--idempotency-key --lock-timeout --format --help' ;;
            'config unset') _milestone_offer '--idempotency-key --lock-timeout --format --help' ;;
            'config edit') _milestone_offer '--from --editor --format --help' ;;
            'config validate') _milestone_offer '--format --help' ;;
            'config schema') _milestone_offer '--help' ;;
        esac
        return
    fi
    case $command:$at in
        :0) _milestone_offer 'init status watch wait doctor metrics schema hook state events checkpoint session agent task cache cleanup archive snapshot lock transaction store config' ;;
        state:0) _milestone_offer 'save load get set patch list history diff undo redo complete reopen delete recover validate' ;;
        events:0) _milestone_offer 'log query follow timeline stats verify repair replay' ;;
        checkpoint:0) _milestone_offer 'create list show diff restore delete pin unpin' ;;
        session:0) _milestone_offer 'create current use list show set get progress log record history handoff end delete recover' ;;
        agent:0) _milestone_offer 'register update heartbeat list show retire run health monitor sync ack sync-list sync-show' ;;
        task:0) _milestone_offer 'create claim start update log result complete fail cancel release delete list show report' ;;
        cache:0) _milestone_offer 'run key get put invalidate list show stats expire clear' ;;
        cleanup:0) _milestone_offer 'plan run sessions cache optimize' ;;
        archive:0) _milestone_offer 'run list show restore' ;;
        snapshot:0) _milestone_offer 'save load show watch' ;;
        lock:0) _milestone_offer 'run acquire release list show break' ;;
        transaction:0) _milestone_offer 'apply list show rollback' ;;
        store:0) _milestone_offer 'init info check migrate import copy export clear freeze unfreeze moved' ;;
        hook:0) _milestone_offer 'install uninstall status statusline' ;;
        config:0) _milestone_offer 'show get set unset edit validate schema' ;;
        'init':0) _milestone_offer '<milestones>' ;;
        'status':0) _milestone_offer '<milestones>' ;;
        'watch':0) _milestone_offer '<milestones>' ;;
        'wait':0) _milestone_offer '<milestones>' ;;
        'schema':0) _milestone_offer 'agent-health agent-heartbeat agent-list agent-monitor agent-register agent-retire agent-show agent-update archive-list archive-restore archive-run archive-show cache-entry cache-key cache-list cache-put cache-removed cache-stats checkpoint-create checkpoint-delete checkpoint-diff checkpoint-list checkpoint-pin checkpoint-restore checkpoint-restore-plan checkpoint-show cleanup-cache cleanup-optimize cleanup-plan cleanup-run cleanup-sessions config config-edit config-get config-set config-validate cursor doctor doctor-selftest error event-batch event-count event-log event-stats events events-repair events-replay hook-install hook-status hook-uninstall init lock lock-acquire lock-break lock-list lock-release metrics overview session-checkpoint-create session-checkpoint-delete session-checkpoint-list session-checkpoint-pin session-checkpoint-show session-count session-create session-current session-delete session-end session-handoff session-history session-list session-log session-progress session-record session-recover session-recover-plan session-set session-show session-use snapshot-load snapshot-save snapshot-show state-complete state-delete state-diff state-history state-list state-patch state-recover state-redo state-reopen state-save state-set state-undo state-validate status store-check store-clear store-copy store-export store-import store-info store-init store-mark store-migrate sync sync-ack sync-list task-change task-claim task-delete task-list task-report task-show timeline transaction-apply transaction-list transaction-rollback transaction-show verify wait watch' ;;
        'state save':0) _milestone_offer '<milestones> <files>' ;;
        'state save':1) _milestone_offer '<files>' ;;
        'state load':0) _milestone_offer '<milestones>' ;;
        'state get':0) _milestone_offer '<milestones>' ;;
        'state set':0) _milestone_offer '<milestones>' ;;
        'state patch':0) _milestone_offer '<milestones> <files>' ;;
        'state patch':1) _milestone_offer '<files>' ;;
        'state history':0) _milestone_offer '<milestones>' ;;
        'state diff':0) _milestone_offer '<milestones>' ;;
        'state undo':0) _milestone_offer '<milestones>' ;;
        'state redo':0) _milestone_offer '<milestones>' ;;
        'state complete':0) _milestone_offer '<milestones>' ;;
        'state reopen':0) _milestone_offer '<milestones>' ;;
        'state delete':0) _milestone_offer '<milestones>' ;;
        'state recover':0) _milestone_offer '<milestones>' ;;
        'state validate':0) _milestone_offer '<milestones>' ;;
        'events log':0) _milestone_offer '<milestones>' ;;
        'events query':0) _milestone_offer '<milestones>' ;;
        'events follow':0) _milestone_offer '<milestones>' ;;
        'events timeline':0) _milestone_offer '<milestones>' ;;
        'events stats':0) _milestone_offer '<milestones>' ;;
        'events verify':0) _milestone_offer '<milestones>' ;;
        'events repair':0) _milestone_offer '<milestones>' ;;
        'events replay':0) _milestone_offer '<milestones>' ;;
        'checkpoint create':0) _milestone_offer '<milestones>' ;;
        'checkpoint list':0) _milestone_offer '<milestones>' ;;
        'checkpoint show':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint show':1) _milestone_offer '<checkpoints>' ;;
        'checkpoint diff':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint diff':1) _milestone_offer '<checkpoints>' ;;
        'checkpoint diff':2) _milestone_offer '<checkpoints>' ;;
        'checkpoint restore':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint restore':1) _milestone_offer '<checkpoints>' ;;
        'checkpoint delete':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint delete':1) _milestone_offer '<checkpoints>' ;;
        'checkpoint pin':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint pin':1) _milestone_offer '<checkpoints>' ;;
        'checkpoint unpin':0) _milestone_offer '<milestones> <checkpoints>' ;;
        'checkpoint unpin':1) _milestone_offer '<checkpoints>' ;;
        'session create':0) _milestone_offer '<milestones>' ;;
        'session use':0) _milestone_offer '<sessions>' ;;
        'session show':0) _milestone_offer '<sessions>' ;;
        'session set':0) _milestone_offer '<sessions>' ;;
        'session get':0) _milestone_offer '<sessions>' ;;
        'session progress':0) _milestone_offer '<sessions>' ;;
        'session log':0) _milestone_offer '<sessions>' ;;
        'session record':0) _milestone_offer '<sessions>' ;;
        'session history':0) _milestone_offer '<sessions>' ;;
        'session handoff':0) _milestone_offer '<sessions>' ;;
        'session end':0) _milestone_offer '<sessions>' ;;
        'session delete':0) _milestone_offer '<sessions>' ;;
        'session recover':0) _milestone_offer '<sessions>' ;;
        'agent register':0) _milestone_offer '<agents>' ;;
        'agent update':0) _milestone_offer '<agents>' ;;
        'agent heartbeat':0) _milestone_offer '<agents>' ;;
        'agent show':0) _milestone_offer '<agents>' ;;
        'agent retire':0) _milestone_offer '<agents>' ;;
        'agent run':0) _milestone_offer '<agents>' ;;
        'agent ack':0) _milestone_offer '<syncs>' ;;
        'agent sync-show':0) _milestone_offer '<syncs>' ;;
        'task claim':0) _milestone_offer '<tasks>' ;;
        'task start':0) _milestone_offer '<tasks>' ;;
        'task update':0) _milestone_offer '<tasks>' ;;
        'task log':0) _milestone_offer '<tasks>' ;;
        'task result':0) _milestone_offer '<tasks>' ;;
        'task result':1) _milestone_offer '<files>' ;;
        'task complete':0) _milestone_offer '<tasks>' ;;
        'task fail':0) _milestone_offer '<tasks>' ;;
        'task cancel':0) _milestone_offer '<tasks>' ;;
        'task release':0) _milestone_offer '<tasks>' ;;
        'task delete':0) _milestone_offer '<tasks>' ;;
        'task show':0) _milestone_offer '<tasks>' ;;
        'cache put':1) _milestone_offer '<files>' ;;
        'cleanup plan':0) _milestone_offer '<milestones>' ;;
        'cleanup run':0) _milestone_offer '<milestones>' ;;
        'transaction show':0) _milestone_offer '<transactions>' ;;
        'transaction rollback':0) _milestone_offer '<transactions>' ;;
    esac
}

complete -o default -F _milestone milestone
