"""Values of the rooms that must start fast: as attrs makes them, without attrs."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable

import attrs
import cattrs
import pytest

from anyfit.values import evolve, field, frozen


@frozen(order=True)
class Plain:
    """Two fields, of which one has no part in the order."""

    name: str
    size: int = field(default=3, order=False, metadata={"help": "how many"})


@frozen(kw_only=True)
class Named:
    """Fields by name alone, with a secret and a check."""

    key: str = ""
    secret: str = field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        if self.key == "bad":
            raise ValueError(self.key)


@frozen
class Single:
    """One field."""

    text: str


def test_it_behaves_as_a_value() -> None:
    """Equal contents are equal and have one hash; other classes and contents are not."""
    assert Plain("a") == Plain("a", 3) != Plain("a", 4)
    assert len({Plain("a"), Plain("a", 3), Plain("b")}) == 2
    assert Single("a") == Single("a") != Single("b")
    assert Single("a") != ("a",)  # type: ignore[comparison-overlap]


def test_it_is_frozen() -> None:
    """Nothing can be set, deleted or added."""
    value: object = Plain("a")
    for name in ("name", "other"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, "b")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del value.name  # type: ignore[attr-defined]
    assert not hasattr(value, "__dict__")


def test_order_leaves_out_what_has_none() -> None:
    """Only ordering fields are compared for the order."""
    assert sorted([Plain("b", 1), Plain("a", 2)]) == [Plain("a", 2), Plain("b", 1)]
    assert Plain("a", 1) <= Plain("a", 2) <= Plain("a", 1)


def test_what_is_shown() -> None:
    """A secret is not shown."""
    assert repr(Named(key="k", secret="s")) == "Named(key='k')"


def test_making_one() -> None:
    """Too few, too many and positional arguments are TypeErrors, and a class's own check runs, on changes too."""
    for make in (lambda: Plain(), lambda: Plain("a", 1, 2), lambda: Named("k"), lambda: Plain(nome="a")):  # type: ignore
        with pytest.raises(TypeError):
            make()
    with pytest.raises(ValueError, match="bad"):
        Named(key="bad")
    with pytest.raises(ValueError, match="bad"):
        evolve(Named(key="good"), key="bad")
    assert evolve(Plain("a", 1), size=2) == Plain("a", 2)


def test_it_survives_pickling() -> None:
    """A pickled value comes back equal."""
    assert pickle.loads(pickle.dumps(Plain("a", 7))) == Plain("a", 7)


def test_others_see_an_attrs_class() -> None:
    """attrs and cattrs find fields, types, defaults and metadata, and change and convert values."""
    found = attrs.fields(Plain)
    has: Callable[[type], bool] = attrs.has  # which would make the type checker forget what it knows of Plain

    assert has(Plain)
    assert [a.name for a in found] == ["name", "size"]
    assert found.size.default == 3
    assert found.size.metadata == {"help": "how many"}
    assert attrs.evolve(Plain("a"), name="b") == Plain("b")
    assert attrs.asdict(Plain("a")) == {"name": "a", "size": 3}
    assert cattrs.structure({"name": "a", "size": "4"}, Plain) == Plain("a", 4)


def test_a_transfer_imports_no_attrs() -> None:
    """All modules that a transfer with a service needs come without attrs and what it brings."""
    modules = "anyfit.storage.transfer, anyfit.storage.s3, anyfit.storage.cos, anyfit.storage.rest"
    code = f"import {modules}, sys; sys.exit(bool(sys.modules.keys() & {{'attr', 'attrs', 'inspect', 'requests'}}))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
