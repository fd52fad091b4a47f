"""The function for zsh: `_arguments` for each command, with the help beside each word."""

from collections.abc import Iterator

from . import NOTE
from .declared import Declared, Option, is_open, quoted

ZSH = """\
# Names that the store knows; silent where there is none.
_milestone_names() {
    local -a found
    found=(${(f)"$(command milestone ${store:+--store} $store names $1 $2 2> /dev/null)"})
    (( $#found )) && compadd "${@:3}" -a found
}

_milestone_milestones() { _milestone_names milestones '' "$@" }
_milestone_sessions() { _milestone_names sessions '' "$@" }
_milestone_transactions() { _milestone_names transactions '' "$@" }
_milestone_agents() { _milestone_names agents '' "$@" }
_milestone_syncs() { _milestone_names syncs '' "$@" }
_milestone_tasks() { _milestone_names tasks '' "$@" }
_milestone_checkpoints() {
    local owner=
    (( CURRENT > 2 )) && [[ $words[2] != -* ]] && owner=$words[2]
    _milestone_names checkpoints "$owner" "$@"
}
_milestone_files() { compset -P @ && _files "$@" }

"""


def script(root: Declared, groups: dict[str, str], commands: list[Declared]) -> str:
    """The function for zsh: `_arguments` for each command, with the help beside each word."""
    shown = [one for one in commands if not one.is_hidden]
    firsts = {one.path: one.paragraphs[0] for one in shown if " " not in one.path} | groups
    out = ["#compdef milestone\n", NOTE.format("zsh"), "\n", ZSH]
    out += [_zsh_chooser("_milestone", root.options, firsts)]
    for group in groups:
        verbs = {one.path.partition(" ")[2]: one.paragraphs[0] for one in shown if one.path.startswith(f"{group} ")}
        options = [option for one in shown if one.path == group for option in one.options]
        out.append(_zsh_chooser(f"_milestone_{group}", options, verbs))
    out += [_zsh_command(one) for one in shown if one.path not in groups]
    out.append('_milestone "$@"\n')
    return "".join(out)


def _zsh_chooser(name: str, options: list[Option], words: dict[str, str]) -> str:
    """A function that completes the first word, and hands what follows to that word's own function."""
    specs = "".join(f"        {quoted(spec)} \\\n" for option in options for spec in _zsh_option(option))
    described = "".join(f"        {quoted(word + ':' + help_)}\n" for word, help_ in words.items())
    keep = "    local store=${(Q)opt_args[--store]}\n" if name == "_milestone" else ""
    return (
        f"{name}() {{\n"
        "    local context state state_descr line\n"
        "    local -A opt_args\n"
        "    local -a words_here=(\n"
        f"{described}    )\n"
        f"    _arguments -C \\\n{specs}"
        "        '--help[Show help and exit.]' '1: :->first' '*:: :->rest' && return 0\n"
        f"{keep}    case $state in\n"
        "        first) _describe -t commands command words_here ;;\n"
        f"        rest) (( $+functions[{name}_$line[1]] )) && {name}_$line[1] ;;\n"
        "    esac\n"
        "}\n\n"
    )


def _zsh_command(command: Declared) -> str:
    specs = [spec for option in command.options for spec in _zsh_option(option)]
    places = command.places()
    for i, place in enumerate(places):
        at = "*" if is_open(command, i) else str(i + 1)
        specs.append(f"{at}: :{_zsh_action(place.choices, place.names, place.takes_file)}")
    lines = "".join(f" \\\n        {quoted(spec)}" for spec in [*specs, "--help[Show help and exit.]"])
    return f"_milestone_{command.path.replace(' ', '_')}() {{\n    local -A opt_args\n    _arguments{lines}\n}}\n\n"


def _zsh_option(option: Option) -> Iterator[str]:
    help_ = "".join("\\" + char if char in "[]:\\" else char for char in option.help)
    for spelling in option.spellings:
        if option.is_flag:
            yield f"{spelling}[{help_}]"
        else:
            action = "_files" if option.takes_file else _zsh_action(option.choices, [option.names], False)
            action = "_directories" if spelling == "--store" else action
            yield f"{spelling}=[{help_}]:{option.takes.replace(':', '')}:{action}"


def _zsh_action(choices: list[str], names: list[str], takes_file: bool) -> str:
    kinds = [f"_milestone_{name}" for name in names if name] + (["_milestone_files"] if takes_file else [])
    if choices:
        return f"({' '.join(choices)})"
    if len(kinds) > 1:
        return "{_alternative " + " ".join(f'"{kind[11:]}:{kind[11:]}:{kind}"' for kind in kinds) + "}"
    return kinds[0] if kinds else " "
