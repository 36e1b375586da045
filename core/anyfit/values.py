"""Frozen values as attrs makes them, for modules on the way of every transfer.

To import attrs and make thirty classes with it takes as long as moving a hundred files. Type checkers see attrs' own
`frozen`, `field` and `evolve`; at run time a class is made with one small compilation, and becomes an attrs class for
those who ask: `attrs.fields`, `attrs.has`, `attrs.evolve` and cattrs work, importing attrs is then theirs.

What attrs offers beyond this (converters, validators, factories, inheritance of fields) is for attrs itself.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

__all__ = ["evolve", "field", "frozen"]

if TYPE_CHECKING:
    from attrs import evolve, field, frozen
else:
    _NOTHING = object()
    _put = object.__setattr__

    class _Field:
        """What is said of a field beside its type."""

        __slots__ = ("default", "metadata", "order", "repr")

        def __init__(self, default=_NOTHING, repr=True, order=True, metadata=None):
            self.default = default
            self.repr = repr
            self.order = order
            self.metadata = metadata or {}

    def field(*, default=_NOTHING, repr=True, order=True, metadata=None):
        """As `attrs.field`."""
        return _Field(default, repr, order, metadata)

    def evolve(value, **changes):
        """As `attrs.evolve`."""
        return type(value)(**{name: getattr(value, name) for name in type(value).__annotations__} | changes)

    def frozen(cls=None, *, kw_only=False, order=False):
        """As `attrs.frozen`."""
        if cls is None:
            return lambda cls: _make(cls, kw_only, order)
        return _make(cls, kw_only, order)

    def _make(cls, kw_only, order):
        fields = {name: _field_of(cls, name) for name in cls.__annotations__}
        space = {name: value for name, value in vars(cls).items() if name not in fields}
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        space |= {"__slots__": (*fields, "__weakref__"), "__match_args__": () if kw_only else tuple(fields)}
        space |= {"__init__": _init_of(cls, fields, kw_only), "__attrs_attrs__": _Fields(fields, kw_only)}
        space |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
        content = _getter(list(fields))
        space |= {"__hash__": lambda self: hash(content(self))}
        space |= {"__eq__": _comparison(content, "__eq__"), "__repr__": space.get("__repr__") or _repr_of(fields)}
        if order:
            ranked = _getter([name for name, about in fields.items() if about.order])
            space |= {name: _comparison(ranked, name) for name in ("__lt__", "__le__", "__gt__", "__ge__")}
        return type(cls)(cls.__name__, cls.__bases__, space)

    def _field_of(cls, name):
        value = vars(cls).get(name, _NOTHING)
        return value if isinstance(value, _Field) else _Field(value)

    def _init_of(cls, fields, kw_only):
        defaults = {f"_{name}": about.default for name, about in fields.items() if about.default is not _NOTHING}
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
        default = attr.NOTHING if about.default is _NOTHING else about.default
        return attr.ib(default=default, repr=about.repr, metadata=about.metadata, type=kind)
