"""The script for bash: plain case tables, so that it needs nothing but bash."""

from . import NOTE
from .declared import Declared, Option, Place, awaiting, first_words, is_open, quoted

BASH = """\
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
            '<'*) word=${word#<} found+=" $(_milestone_names "${word%%>}")" ;;
            *) found+=" $word" ;;
        esac
    done
    COMPREPLY+=($(compgen -W "$found" -- "$cur"))
}

_milestone() {
    local IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
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
            %(valued)s) option=$word ;;
            -?*)
                case $command:$word in
                    %(sometimes)s) option=$word ;;
                esac
                ;;
            *)
                case $command in
                    '' | %(groups)s) command=${command:+$command }$word ;;
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
%(values)s
        esac
        return
    fi
    if [[ $cur == -* ]]; then
        case $command in
%(options)s
        esac
        return
    fi
    case $command:$at in
%(words)s
    esac
}

complete -o default -F _milestone milestone
"""


def script(root: Declared, groups: dict[str, str], commands: list[Declared]) -> str:
    """The script for bash: what is known before the cursor, then one table for values, options and words each."""
    shown = [one for one in commands if not one.is_hidden]
    valued, sometimes = awaiting([root, *shown])
    values = [
        f"            {quoted(one.path)}:{spelling}) {_offer(_offers_of(option))} ;;"
        for one in [root, *shown]
        for option in one.options
        for spelling in option.awaiting()
        if _offers_of(option) and one is not root
    ]
    values.append("            *:--store) _milestone_offer '<folders>' ;;")
    options = [f"            {quoted(one.path)}) {_offer(_spelt(one))} ;;" for one in [root, *shown]]
    words = [f"        :0) {_offer(first_words(groups, shown))} ;;"]
    words += [f"        {name}:0) {_offer(_verbs(name, shown))} ;;" for name in groups]
    words += [
        f"        {quoted(one.path)}:{'*' if is_open(one, i) else i}) {_offer(_offers(place))} ;;"
        for one in shown
        for i, place in enumerate(one.places())
        if _offers(place)
    ]
    return NOTE.format("bash") + BASH % {
        "valued": " | ".join(valued),
        "sometimes": " | ".join(f"{quoted(path)}:{spelling}" for path, spelling in sometimes) or "-",
        "groups": " | ".join(groups),
        "values": "\n".join(values),
        "options": "\n".join(options),
        "words": "\n".join(words),
    }


def _offer(words: list[str]) -> str:
    return f"_milestone_offer {quoted(' '.join(words))}"


def _spelt(command: Declared) -> list[str]:
    return [spelling for option in command.options for spelling in option.spellings] + ["--help"]


def _offers_of(option: Option) -> list[str]:
    files = ["<paths>"] if option.takes_file else []
    return option.choices or ([f"<{option.names}>"] if option.names else files)


def _offers(place: Place) -> list[str]:
    return [*place.choices, *[f"<{name}>" for name in place.names], *(["<files>"] if place.takes_file else [])]


def _verbs(group: str, commands: list[Declared]) -> list[str]:
    return [one.path.partition(" ")[2] for one in commands if one.path.startswith(f"{group} ")]
