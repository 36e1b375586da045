"""The options that an attrs class declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, get_type_hints

from anyfit.errors import SpecError, UsageError, nearest
from anyfit.options.kinds import convert
from anyfit.values import declared, field, frozen

__all__ = ["Option", "instance", "options", "raise_faults", "structure", "unknown"]

T = TypeVar("T")


@frozen(eq=False)
class Option:
    """One option of a class.

    Attributes:
        name: As the user writes it, and as the class's constructor takes it.
        kind: Its type; `Any` where the class has a converter of its own.
        metadata: What the class says of it beside: `help`, `secret`, `path`, `least`.
        make: Makes its default; None where there is none.
    """

    name: str
    kind: Any
    metadata: Mapping[str, Any]
    make: Callable[[], Any] | None = field(repr=False)

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return bool(self.metadata.get("secret"))

    @property
    def path(self) -> bool:
        """Whether it is a URI or a path; a relative one begins at the folder of the file that it stands in."""
        return bool(self.metadata.get("path"))

    @property
    def help(self) -> str:
        """A sentence, or ""."""
        return str(self.metadata.get("help", ""))

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.make is None

    @property
    def default(self) -> Any:
        """Its default, made anew each time; None where there is none."""
        return self.make() if self.make else None

    def read(self, value: Any, where: str, faults: list[str], *, secret: bool = False) -> Any:
        """The value as the type has it; what is wrong, such as a number below the `least`, goes to `faults`."""
        before, secret = len(faults), secret or self.secret
        made = convert(self.kind, value, where, faults, secret=secret)
        least = self.metadata.get("least")
        if least is not None and made is not None and len(faults) == before and not made >= least:
            faults.append(f"{where}: expected {least} or more{'' if secret else f', got {value!r}'}")
        return made


def options(cls: type[Any]) -> dict[str, Option]:
    """The options of a class by the name that users write."""
    hints = get_type_hints(cls)
    light = declared(cls)
    if light is None:
        return _of_attrs(cls, hints)
    return {
        name: Option(name, hints[name], about.metadata, None if about.required else partial(_same, about.default))
        for name, about in light.items()
    }


def _of_attrs(cls: type[Any], hints: Mapping[str, Any]) -> dict[str, Option]:
    import attrs  # slow; anyfit's own settings, which every transfer reads, do without

    found = {}
    for each in attrs.fields(cls):
        if each.init:
            name = each.alias or each.name
            default: Any = each.default
            make = default.factory if isinstance(default, attrs.Factory) else partial(_same, default)  # type: ignore[arg-type]
            kind = Any if each.converter else hints[each.name]
            found[name] = Option(name, kind, each.metadata, None if default is attrs.NOTHING else make)
    return found


def _same(value: Any) -> Any:
    return value


def structure(cls: type[T], mapping: Mapping[str, Any], where: str, *, error: type[UsageError] = SpecError) -> T:
    """Make an instance of an options class from what a user wrote.

    Raises `error` with every fault at once, each with its path: unknown names with the nearest right one,
    values of a wrong type, values that are missing, and what the class's own validators refuse.
    """
    known = options(cls)
    names = f"{where} knows: {', '.join(known) or 'nothing'}"
    if not isinstance(mapping, Mapping):
        raise error(f"{where}: expected a table, got {mapping!r}", hint=names)
    misspelt = [unknown(f"{where}.{name}", name, known) for name in mapping if name not in known]
    missing = [f"{where}.{name}: has to be given" for name in known if known[name].required and name not in mapping]
    faults = misspelt + missing
    values, wrong = {}, []
    for name, each in known.items():
        if name in mapping:
            before = len(faults)
            values[name] = each.read(mapping[name], f"{where}.{name}", faults)
            wrong += [each.help] if len(faults) > before else []
    raise_faults(faults, error, hint=names if misspelt else wrong[0] if len(wrong) == 1 else "")
    return instance(cls, values, where, error)


def instance(cls: type[T], values: Mapping[str, Any], where: str, error: type[UsageError]) -> T:
    """Make the instance from values of the right types; what a validator refuses becomes `error`."""
    try:
        return cls(**values)
    except (ValueError, TypeError) as refused:
        if isinstance(refused, UsageError):
            raise
        text = str(refused.args[0] if refused.args else refused)
        for name, option in options(cls).items():
            if option.secret and values.get(name):
                text = text.replace(str(values[name]), "****")
        raise error(f"{where}: {text}") from None


def unknown(where: str, name: str, known: Iterable[str]) -> str:
    """The fault of a name that is not known."""
    near = nearest(name, known)
    return f"{where}: unknown{f', {near}' if near else ''}"


def raise_faults(faults: Sequence[str], error: type[UsageError], *, hint: str = "") -> None:
    """Raise one error for all faults, if there are any."""
    if len(faults) > 1:
        raise error("\n".join([f"{len(faults)} faults:", *(f"  {fault}" for fault in faults)]), hint=hint)
    if faults:
        raise error(faults[0], hint=hint)
