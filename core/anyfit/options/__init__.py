"""Options declared once, as an attrs class: checked against what a user wrote, and described in words.

@frozen
class Options:
    python: str = field(default="python3", metadata={"help": "The interpreter."})

structure(Options, {"python": 3}, "options.local")
# SpecError: options.local.python: expected text, got 3
"""

from anyfit.options.declared import Option, OptionHelp, describe, options, structure

__all__ = ["Option", "OptionHelp", "describe", "options", "structure"]
