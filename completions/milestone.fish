# Completion of milestone for fish, made by python -m milestone_cli.cli.complete: do not edit.

# The words of the command before the cursor that are no options and no values of options.
function __milestone_words
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word --agent --at --format --idempotency-key --if-revision --indent --keep-last --limit --lock-timeout --name --older-than --reason --revision --session --since --store --type --until
            set skip 1
        else if not string match -q -- '-?*' $word
            echo $word
        end
    end
end

# Whether the command before the cursor is $argv[1], and, when it is given, how many words follow it: $argv[2], or more
# for a number with a plus.
function __milestone_at
    set -l words (__milestone_words)
    set -l wanted (string split -n ' ' -- $argv[1])
    set -l count (count $wanted)
    if test $count -gt 0
        test (count $words) -ge $count; or return 1
        test "$words[1..$count]" = "$wanted"; or return 1
    end
    if set -q argv[2]
        set -l more (math (count $words) - $count)
        if string match -q -- '*+' $argv[2]
            test $more -ge (string trim -c + -- $argv[2])
        else
            test $more -eq $argv[2]
        end
    end
end

# Names that the store knows; silent where there is none.
function __milestone_names
    set -l store (string match -r -- '--store[= ]+(\\S+)' (commandline -pc))[2]
    command milestone (test -n "$store"; and printf '%s\n' --store $store) names $argv 2>/dev/null
end

function __milestone_files
    set -l word (commandline -ct)
    if string match -q -- '@*' $word
        printf '@%s\n' (__fish_complete_path (string sub -s 2 -- $word) | string split -f1 \t)
    end
end

