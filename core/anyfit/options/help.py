"""What can be said about the options of a class, for help texts and templates."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from anyfit.options.declared import options
from anyfit.options.kinds import in_words, show

__all__ = ["OptionHelp", "describe"]


@frozen(kw_only=True)
class OptionHelp:
    """What a user may want to know of an option.

    Attributes:
        name: As the user writes it.
        type: In words: "text", "a whole number", "one of 'a', 'b'".
        default: As the user would write it in TOML; "" for none.
        required: Whether it has to be given.
        help: A sentence.
        secret: Whether its value must never be shown.
    """

    name: str
    type: str
    default: str
    required: bool
    help: str
    secret: bool


def describe(cls: type[Any]) -> list[OptionHelp]:
    """What can be said about each option of a class, in the order of declaration."""
    return [
        OptionHelp(
            name=each.name,
            type=in_words(each.kind),
            default="" if each.required else show(each.default),
            required=each.required,
            help=each.help,
            secret=each.secret,
        )
        for each in options(cls).values()
    ]
