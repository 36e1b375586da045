"""From what the user asks for to one machine size.

An instance type is a spec ID of the backend, or a neutral wish:

    A100:8            eight A100 per node          cpu:4         exactly four cores
    A100:80GB:1       one with 80 GB               cpu:4+        four cores or more
    gpu:1+            any accelerator              cpu=4+ mem=16GB+ gpu=A100:2
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from anyfit.backend import Framework, Offering, Preset
from anyfit.errors import SpecError, nearest

__all__ = ["Amount", "Wish", "choose", "describe_offering", "find_framework", "find_preset", "parse_wish"]

_NUMBER = r"(\d+(?:\.\d+)?)"
_AMOUNT = re.compile(rf"{_NUMBER}(\+?)")
_MEMORY = re.compile(rf"{_NUMBER}\s*(?:gib|gb|g)?(\+?)", re.IGNORECASE)
_GPU = re.compile(rf"([A-Za-z][\w.-]*?)(?::{_NUMBER}g(?:i?b)?)?(?::(\d+)(\+?))?", re.IGNORECASE)
_GRAMMAR = 'write a spec ID, "A100:8", "A100:80GB:1", "cpu:4+" or "cpu=4+ mem=16GB+"'


@frozen
class Amount:
    """So much, or at least so much."""

    value: float
    at_least: bool = False

    def admits(self, offered: float) -> bool:
        """Whether an offer of that size will do."""
        return offered >= self.value if self.at_least else abs(offered - self.value) < 0.01

    def __str__(self) -> str:
        return f"{self.value:g}{'+' if self.at_least else ''}"


@frozen(kw_only=True)
class Wish:
    """A machine in neutral words; what is None does not matter."""

    cpus: Amount | None = None
    memory_gib: Amount | None = None
    gpu_model: str = ""
    gpu_count: Amount | None = None
    gpu_memory_gib: float | None = None

    def admits(self, offer: Offering) -> bool:
        """Whether the offer grants the wish; a machine that divides grants every smaller one."""
        wish = self.relaxed() if offer.divisible else self
        return (
            (wish.cpus is None or wish.cpus.admits(offer.cpus))
            and (wish.memory_gib is None or wish.memory_gib.admits(offer.memory_gib))
            and (wish.gpu_count is None or (offer.gpu_count > 0 and wish.gpu_count.admits(offer.gpu_count)))
            and (not wish.gpu_model or _same_model(wish.gpu_model, offer.gpu_model))
            and (wish.gpu_memory_gib is None or abs(offer.gpu_memory_gib - wish.gpu_memory_gib) < 1)
        )

    def relaxed(self) -> Wish:
        """The same with every amount as a minimum."""
        return evolve(
            self,
            cpus=self.cpus and evolve(self.cpus, at_least=True),
            memory_gib=self.memory_gib and evolve(self.memory_gib, at_least=True),
            gpu_count=self.gpu_count and evolve(self.gpu_count, at_least=True),
        )


def parse_wish(text: str) -> Wish:
    """Read a neutral wish; `SpecError` shows the grammar when it is none."""
    wish = Wish()
    for term in text.split():
        wish = _add_term(wish, term, text)
    return wish


def choose(instance_type: str, offerings: Sequence[Offering], nodes: int = 1, task: str = "train") -> Offering:
    """The offering that grants the instance type at the lowest price; the smallest one where none is named.

    `SpecError` lists the nearest offers when nobody offers it, it is sold out, or too few nodes can be had.
    """
    fitting = [o for o in offerings if task in o.tasks]
    named = [o for o in fitting if o.spec_id == instance_type]
    if named:
        granted = named
    else:
        wish = _wish_or_unknown(instance_type, fitting)
        granted = [o for o in fitting if wish.admits(o)]
        if not granted:
            raise SpecError(f"instance_type: nobody here offers {instance_type!r}", hint=_nearest_hint(wish, fitting))
    in_stock = [o for o in granted if o.in_stock]
    if not in_stock:
        raise SpecError(
            f"instance_type: {instance_type or 'every machine'} is sold out ({', '.join(o.spec_id for o in granted)})",
            hint=_in_stock_hint(fitting),
        )
    enough = [o for o in in_stock if o.max_nodes is None or nodes <= o.max_nodes]
    if not enough:
        largest = max(in_stock, key=lambda offer: offer.max_nodes or 0)
        most = largest.max_nodes
        raise SpecError(
            f"instance_count: {nodes} nodes asked for, {largest.spec_id} allows at most {most}",
            hint=f"set instance_count to {most} or less, or choose another instance_type",
        )
    return min(enough, key=_preference)


def describe_offering(offer: Offering) -> str:
    """One line for people: `local (2 cpu, 23 GB)`."""
    parts = [f"{offer.cpus:g} cpu", f"{offer.memory_gib:g} GB"]
    if offer.gpu_count:
        memory = f" {offer.gpu_memory_gib:g}GB" if offer.gpu_memory_gib else ""
        parts.append(f"{offer.gpu_count} x {offer.gpu_model}{memory}")
    return f"{offer.spec_id} ({', '.join(parts)})"


def find_framework(
    name: str, version: str, py_version: str, frameworks: Iterable[Framework], task: str = "train"
) -> Framework:
    """The platform's image for a framework; the newest version where none is named.

    `SpecError` names the nearest ones when there is none.
    """
    known = [f for f in frameworks if task in f.tasks]
    same = [f for f in known if f.name.lower() == name.lower()]
    if not same:
        names = sorted({f.name for f in known})
        hint = nearest(name.lower(), [n.lower() for n in names]) or f"there are: {', '.join(names) or 'none'}"
        raise SpecError(f"framework: {name!r} is not offered here", hint=hint)
    fitting = [
        f
        for f in same
        if _version_matches(version, f.version) and (not py_version or _digits(py_version) == _digits(f.py_version))
    ]
    if not fitting:
        offered = ", ".join(sorted({f"{f.version} ({f.py_version})" if f.py_version else f.version for f in same}))
        wanted = " ".join(filter(None, [version, py_version]))
        raise SpecError(f"framework_version: {name} {wanted} is not offered here", hint=f"there are: {offered}")
    return max(fitting, key=lambda f: (_numbers(f.version), _numbers(f.py_version)))


def find_preset(wanted: str, presets: Sequence[Preset], field: str) -> Preset:
    """A preset algorithm or model by name or id."""
    for preset in presets:
        if wanted == preset.native or wanted.lower() == preset.name.lower():
            return preset
    names = [preset.name for preset in presets]
    hint = nearest(wanted, names) or f"there are: {', '.join(names) or 'none'}"
    raise SpecError(f"{field}: {wanted!r} is not offered here", hint=hint)


def _add_term(wish: Wish, term: str, text: str) -> Wish:
    key, sep, value = term.partition("=")
    if not sep:
        key, sep, value = term.partition(":")
    key = key.lower()
    if sep and key in ("cpu", "cpus"):
        return evolve(wish, cpus=_amount(_AMOUNT, value, term, text))
    if sep and key in ("mem", "memory"):
        return evolve(wish, memory_gib=_amount(_MEMORY, value, term, text))
    if key == "gpu":
        return _add_gpu(wish, value, term, text)
    return _add_gpu(wish, term, term, text)


def _add_gpu(wish: Wish, value: str, term: str, text: str) -> Wish:
    count = _AMOUNT.fullmatch(value)
    if count:
        return evolve(wish, gpu_count=Amount(float(count[1]), bool(count[2])))
    match = _GPU.fullmatch(value)
    if match is None or "=" in value:
        raise _unreadable(term, text)
    model, memory, number, plus = match.groups()
    return evolve(
        wish,
        gpu_model=model,
        gpu_memory_gib=float(memory) if memory else None,
        gpu_count=Amount(float(number or 1), bool(plus)),
    )


def _amount(pattern: re.Pattern[str], value: str, term: str, text: str) -> Amount:
    match = pattern.fullmatch(value)
    if match is None:
        raise _unreadable(term, text)
    return Amount(float(match[1]), bool(match[2]))


def _unreadable(term: str, text: str) -> SpecError:
    where = f" in {text!r}" if term != text else ""
    return SpecError(f"instance_type: cannot read {term!r}{where}", hint=_GRAMMAR)


def _wish_or_unknown(instance_type: str, offerings: Sequence[Offering]) -> Wish:
    """A text without `:` and `=` that is no spec ID may still be a GPU's name, else it is a misspelt ID."""
    if instance_type and not re.search(r"[:=]", instance_type):
        models = {o.gpu_model for o in offerings if o.gpu_model}
        if not any(_same_model(instance_type, model) for model in models):
            ids = [o.spec_id for o in offerings]
            hint = nearest(instance_type, ids) or f"there are: {', '.join(ids[:8]) or 'none'}; or {_GRAMMAR}"
            raise SpecError(f"instance_type: {instance_type!r} is no spec ID here", hint=hint)
    return parse_wish(instance_type)


