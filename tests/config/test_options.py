"""Options are declared once; checks, messages and help all come from the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import Factory, field, frozen

from anyfit.errors import ConfigError, SpecError
from anyfit.options import OptionHelp, describe, structure


class Mode(Enum):
    """How careful to be."""

    SAFE = "safe"
    FAST = "fast"


def _seconds(value: int) -> timedelta:
    return timedelta(seconds=value)


@frozen
class Options:
    """Options of every type."""

    python: str = field(default="python3", metadata={"help": "The interpreter."})
    workers: int = 2
    share: float = 0.5
    clean: bool = False
    mode: Mode = Mode.SAFE
    color: Literal["red", "blue"] = "red"
    folder: Path = Path("here")
    pause: int | None = None
    ports: list[int] = Factory(list)
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = Factory(dict)
    size: str | Mapping[str, int] = ""
    extra: Any = None
    grace: timedelta = field(default=0, converter=_seconds)  # type: ignore[assignment]
    _cache: str = ""


@frozen
class Required:
    """Options that have to be given."""

    role: str
    token: str = field(metadata={"secret": True})


GOOD: list[tuple[str, Any, Any]] = [
    ("python", "python", "python"),
    ("workers", 3, 3),
    ("share", 1, 1.0),
    ("clean", True, True),
    ("mode", "fast", Mode.FAST),
    ("mode", Mode.FAST, Mode.FAST),
    ("color", "blue", "blue"),
    ("folder", "there", Path("there")),
    ("pause", 3, 3),
    ("pause", None, None),
    ("ports", [1, 2], [1, 2]),
    ("names", ["a"], ("a",)),
    ("labels", {"a": "b"}, {"a": "b"}),
    ("size", "big", "big"),
    ("size", {"local": 3}, {"local": 3}),
    ("extra", {1: 2}, {1: 2}),
    ("grace", 5, timedelta(seconds=5)),
    ("cache", "x", "x"),
]
BAD = [
    ("python", 3, "options.local.python: expected text, got 3"),
    ("workers", "3", "options.local.workers: expected a whole number, got '3'"),
    ("workers", 3.0, "options.local.workers: expected a whole number, got 3.0"),
    ("workers", True, "options.local.workers: expected a whole number, got True"),
    ("share", "x" * 99, "options.local.share: expected a number, got text"),
    ("clean", 1, "options.local.clean: expected true or false, got 1"),
    ("mode", "slow", "options.local.mode: expected one of 'safe', 'fast', got 'slow'"),
    ("color", "green", "options.local.color: expected one of 'red', 'blue', got 'green'"),
    ("folder", 3, "options.local.folder: expected a path, got 3"),
    ("pause", "x", "options.local.pause: expected a whole number, got 'x'"),
    ("ports", 80, "options.local.ports: expected a list of a whole number, got 80"),
    ("ports", [80, "x"], "options.local.ports[1]: expected a whole number, got 'x'"),
    ("names", "abc", "options.local.names: expected a list of text, got 'abc'"),
    ("labels", {"a": {}}, "options.local.labels.a: expected text, got a table"),
    ("labels", {1: "a"}, "options.local.labels: expected a table of text, got a table"),
    ("size", 3, "options.local.size: expected text or a table of a whole number, got 3"),
    ("size", {"local": "x"}, "options.local.size.local: expected a whole number, got 'x'"),
    ("pyton", "x", "options.local.pyton: unknown, did you mean 'python'?"),
    ("zzz", "x", "options.local.zzz: unknown"),
    ("grace", "x", "options.local: unsupported type for timedelta seconds component: str"),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_good_value(name: str, value: Any, expected: Any) -> None:
    """A value of the right type becomes what the class holds."""
    made = structure(Options, {name: value}, "options.local")

    assert getattr(made, "_cache" if name == "cache" else name) == expected


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_bad_value(name: str, value: Any, message: str) -> None:
    """A wrong value is told with its path, what was expected and what was there."""
    with pytest.raises(SpecError) as caught:
        structure(Options, {name: value}, "options.local")

    assert caught.value.message == message


def test_all_at_once() -> None:
    """Every fault is told, and which options there are."""
    with pytest.raises(ConfigError) as caught:
        structure(Required, {"rolle": "x", "token": 3}, "[ti]", error=ConfigError)

    assert caught.value.message.splitlines() == [
        "3 faults:",
        "  [ti].rolle: unknown, did you mean 'role'?",
        "  [ti].role: has to be given",
        "  [ti].token: expected text, got a whole number",
    ]
    assert caught.value.hint == "[ti] knows: role, token"


def test_hint_of_a_wrong_value() -> None:
    """Where the name is right, what it is for is told, and no list of names; the choice "" is left unsaid."""

    @frozen
    class Choosing:
        api: Literal["", "2019"] = field(default="", metadata={"help": "The generation."})
        size: int = 0

    with pytest.raises(SpecError) as caught:
        structure(Choosing, {"api": "2020"}, "options.x")
    assert caught.value.message == "options.x.api: expected one of '2019', got '2020'"
    assert caught.value.hint == "The generation."
    with pytest.raises(SpecError) as caught:
        structure(Choosing, {"size": "x"}, "options.x")
    assert caught.value.hint == ""
    with pytest.raises(SpecError) as caught:
        structure(Choosing, {"size": "x", "sise": 3}, "options.x")
    assert caught.value.hint == "options.x knows: api, size"
    assert structure(Choosing, {"api": ""}, "options.x") == Choosing()


def test_no_table() -> None:
    """What is no table at all is told as well."""
    with pytest.raises(SpecError, match=r"options.local: expected a table, got 'fast'"):
        structure(Options, "fast", "options.local")  # type: ignore[arg-type]


def test_describe() -> None:
    """The declaration says all that a help text needs."""
    python, workers, *_ = described = describe(Options)

    assert python == OptionHelp(
        name="python", type="text", default='"python3"', required=False, help="The interpreter.", secret=False
    )
    assert workers.type == "a whole number"
    assert {each.name: each.default for each in described}["mode"] == '"safe"'
    assert [(each.required, each.secret) for each in describe(Required)] == [(True, False), (True, True)]


def test_type_that_no_option_can_have() -> None:
    """A class with an option of a type that no file can hold is its author's mistake."""

    @frozen
    class Odd:
        when: timedelta = timedelta()

    with pytest.raises(TypeError, match="an option cannot be of type"):
        structure(Odd, {"when": 3}, "options.odd")


def test_numbers_that_are_words() -> None:
    """Where a choice is written with digits, the number is taken for it; another number, or true, is not."""

    @frozen
    class Versioned:
        api: Literal["1", "2021"] = "2021"

    assert structure(Versioned, {"api": 2021}, "x") == structure(Versioned, {}, "x")
    for wrong in (2019, True):
        with pytest.raises(SpecError, match=r"x\.api: expected one of"):
            structure(Versioned, {"api": wrong}, "x")


@frozen
class Bounded:
    """Numbers that have a least value."""

    pause: float = field(default=1.0, metadata={"least": 0})
    nodes: int | None = field(default=None, metadata={"least": 1})


def test_numbers_below_the_least() -> None:
    """They are refused like values of a wrong type, all at once; what is left out is no number."""
    with pytest.raises(SpecError) as caught:
        structure(Bounded, {"pause": float("nan"), "nodes": 0}, "options")

    assert caught.value.message.splitlines()[1:] == [
        "  options.pause: expected 0 or more, got nan",
        "  options.nodes: expected 1 or more, got 0",
    ]
    assert structure(Bounded, {"pause": 0, "nodes": None}, "options") == Bounded(pause=0.0)
