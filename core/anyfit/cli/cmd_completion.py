"""Put one of these lines into the shell's own file:

eval "$(anyfit completion bash)"           ~/.bashrc
eval "$(anyfit completion zsh)"            ~/.zshrc
anyfit completion fish | source            ~/.config/fish/config.fish
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_SCRIPTS = {
    "bash": """\
_anyfit() {
    local IFS=$'\\n'
    COMPREPLY=($(anyfit __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _anyfit anyfit
""",
    "zsh": """\
_anyfit() {
    local -a found
    found=(${(f)"$(anyfit __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _anyfit anyfit
""",
    "fish": """\
function __anyfit_complete
    set -l words (commandline -opc)
    anyfit __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c anyfit -a '(__anyfit_complete)'
""",
}


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit completion` takes."""
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="the shell")


def run(args: Namespace) -> int:
    """Print a completion script."""
    print(_SCRIPTS[args.shell], end="")
    return 0
