"""Frozen values as attrs makes them, for modules on the way of every transfer.

To import attrs and make thirty classes with it takes as long as moving a hundred files. Type checkers see attrs' own
`frozen`, `field` and `evolve`; at run time a class is made with one small compilation, and becomes an attrs class for
those who ask: `attrs.fields`, `attrs.has`, `attrs.evolve` and cattrs work, importing attrs is then theirs.

What attrs offers beyond this (converters, validators, factories, inheritance of fields) is for attrs itself.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

__all__ = ["declared", "evolve", "field", "frozen"]

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    from attrs import evolve, field, frozen

    class _Field(Protocol):
        default: Any
        required: bool
        metadata: Mapping[str, Any]

    def declared(cls: type[Any]) -> dict[str, _Field] | None:
        """What was said of each field of a class that was made here; None for any other class."""
else:
    _NOTHING = object()
    _put = object.__setattr__

    class _Field:
        """What is said of a field beside its type."""

        __slots__ = ("default", "eq", "metadata", "order", "repr", "required")

        def __init__(self, default=_NOTHING, repr=True, eq=True, order=True, metadata=None):
            self.default = default
            self.required = default is _NOTHING
            self.repr = repr
            self.eq = eq
            self.order = order and eq
            self.metadata = metadata or {}

    def field(*, default=_NOTHING, repr=True, eq=True, order=True, metadata=None):
        """As `attrs.field`."""
        return _Field(default, repr, eq, order, metadata)

    def declared(cls):
        """What was said of each field of a class that was made here; None for any other class."""
        return vars(cls).get("__declared__")

    def evolve(value, /, **changes):
        """As `attrs.evolve`."""
        return type(value)(**{name: getattr(value, name) for name in type(value).__annotations__} | changes)

    def frozen(cls=None, *, kw_only=False, order=False, eq=True, slots=True):
        """As `attrs.frozen`."""
        if cls is None:
            return lambda cls: _make(cls, kw_only, order, eq, slots)
        return _make(cls, kw_only, order, eq, slots)

    def _make(cls, kw_only, order, eq, slots):
        fields = {name: _field_of(cls, name) for name in cls.__annotations__}
        space = {name: value for name, value in vars(cls).items() if name not in fields}
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        room = ("__weakref__",) if slots else ("__weakref__", "__dict__")
        space |= {"__slots__": (*fields, *room), "__match_args__": () if kw_only else tuple(fields)}
        space |= {"__init__": _init_of(cls, fields, kw_only), "__attrs_attrs__": _Fields(fields, kw_only)}
        space["__declared__"] = fields
        space |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
        space["__repr__"] = space.get("__repr__") or _repr_of(fields)
        if eq:
            content = _getter([name for name, about in fields.items() if about.eq])
            space |= {"__hash__": lambda self: hash(content(self)), "__eq__": _comparison(content, "__eq__")}
        if order:
            ranked = _getter([name for name, about in fields.items() if about.order])
            space |= {name: _comparison(ranked, name) for name in ("__lt__", "__le__", "__gt__", "__ge__")}
        return type(cls)(cls.__name__, cls.__bases__, space)

    def _field_of(cls, name):
        value = vars(cls).get(name, _NOTHING)
        return value if isinstance(value, _Field) else _Field(value)

    def _init_of(cls, fields, kw_only):
        defaults = {f"_{name}": about.default for name, about in fields.items() if not about.required}
        wanted = [f"{name}=_{name}" if f"_{name}" in defaults else name for name in fields]
        head = ", ".join(["self", *(["*"] if kw_only else []), *wanted])
        body = [f"    _put(self, {name!r}, {name})" for name in fields]
        body += ["    self.__attrs_post_init__()"] if hasattr(cls, "__attrs_post_init__") else []
        space = {"_put": _put, **defaults}
        exec(f"def __init__({head}):\n" + "\n".join(body or ["    pass"]), space)  # noqa: S102  our own text
        init = space["__init__"]
        init.__qualname__ = f"{cls.__qualname__}.__init__"
        init.__annotations__ = {**cls.__annotations__, "return": "None"}
        return init

    def _getter(names):
        if len(names) == 1:
            (name,) = names
            return lambda value: (getattr(value, name),)
        return attrgetter(*names) if names else lambda value: ()

    def _comparison(content, name):
        def compare(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return getattr(content(self), name)(content(other))

        return compare

    def _repr_of(fields):
        shown = [name for name, about in fields.items() if about.repr]

        def __repr__(self):
            return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

        return __repr__

    def _refuse(self, *_):
        from attrs.exceptions import FrozenInstanceError

        raise FrozenInstanceError

    def _state(self):
        return {name: getattr(self, name) for name in type(self).__annotations__}

    def _restore(self, state):
        for name, value in state.items():
            _put(self, name, value)

    class _Fields:
        """A class's fields in attrs' own form, made when somebody asks."""

        def __init__(self, fields, kw_only):
            self.fields = fields
            self.kw_only = kw_only

        def __get__(self, instance, owner):
            import attr

            types = owner.__annotations__
            made = {name: _attribute(attr, about, types[name]) for name, about in self.fields.items()}
            twin = attr.make_class(owner.__name__, made, kw_only=self.kw_only, slots=True)
            owner.__attrs_attrs__ = twin.__attrs_attrs__
            return owner.__attrs_attrs__

    def _attribute(attr, about, kind):
        default = attr.NOTHING if about.required else about.default
        return attr.ib(default=default, repr=about.repr, eq=about.eq, metadata=about.metadata, type=kind)