def _nearest_hint(wish: Wish, offerings: Sequence[Offering]) -> str:
    if not offerings:
        return "this backend offers no machine for that"
    ranked = sorted(offerings, key=lambda o: (_distance(wish, o), o.spec_id))
    return "the nearest are: " + "; ".join(describe_offering(o) for o in ranked[:3])


def _in_stock_hint(offerings: Sequence[Offering]) -> str:
    there = [describe_offering(o) for o in offerings if o.in_stock]
    return f"in stock: {'; '.join(there[:3])}" if there else "try again later, or another region"


def _distance(wish: Wish, offer: Offering) -> float:
    """How far an offer is from the wish: another accelerator is far, another size less so."""
    distance = 0.0
    if wish.gpu_model and not _same_model(wish.gpu_model, offer.gpu_model):
        distance += 100
    for wanted, offered in (
        (wish.gpu_count, offer.gpu_count),
        (wish.cpus, offer.cpus),
        (wish.memory_gib, offer.memory_gib),
    ):
        if wanted is not None:
            distance += abs(offered - wanted.value) / max(wanted.value, 1)
    return distance


def _preference(offer: Offering) -> tuple[float, int, float, float, str]:
    price = offer.price if offer.price is not None else float("inf")
    return (price, offer.gpu_count, offer.cpus, offer.memory_gib, offer.spec_id)


def _same_model(wanted: str, offered: str) -> bool:
    """Whether two spellings mean one accelerator: A100, a100 and NVIDIA-A100 do, A10 and A100 do not."""
    parts = re.split(r"[^a-z0-9]+", offered.lower())
    return wanted.lower() == offered.lower() or wanted.lower() in parts


def _version_matches(wanted: str, offered: str) -> bool:
    """1.8 means every 1.8.x, and 1.8.0 means 1.8.0."""
    return not wanted or offered == wanted or offered.startswith(f"{wanted}.")


def _digits(version: str) -> str:
    return "".join(re.findall(r"\d+", version))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))
