# shellcheck shell=bash
# A stand-in for the bash utilities whose public format `milestone` keeps: same files, same keys, same order of steps,
# same waits, and the same carelessness, because `milestone` has to live beside it. Sourced by tests, run from the
# directory that holds `.milestones`. It is not meant for use: nothing here is quoted against hostile values.

root=.milestones/state

moment() { date -u +%FT%TZ; }
day_and_time() { date +%Y%m%d-%H%M%S; }
active() { printf '%s/active/%s.json' "$root" "$1"; }
stream() { printf '%s/events/milestone-%s.jsonl' "$root" "$1"; }
checkpoint() { printf '%s/backups/%s-checkpoint-%s.json' "$root" "$1" "$2"; }
sound() { python3 -m json.tool "$1" > /dev/null 2>&1; }

init_state() {
    local part
    for part in active completed sessions backups events .locks; do mkdir -p "$root/$part"; done
    [ -f "$(stream "$1")" ] ||
        printf '{"timestamp":"%s","event":"state_initialized","milestone_id":"%s"}\n' "$(moment)" "$1" >> "$(stream "$1")"
}

# take_lock ID [SECONDS]: one try a second. A lock whose `acquired` is older than ten minutes is dropped and tried
# again without a pause; drop_lock takes away only this shell's own, so for a foreign one that goes on until it is gone.
take_lock() {
    local dir="$root/.locks/$1.lock" left=${2:-30} since
    for ((; left > 0; left--)); do
        while true; do
            if mkdir "$dir" 2> /dev/null; then
                echo $$ > "$dir/pid"
                moment > "$dir/acquired"
                return 0
            fi
            [ -f "$dir/acquired" ] || break
            since=$(date -d "$(cat "$dir/acquired")" +%s 2> /dev/null)
            [ $(($(date +%s) - since)) -gt 600 ] || break
            drop_lock "$1"
        done
        sleep 1
    done
    echo "ERROR: lock of $1 not acquired"
    return 1
}

drop_lock() {
    local dir="$root/.locks/$1.lock"
    if [ -f "$dir/pid" ] && [ "$(cat "$dir/pid")" = $$ ]; then
        rm -rf "$dir"
    else
        echo "WARNING: lock of $1 is not ours"
        return 1
    fi
}

current_session() { cat "$root/.current_session" 2> /dev/null || echo no-session; }

# log_event ID TYPE DATA [SESSION]: appended without any lock, in as many writes as the shell pleases.
log_event() {
    local session=${4:-$(current_session)}
    printf '{"timestamp":"%s","milestone_id":"%s","session_id":"%s","event_type":"%s","data":%s,"pid":%s,"user":"%s"}\n' \
        "$(moment)" "$1" "$session" "$2" "$3" $$ "$(whoami)" >> "$(stream "$1")"
}

save_state() {
    local file next
    file=$(active "$1")
    next=$file.tmp.$$
    take_lock "$1" || return 1
    [ ! -f "$file" ] || cp "$file" "$root/backups/$1-$(day_and_time).json"
    cat > "$next" << END
{
  "timestamp": "$(moment)",
  "milestone_id": "$1",
  "version": "1.0",
  "state": $2
}
END
    if ! sound "$next"; then
        echo "ERROR: not JSON"
        rm -f "$next"
        drop_lock "$1"
        return 1
    fi
    mv "$next" "$file"
    log_event "$1" state_saved "{\"state_file\": \"$file\"}"
    drop_lock "$1"
}

load_state() {
    local file
    file=$(active "$1")
    [ -f "$file" ] || return 1
    if ! sound "$file"; then
        recover_state "$1"
        return
    fi
    python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["state"], indent=2))' "$file"
    log_event "$1" state_loaded "{\"state_file\": \"$file\"}"
}

# recover_state ID: the newest file in backups whose name begins with the id, whatever it is.
recover_state() {
    local file newest
    file=$(active "$1")
    newest=$(ls -t "$root/backups/$1"-*.json 2> /dev/null | head -n 1)
    [ -n "$newest" ] && sound "$newest" || return 1
    take_lock "$1" || return 1
    [ ! -f "$file" ] || mv "$file" "$file.corrupted.$(day_and_time)"
    cp "$newest" "$file"
    log_event "$1" state_recovered "{\"backup_file\": \"$newest\"}"
    drop_lock "$1"
}

make_checkpoint() {
    local copy
    copy=$(checkpoint "$1" "$2")
    [ -f "$(active "$1")" ] || return 1
    cp "$(active "$1")" "$copy"
    log_event "$1" checkpoint_created "{\"checkpoint_name\": \"$2\", \"checkpoint_file\": \"$copy\"}"
}

# restore_checkpoint ID NAME: copied over the active file in place, so a hard link to that file changes with it.
restore_checkpoint() {
    [ -f "$(checkpoint "$1" "$2")" ] || return 1
    take_lock "$1" || return 1
    make_checkpoint "$1" "pre-restore-$(day_and_time)"
    cp "$(checkpoint "$1" "$2")" "$(active "$1")"
    log_event "$1" state_restored "{\"checkpoint_name\": \"$2\"}"
    drop_lock "$1"
}

start_session() {
    local session
    session=session-$(day_and_time)-$$
    mkdir -p "$root/sessions"
    cat > "$root/sessions/$session.json" << END
{
  "session_id": "$session",
  "milestone_id": "$1",
  "created_at": "$(moment)",
  "pid": $$,
  "user": "$(whoami)",
  "working_directory": "$PWD",
  "git_branch": "none",
  "status": "active"
}
END
    echo "$session" > "$root/.current_session"
    log_event "$1" session_created "{\"session_id\": \"$session\"}" "$session"
    echo "$session"
}

end_session() {
    local session=${1:-$(current_session)} file
    file=$root/sessions/$session.json
    [ -f "$file" ] || return 0
    python3 -c '
import json, sys
path, when = sys.argv[1:]
record = json.load(open(path))
record |= {"status": "completed", "ended_at": when}
json.dump(record, open(path, "w"), indent=2)
print(record["milestone_id"])' "$file" "$(moment)" > "$file.owner"
    rm -f "$root/.current_session"
    log_event "$(cat "$file.owner")" session_ended "{\"session_id\": \"$session\"}" "$session"
    rm -f "$file.owner"
}

# clean_up ID [DAYS]: backups by prefix and age; the log re-serialised into a new file without any lock, so what
# others append meanwhile is gone, and so is everything after a line that is not JSON.
clean_up() {
    local days=${2:-7} log
    log=$(stream "$1")
    find "$root/backups" -name "$1-*.json" -mtime "+$days" -delete 2> /dev/null
    if [ -f "$log" ]; then
        python3 -c '
import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["timestamp"][:10] >= sys.argv[2]:
        print(json.dumps(event))' "$log" "$(date -d "$days days ago" +%F)" > "$log.tmp"
        mv "$log.tmp" "$log"
    fi
    log_event "$1" state_cleaned "{\"retention_days\": $days}"
}

# show_timeline ID [text|json]: parses every line, sorts by timestamp, prints.
show_timeline() {
    python3 -c '
import json, sys
events = sorted(map(json.loads, open(sys.argv[1])), key=lambda event: event["timestamp"])
if sys.argv[2] == "json":
    print(json.dumps(events, indent=2))
else:
    for event in events:
        print(event["timestamp"], "[" + event["event_type"] + "]", event.get("data", {}))' "$(stream "$1")" "${2:-text}"
}
