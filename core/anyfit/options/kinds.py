"""The types that an option can have: how a value is checked, read from text, and named in messages.

These are text, numbers, booleans, paths, enumerations and literals, lists and tables of these, and unions.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

__all__ = ["convert", "from_text", "in_words", "show"]

_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (float, int)),
    Path: ("a path", (Path, str)),
}
_UNIONS = (Union, types.UnionType)


def convert(kind: Any, value: Any, where: str, faults: list[str], *, secret: bool = False) -> Any:
    """The value as its type has it; what is wrong goes to `faults`, and then the result means nothing."""
    if get_origin(kind) in _UNIONS:
        return _union(kind, value, where, faults, secret)
    if kind is Any or (_fits(kind, value) and kind in (str, bool)):
        return value
    if get_origin(kind) is Literal and type(value) is int and str(value) in get_args(kind):  # 2021 for "2021"
        return str(value)
    if _fits(kind, value):
        if is_table(kind):
            item = (get_args(kind) or (str, Any))[1]
            return {key: convert(item, each, f"{where}.{key}", faults) for key, each in value.items()}
        if is_list(kind):
            item = (get_args(kind) or (Any,))[0]
            made = [convert(item, each, f"{where}[{index}]", faults) for index, each in enumerate(value)]
            return made if (get_origin(kind) or kind) is list else tuple(made)
        return value if get_origin(kind) is Literal else kind(value)
    faults.append(f"{where}: expected {in_words(kind)}, got {_got(value, secret)}")
    return None


def from_text(kind: Any, text: str) -> Any:
    """What the text of an environment variable means for a type: JSON, unless the type takes text."""
    each_kind = alternatives(kind)
    takes_text = any(each in (str, Path) or choices(each) for each in each_kind)
    if takes_text and not (any(map(is_table, each_kind)) and text.lstrip().startswith("{")):
        return text
    import json

    try:
        return json.loads(text.lower() if bool in each_kind else text)
    except ValueError:
        return text


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types of which a value may have any."""
    return get_args(kind) if get_origin(kind) in _UNIONS else (kind,)


def in_words(kind: Any) -> str:
    """What a type expects, as the end of the sentence "expected ..."."""
    arguments = get_args(kind)
    if kind in _SCALARS:
        return _SCALARS[kind][0]
    if named := choices(kind):
        return "one of " + ", ".join(repr(each) for each in named if each != "")  # "" stands for leaving it out
    if get_origin(kind) in _UNIONS:
        return " or ".join(in_words(each) for each in arguments if each is not type(None))
    if is_list(kind):
        return f"a list of {in_words(arguments[0])}" if arguments else "a list"
    if is_table(kind):
        return f"a table of {in_words(arguments[1])}" if arguments and arguments[1] is not Any else "a table"
    return "anything"


def show(value: object) -> str:
    """A value as a user would write it in TOML; "" for None."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_bare(key)} = {show(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, Enum):
        return show(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, Path)):
        import json

        return json.dumps(str(value), ensure_ascii=False)
    return "" if value is None else str(value)


def _bare(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else show(key)


def choices(kind: Any) -> tuple[Any, ...]:
    """The values of an enumeration or literal, else nothing."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(each.value for each in kind)
    return ()


def is_list(kind: Any) -> bool:
    """Whether the type is a list or tuple of any length."""
    return (get_origin(kind) or kind) in (list, tuple, Sequence)


def is_table(kind: Any) -> bool:
    """Whether the type is a mapping."""
    return (get_origin(kind) or kind) in (dict, Mapping)


def _fits(kind: Any, value: Any) -> bool:
    """Whether the value is of the type, as far as can be seen without looking into it."""
    if kind in _SCALARS:
        return isinstance(value, _SCALARS[kind][1]) and (kind is bool or not isinstance(value, bool))
    if named := choices(kind):
        return any(value == each and type(value) is type(each) for each in named) or value in list(_enum(kind))
    if is_list(kind):
        return isinstance(value, (list, tuple))
    if is_table(kind):
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    raise TypeError(f"an option cannot be of type {kind!r}")


def _enum(kind: Any) -> Any:
    return kind if isinstance(kind, type) else ()


def _union(kind: Any, value: Any, where: str, faults: list[str], secret: bool) -> Any:
    alternatives = get_args(kind)
    if value is None and type(None) in alternatives:
        return None
    for each in alternatives:
        if each is not type(None) and (each is Any or _fits(each, value)):
            return convert(each, value, where, faults, secret=secret)
    faults.append(f"{where}: expected {in_words(kind)}, got {_got(value, secret)}")
    return None


def _got(value: Any, secret: bool) -> str:
    """The value, or only its type when it must not be shown or is too long."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if not secret and len(repr(value)) <= 60:
        return repr(value)
    return in_words(type(value)) if type(value) in _SCALARS else "something else"
