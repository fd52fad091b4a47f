"""The script for fish: one `complete` for each word and option, with its help."""

from . import NOTE
from .declared import Declared, Option, awaiting, is_open, quoted

NAMES = {
    "milestones": "__milestone_names milestones",
    "sessions": "__milestone_names sessions",
    "transactions": "__milestone_names transactions",
    "agents": "__milestone_names agents",
    "syncs": "__milestone_names syncs",
    "tasks": "__milestone_names tasks",
    "checkpoints": "__milestone_names checkpoints (__milestone_words)[3]",
}
"""What prints the names of a kind; the checkpoints are those of the milestone that stands before."""
FISH = """\
# The words of the command before the cursor that are no options and no values of options.
function __milestone_words
    set -l skip 0
    set -l plain
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word %(valued)s; or contains -- "$plain[1..2]:$word" %(sometimes)s
            set skip 1
        else if not string match -q -- '-?*' $word
            set -a plain $word
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
    set -l store (string match -r -- '--store[= ]+(\\\\S+)' (commandline -pc))[2]
    command milestone (test -n "$store"; and printf '%%s\\n' --store $store) names $argv 2>/dev/null
end

function __milestone_files
    set -l word (commandline -ct)
    if string match -q -- '@*' $word
        printf '@%%s\\n' (__fish_complete_path (string sub -s 2 -- $word) | string split -f1 \\t)
    end
end

complete -c milestone -f
"""


def script(root: Declared, groups: dict[str, str], commands: list[Declared]) -> str:
    """The script for fish: one `complete` for each word and option, with its help."""
    shown = [one for one in commands if not one.is_hidden]
    valued, sometimes = awaiting([root, *shown])
    told = " ".join(quoted(f"{path}:{spelling}") for path, spelling in sometimes)
    out = [NOTE.format("fish"), "\n", FISH % {"valued": " ".join(valued), "sometimes": told}]
    firsts = {one.path: one.paragraphs[0] for one in shown if " " not in one.path} | groups
    out += [_fish_line("", "0", f"-a {quoted(word)} -d {_fish_quoted(help_)}") for word, help_ in firsts.items()]
    out += [_fish_option("", option, "0") for option in root.options]
    for one in shown:
        group, _, verb = one.path.partition(" ")
        if verb:
            out.append(_fish_line(group, "0", f"-a {verb} -d {_fish_quoted(one.paragraphs[0])}"))
    for one in shown:
        places = one.places()
        for i, place in enumerate(places):
            offers = [*place.choices, *[f"({NAMES[name]})" for name in place.names]]
            offers += ["(__milestone_files)"] if place.takes_file else []
            if offers:
                at = f"{i}+" if is_open(one, i) else str(i)
                out.append(_fish_line(one.path, at, f"-a {quoted(' '.join(offers))}"))
        out += [_fish_option(one.path, option, "0" if one.path in groups else "") for option in one.options]
    return "".join(out) + "complete -c milestone -l help -d 'Show help and exit.'\n"


def _fish_line(path: str, at: str, rest: str) -> str:
    condition = f"__milestone_at {_double(path)}" + (f" {at}" if at else "")
    return f"complete -c milestone -n {quoted(condition)} {rest}\n"


def _fish_option(path: str, option: Option, at: str = "") -> str:
    offers = " ".join(option.choices) or (f"({NAMES[option.names]})" if option.names else "")
    words = " ".join(f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}" for one in option.spellings)
    if not option.is_flag:
        words += (" -r -F" if option.takes_file else " -x") + (f" -a {quoted(offers)}" if offers else "")
        if "--store" in option.spellings:
            words += " -a '(__fish_complete_directories)'"
    return _fish_line(path, at, f"{words} -d {_fish_quoted(option.help)}")


def _double(text: str) -> str:
    return f'"{text}"'


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