complete -c milestone -f
complete -c milestone -n '__milestone_at "" 0' -a 'init' -d 'Make a store here, and a milestone in it.'
complete -c milestone -n '__milestone_at "" 0' -a 'status' -d 'Tell where the work stands, what came last and what is next.'
complete -c milestone -n '__milestone_at "" 0' -a 'schema' -d 'Print the JSON Schema of a kind of output.'
complete -c milestone -n '__milestone_at "" 0' -a 'state' -d 'Save, load and change the state of milestones.'
complete -c milestone -n '__milestone_at "" 0' -a 'events' -d 'Log events, and look at what happened.'
complete -c milestone -n '__milestone_at "" 0' -a 'checkpoint' -d 'Keep states under a name, and bring them back.'
complete -c milestone -n '__milestone_at "" 0' -a 'session' -d 'Say who works on what, from which shell or client.'
complete -c milestone -n '__milestone_at "" 0' -a 'cleanup' -d 'Remove what is old, with a reason for everything.'
complete -c milestone -n '__milestone_at "" 0' -a 'config' -d 'Look at the settings.'
complete -c milestone -n '__milestone_at "" 0' -l store -x -a '(__fish_complete_directories)' -d 'The store; left out: MILESTONE_STORE, else the nearest.'
complete -c milestone -n '__milestone_at "" 0' -l verbose -d 'Say more, and where an unexpected error came from.'
complete -c milestone -n '__milestone_at "" 0' -l no-color -d 'No colour, as with NO_COLOR.'
complete -c milestone -n '__milestone_at "" 0' -l version -d 'Show the version and exit.'
complete -c milestone -n '__milestone_at "state" 0' -a save -d 'Save a milestone\'s state: validated, backed up, replaced atomically, logged.'
complete -c milestone -n '__milestone_at "state" 0' -a load -d 'Print a milestone\'s state, exactly as it was saved.'
complete -c milestone -n '__milestone_at "state" 0' -a get -d 'Print one value of a state: a string bare, anything else as its JSON text.'
complete -c milestone -n '__milestone_at "state" 0' -a set -d 'Set values inside a state, making parents; the rest of its text stays untouched.'
complete -c milestone -n '__milestone_at "state" 0' -a patch -d 'Patch a state, whole or not at all; what the patch does not name keeps its exact text.'
complete -c milestone -n '__milestone_at "state" 0' -a list -d 'List the milestones of the store, with revision and age.'
complete -c milestone -n '__milestone_at "state" 0' -a history -d 'Show the revisions of a state, newest first: when, who, and what changed.'
complete -c milestone -n '__milestone_at "state" 0' -a diff -d 'Show what differs between two revisions: the previous and the current one, unless they are given.'
complete -c milestone -n '__milestone_at "state" 0' -a undo -d 'Take back the last change, whatever made it, by a new revision with the exact text before; a deleted state too.'
complete -c milestone -n '__milestone_at "state" 0' -a redo -d 'Do again what the last undo took back.'
complete -c milestone -n '__milestone_at "events" 0' -a log -d 'Append an event to a milestone\'s log; when this returns, it is on disk.'
complete -c milestone -n '__milestone_at "events" 0' -a query -d 'Show the latest events that match, oldest first.'
complete -c milestone -n '__milestone_at "events" 0' -a timeline -d 'Show everything that happened, in order.'
complete -c milestone -n '__milestone_at "events" 0' -a verify -d 'Prove a log: sequence, chain, head, and that it explains the state. Exit 6 exactly when there is damage.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a create -d 'Keep a milestone\'s present state under a name, to come back to it.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a list -d 'List a milestone\'s checkpoints, oldest first; those of the bash utilities too.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a show -d 'Show one checkpoint: when and why it was made, and what differs from the present state.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a diff -d 'Show what differs between a checkpoint and the present state, or between two checkpoints.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a restore -d 'Bring a checkpoint\'s state back, as a new revision; the state before is kept as checkpoint `pre-restore-…`.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a delete -d 'Remove a checkpoint; one that is pinned stays (exit 4).'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a pin -d 'Keep a checkpoint from every clean-up and deletion.'
complete -c milestone -n '__milestone_at "checkpoint" 0' -a unpin -d 'Let a pinned checkpoint go.'
complete -c milestone -n '__milestone_at "session" 0' -a create -d 'Begin a session of the calling shell, make it the current one, and print its id.'
complete -c milestone -n '__milestone_at "session" 0' -a current -d 'Print the id of the current session, or no-session.'
complete -c milestone -n '__milestone_at "session" 0' -a use -d 'Make a session the current one; an orphaned one goes over to the calling shell.'
complete -c milestone -n '__milestone_at "session" 0' -a list -d 'List all sessions, oldest first; those of the bash utilities too.'
complete -c milestone -n '__milestone_at "session" 0' -a show -d 'Show everything that a session\'s record says.'
complete -c milestone -n '__milestone_at "session" 0' -a end -d 'End a session; whoever has another one as the current one keeps it.'
complete -c milestone -n '__milestone_at "cleanup" 0' -a plan -d 'Show what a clean-up would keep and remove, and why; nothing is changed.'
complete -c milestone -n '__milestone_at "cleanup" 0' -a run -d 'Remove what `cleanup plan` says: old backups, checkpoints and completed sessions of a milestone.'
complete -c milestone -n '__milestone_at "config" 0' -a show -d 'Show every setting, its value, and where the value comes from.'
complete -c milestone -n '__milestone_at "init" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "init"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "status" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "status"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "schema" 0' -a 'checkpoint-create checkpoint-delete checkpoint-diff checkpoint-list checkpoint-pin checkpoint-restore checkpoint-restore-plan checkpoint-show cleanup-plan cleanup-run config error event-batch event-log events init overview session-create session-current session-end session-list session-show session-use state-diff state-history state-list state-patch state-redo state-save state-set state-undo status timeline verify'
complete -c milestone -n '__milestone_at "state save" 0' -a '(__milestone_names milestones) (__milestone_files)'
complete -c milestone -n '__milestone_at "state save" 1' -a '(__milestone_files)'
complete -c milestone -n '__milestone_at "state save"' -l if-revision -x -d 'Only if this is the current revision; 0: only if new.'
complete -c milestone -n '__milestone_at "state save"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "state save"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "state save"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state load" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state load"' -l revision -x -d 'The state as of this revision.'
complete -c milestone -n '__milestone_at "state load"' -l at -x -d 'The state as of this moment; like --since.'
complete -c milestone -n '__milestone_at "state load"' -l record-access -d 'Log a state_loaded event.'
complete -c milestone -n '__milestone_at "state load"' -l strict -d 'Exit 6 when the state had to be recovered.'
complete -c milestone -n '__milestone_at "state load"' -l indent -x -d 'Spaces to indent by.'
complete -c milestone -n '__milestone_at "state load"' -l format -x -a 'text json yaml' -d 'json: exactly the text that was saved.'
complete -c milestone -n '__milestone_at "state get" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state get"' -l format -x -a 'text json yaml' -d 'json: exactly the text that was saved.'
complete -c milestone -n '__milestone_at "state set" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state set"' -l if-revision -x -d 'Only if this is the current revision; 0: only if new.'
complete -c milestone -n '__milestone_at "state set"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "state set"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "state set"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state patch" 0' -a '(__milestone_names milestones) (__milestone_files)'
complete -c milestone -n '__milestone_at "state patch" 1' -a '(__milestone_files)'
complete -c milestone -n '__milestone_at "state patch"' -l type -x -a 'merge json' -d 'merge: RFC 7396, an object; json: RFC 6902, operations.'
complete -c milestone -n '__milestone_at "state patch"' -l if-revision -x -d 'Only if this is the current revision; 0: only if new.'
complete -c milestone -n '__milestone_at "state patch"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "state patch"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "state patch"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state list"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state history" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state history"' -l limit -x -d 'At most this many; 0: all.'
complete -c milestone -n '__milestone_at "state history"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state diff" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state diff"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state undo" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state undo"' -l if-revision -x -d 'Only if this is the current revision; 0: only if new.'
complete -c milestone -n '__milestone_at "state undo"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "state undo"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "state undo"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "state redo" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "state redo"' -l if-revision -x -d 'Only if this is the current revision; 0: only if new.'
complete -c milestone -n '__milestone_at "state redo"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "state redo"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "state redo"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "events log" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "events log"' -l batch -d 'Read events as JSON Lines from standard input; one sync.'
complete -c milestone -n '__milestone_at "events log"' -l agent -x -d 'Agent that acts, or whose events to show.'
complete -c milestone -n '__milestone_at "events log"' -l session -x -a '(__milestone_names sessions)' -d 'Session that acts, or whose events to show.'
complete -c milestone -n '__milestone_at "events log"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "events log"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "events log"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "events query" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "events query"' -l type -x -d 'Only this type; * and ? match any text.'
complete -c milestone -n '__milestone_at "events query"' -l agent -x -d 'Agent that acts, or whose events to show.'
complete -c milestone -n '__milestone_at "events query"' -l session -x -a '(__milestone_names sessions)' -d 'Session that acts, or whose events to show.'
complete -c milestone -n '__milestone_at "events query"' -l since -x -d 'RFC 3339, a date, \'2h ago\', \'yesterday\', \'now\'; from then on.'
complete -c milestone -n '__milestone_at "events query"' -l until -x -d 'Like --since; up to and including then.'
complete -c milestone -n '__milestone_at "events query"' -l limit -x -d 'At most this many; 0: all.'
complete -c milestone -n '__milestone_at "events query"' -l reverse -d 'Newest first.'
complete -c milestone -n '__milestone_at "events query"' -l format -x -a 'text json jsonl' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "events timeline" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "events timeline"' -l format -x -a 'text json jsonl' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "events verify" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "events verify"' -l all -d 'Every milestone of the store.'
complete -c milestone -n '__milestone_at "events verify"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint create" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "checkpoint create"' -l name -x -d 'Its name; left out: manual-YYYYmmdd-HHMMSS.'
complete -c milestone -n '__milestone_at "checkpoint create"' -l reason -x -d 'Why, for people.'
complete -c milestone -n '__milestone_at "checkpoint create"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "checkpoint create"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "checkpoint create"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint list" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "checkpoint list"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint show" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint show" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint show"' -l state -d 'Print the document that it keeps, exactly.'
complete -c milestone -n '__milestone_at "checkpoint show"' -l format -x -a 'text json yaml' -d 'json: exactly the text that was saved.'
complete -c milestone -n '__milestone_at "checkpoint diff" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint diff" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint diff" 2' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint diff"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint restore" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint restore" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l dry-run -d 'Show what would be done, and do nothing.'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l yes -d 'Do not ask, at a terminal either.'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l force -d 'Even if somebody who is at work would lose work.'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "checkpoint restore"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint delete" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint delete" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint delete"' -l dry-run -d 'Show what would be done, and do nothing.'
complete -c milestone -n '__milestone_at "checkpoint delete"' -l yes -d 'Do not ask, at a terminal either.'
complete -c milestone -n '__milestone_at "checkpoint delete"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "checkpoint delete"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint pin" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint pin" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint pin"' -l reason -x -d 'Why, for people.'
complete -c milestone -n '__milestone_at "checkpoint pin"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "checkpoint pin"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "checkpoint unpin" 0' -a '(__milestone_names milestones) (__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint unpin" 1' -a '(__milestone_names checkpoints)'
complete -c milestone -n '__milestone_at "checkpoint unpin"' -l reason -x -d 'Why, for people.'
complete -c milestone -n '__milestone_at "checkpoint unpin"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "checkpoint unpin"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session create" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "session create"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "session create"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "session create"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session current"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session use" 0' -a '(__milestone_names sessions)'
complete -c milestone -n '__milestone_at "session use"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "session use"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session list"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session show" 0' -a '(__milestone_names sessions)'
complete -c milestone -n '__milestone_at "session show"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "session end" 0' -a '(__milestone_names sessions)'
complete -c milestone -n '__milestone_at "session end"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "session end"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "session end"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "cleanup plan" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "cleanup plan"' -l older-than -x -d 'Keep what is younger: 24h, 7d, 2w; 0 for no such bound.'
complete -c milestone -n '__milestone_at "cleanup plan"' -l keep-last -x -d 'Keep the last N backups, and the last N checkpoints.'
complete -c milestone -n '__milestone_at "cleanup plan"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "cleanup run" 0' -a '(__milestone_names milestones)'
complete -c milestone -n '__milestone_at "cleanup run"' -l older-than -x -d 'Keep what is younger: 24h, 7d, 2w; 0 for no such bound.'
complete -c milestone -n '__milestone_at "cleanup run"' -l keep-last -x -d 'Keep the last N backups, and the last N checkpoints.'
complete -c milestone -n '__milestone_at "cleanup run"' -l dry-run -d 'Show what would be done, and do nothing.'
complete -c milestone -n '__milestone_at "cleanup run"' -l yes -d 'Do not ask, at a terminal either.'
complete -c milestone -n '__milestone_at "cleanup run"' -l idempotency-key -x -d 'Do this once, however often it is asked for.'
complete -c milestone -n '__milestone_at "cleanup run"' -l lock-timeout -x -d 'Seconds to wait for the lock (default 30).'
complete -c milestone -n '__milestone_at "cleanup run"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -n '__milestone_at "config show"' -l format -x -a 'text json jsonl yaml' -d 'Form of the output.'
complete -c milestone -l help -d 'Show help and exit.'
