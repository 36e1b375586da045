"""The machines on offer, of both generations (reference, sections 2.7 and 3.8).

Of prices the reference knows one, that of `TI.S.MEDIUM.POST`. The others are made up from what is in the machine.
"""

from __future__ import annotations

import re

from attrs import frozen

__all__ = ["GROUPS", "OLD_TYPES", "SPECS", "Spec", "old_spec"]

GROUPS = ("rsg-emulated",)  # resource groups, which machines are paid for in advance
_PER_CORE = 35  # fen per hour
_PER_CARD = {"T4": 600, "V100": 2000}
_OLD = re.compile(r"(\d+)core(\d+)g")
_OLD_CARDS = re.compile(r"(\d+)x(\w+)")
_OLDER = re.compile(r"ML\.[A-Z0-9]+\.(\d*)X?LARGE(\d+)")

OLD_TYPES = frozenset(
    [
        "TI.SMALL2.1core2g",
        "TI.SMALL4.1core4g",
        "TI.MEDIUM4.2core4g",
        "TI.MEDIUM8.2core8g",
        "TI.LARGE8.4core8g",
        "TI.LARGE16.4core16g",
        "TI.2XLARGE16.8core16g",
        "TI.2XLARGE32.8core32g",
        "TI.3XLARGE24.12core24g",
        "TI.3XLARGE48.12core48g",
        "TI.4XLARGE32.16core32g",
        "TI.4XLARGE64.16core64g",
        "TI.6XLARGE48.24core48g",
        "TI.6XLARGE96.24core96g",
        "TI.8XLARGE64.32core64g",
        "TI.8XLARGE128.32core128g",
        "TI.12XLARGE96.48core96g",
        "TI.12XLARGE192.48core192g",
        "TI.16XLARGE128.64core128g",
        "TI.16XLARGE256.64core256g",
        "TI.20XLARGE320.80core320g",
        "TI.GN10X.2XLARGE40.1xV100",
        "TI.GN10X.4XLARGE80.2xV100",
        "TI.GN10X.9XLARGE160.4xV100",
        "TI.GN10X.18XLARGE320.8xV100",
    ]
)


@frozen
class Spec:
    """A machine.

    Attributes:
        name: As requests name it.
        cores: Of CPU.
        memory: In GiB.
        cards: GPUs; there are parts of one.
        card: Their model, or "".
    """

    name: str
    cores: int
    memory: int
    cards: float = 0.0
    card: str = ""

    @property
    def alias(self) -> str:
        """Such as `8C32G 1*T4`."""
        return f"{self.cores}C{self.memory}G" + (f" {self.cards:g}*{self.card}" if self.card else "")

    @property
    def price(self) -> int:
        """Fen per hour."""
        return self.cores * _PER_CORE + int(self.cards * _PER_CARD.get(self.card, 0))


def _cpu(name: str, cores: int, memory: int) -> Spec:
    return Spec(f"TI.S.{name}.POST", cores, memory)


def _gpu(name: str, cores: int, memory: int, cards: float, card: str) -> Spec:
    return Spec(f"TI.{name}.POST", cores, memory, cards, card)


SPECS = {
    spec.name: spec
    for spec in (
        _cpu("MEDIUM", 2, 4),
        _cpu("LARGE", 4, 8),
        _cpu("2XLARGE16", 8, 16),
        _cpu("2XLARGE32", 8, 32),
        _cpu("4XLARGE32", 16, 32),
        _cpu("4XLARGE64", 16, 64),
        _cpu("6XLARGE48", 24, 48),
        _cpu("6XLARGE96", 24, 96),
        _cpu("8XLARGE64", 32, 64),
        _cpu("8XLARGE128", 32, 128),
        _gpu("GN7.LARGE20", 4, 20, 0.25, "T4"),
        _gpu("GN7.2XLARGE40", 10, 40, 0.5, "T4"),
        _gpu("GN7.2XLARGE32", 8, 32, 1, "T4"),
        _gpu("GN7.5XLARGE80", 20, 80, 1, "T4"),
        _gpu("GN7.8XLARGE128", 32, 128, 1, "T4"),
        _gpu("GN7.10XLARGE160", 40, 160, 2, "T4"),
        _gpu("GN7.20XLARGE320", 80, 320, 4, "T4"),
        _gpu("GN10.2XLARGE40", 8, 40, 1, "V100"),
        _gpu("GN10.5XLARGE80", 18, 80, 2, "V100"),
        _gpu("GN10.10XLARGE160", 36, 160, 4, "V100"),
        _gpu("GN10.20XLARGE320", 72, 320, 8, "V100"),
    )
}


def old_spec(name: str) -> Spec | None:
    """A machine of the older generation: one of the list, or one of the naming before that (`ML.GN8.3XLARGE112`)."""
    if name in OLD_TYPES:
        if match := _OLD.search(name):
            return Spec(name, int(match[1]), int(match[2]))
        size = re.search(r"(\d+)XLARGE(\d+)", name)
        cards = _OLD_CARDS.search(name.rpartition(".")[2])
        if size and cards:
            return Spec(name, 4 * int(size[1]), int(size[2]), int(cards[1]), cards[2])
    if match := _OLDER.fullmatch(name):
        return Spec(name, 2 * int(match[1] or 1), int(match[2]), 1, "P40")
    return None
