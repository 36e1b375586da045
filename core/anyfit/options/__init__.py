"""Options declared once, as an attrs class: checked against what a user wrote, and described in words.

@frozen
class Options:
    python: str = field(default="python3", metadata={"help": "The interpreter."})

structure(Options, {"python": 3}, "options.local")
# SpecError: options.local.python: expected text, got 3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.options.declared import Option, options, structure

if TYPE_CHECKING:
    from anyfit.options.help import OptionHelp, describe

__all__ = ["Option", "OptionHelp", "describe", "options", "structure"]


def __getattr__(name: str) -> Any:
    if name in ("OptionHelp", "describe"):  # few calls show help
        from anyfit.options import help as module

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
