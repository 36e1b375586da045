"""Names of machines, which say how large they are: `TI.SMALL2.1core2g`, `TI.GN10X.4XLARGE80.2xV100`, `TI.S.LARGE.POST`.

    TI . S       . 2XLARGE16            . POST        the second generation's, by the hour
    TI . GN10X   . 4XLARGE80            . 2xV100      the first's, with accelerators
    TI             . 2XLARGE16          . 8core16g    the first's
    ML . GN8     . 3XLARGE112                         older still

A size is a number of cores and, behind it, of GB. Where a name says less, or other than it means, a table does.
"""

from __future__ import annotations

import re

from attrs import evolve, frozen

__all__ = ["NAMES_2019", "NAMES_2021", "Size", "parse_name"]

_SIZE = re.compile(r"(SMALL|MEDIUM|LARGE|(\d*)XLARGE)(\d*)", re.IGNORECASE)
_CORES = re.compile(r"(\d+)core(\d+)g", re.IGNORECASE)
_CARDS = re.compile(r"(\d+)x([A-Za-z]+\d+\w*)")
_ALIAS = re.compile(r"(\d+(?:\.\d+)?)\s*C\s*(\d+(?:\.\d+)?)\s*G", re.IGNORECASE)
_ALIAS_CARDS = re.compile(r"(?<![\w.])(1/4|1/2|0\.25|0\.5|\d+)\s*[*xX]?\s*((?:NVIDIA )?[A-Z]+\d+\w*)")
_WORDS = {"SMALL": 1, "MEDIUM": 2, "LARGE": 4}
_MODELS = {"GN6": "P4", "GN6S": "P4", "GN7": "T4", "GN8": "P40", "GN10": "V100", "GN10X": "V100"}
_MEMORY = {"T4": 16, "V100": 32, "P40": 24, "P4": 8, "A10": 24, "A100": 40}
_PARTS = {"1/4": "quarter", "0.25": "quarter", "1/2": "half", "0.5": "half"}


@frozen(kw_only=True)
class Size:
    """How large a machine is; what nobody tells is 0 or "".

    A part of an accelerator has a name of its own, such as `quarterT4`, so that nobody takes it for a whole one.
    """

    cpus: float = 0
    memory_gib: float = 0
    gpu_model: str = ""
    gpu_count: int = 0

    @property
    def gpu_memory_gib(self) -> float:
        """Of one accelerator, where it is known."""
        for word, part in (("quarter", 4), ("half", 2)):
            if self.gpu_model.startswith(word):
                return _MEMORY.get(self.gpu_model.removeprefix(word), 0) / part
        return float(_MEMORY.get(self.gpu_model, 0)) if self.gpu_model != "V100" else 32.0


_ODD = {
    "S.MEDIUM": Size(cpus=2, memory_gib=4),
    "S.LARGE": Size(cpus=4, memory_gib=8),
    "GN7.LARGE20": Size(cpus=4, memory_gib=20, gpu_model="quarterT4", gpu_count=1),
    "GN7.2XLARGE40": Size(cpus=10, memory_gib=40, gpu_model="halfT4", gpu_count=1),
    "GN7.10XLARGE160": Size(cpus=40, memory_gib=160, gpu_model="T4", gpu_count=2),
    "GN7.20XLARGE320": Size(cpus=80, memory_gib=320, gpu_model="T4", gpu_count=4),
    "GN8.LARGE56": Size(cpus=6, memory_gib=56, gpu_model="P40", gpu_count=1),
    "GN8.3XLARGE112": Size(cpus=14, memory_gib=112, gpu_model="P40", gpu_count=2),
    "GN8.7XLARGE224": Size(cpus=28, memory_gib=224, gpu_model="P40", gpu_count=4),
    "GN8.14XLARGE448": Size(cpus=56, memory_gib=448, gpu_model="P40", gpu_count=8),
}
_CARDS_BY_MEMORY = {"V100": 40, "P40": 56}  # GB of the machine for each card

_LISTED_2019 = (
    "SMALL2.1core2g SMALL4.1core4g MEDIUM4.2core4g MEDIUM8.2core8g LARGE8.4core8g LARGE16.4core16g"
    " 2XLARGE16.8core16g 2XLARGE32.8core32g 3XLARGE24.12core24g 3XLARGE48.12core48g 4XLARGE32.16core32g"
    " 4XLARGE64.16core64g 6XLARGE48.24core48g 6XLARGE96.24core96g 8XLARGE64.32core64g 8XLARGE128.32core128g"
    " 12XLARGE96.48core96g 12XLARGE192.48core192g 16XLARGE128.64core128g 16XLARGE256.64core256g"
    " 20XLARGE320.80core320g GN10X.2XLARGE40.1xV100 GN10X.4XLARGE80.2xV100 GN10X.9XLARGE160.4xV100"
    " GN10X.18XLARGE320.8xV100"
)
NAMES_2019 = tuple(f"TI.{name}" for name in _LISTED_2019.split())
"""The machines of the first generation, as its documents list them; there is no call for them."""

_LISTED_2021 = (
    "S.MEDIUM S.LARGE S.2XLARGE16 S.2XLARGE32 S.4XLARGE32 S.4XLARGE64 S.6XLARGE48 S.6XLARGE96 S.8XLARGE64"
    " S.8XLARGE128 GN7.LARGE20 GN7.2XLARGE40 GN7.2XLARGE32 GN7.5XLARGE80 GN7.8XLARGE128 GN7.10XLARGE160"
    " GN7.20XLARGE320 GN10.2XLARGE40 GN10.5XLARGE80 GN10.10XLARGE160 GN10.20XLARGE320"
)
NAMES_2021 = tuple(f"TI.{name}.POST" for name in _LISTED_2021.split())
"""The machines of the second generation by the hour, as its documents list them."""


def parse_name(name: str, alias: str = "", gpu_model: str = "") -> Size:
    """How large a machine of this name is.

    Args:
        name: What the platform calls it.
        alias: What its console shows, such as `8C32G 1*T4`; it goes before the name.
        gpu_model: Its accelerator, where the platform says that apart.
    """
    size = _of_name(name)
    if told := _ALIAS.search(alias):
        size = evolve(size, cpus=float(told[1]), memory_gib=float(told[2]))
    if cards := _ALIAS_CARDS.search(_ALIAS.sub(" ", alias)):
        model = cards[2].removeprefix("NVIDIA ")
        part = _PARTS.get(cards[1], "")
        size = evolve(size, gpu_model=part + model, gpu_count=1 if part else int(cards[1]))
    elif gpu_model and (size.gpu_count or not size.gpu_model):
        part = next((word for word in ("quarter", "half") if size.gpu_model.startswith(word)), "")
        size = evolve(size, gpu_model=part + gpu_model, gpu_count=size.gpu_count or 1)
    return size


def _of_name(name: str) -> Size:
    parts = name.split(".")
    if parts[-1].upper() == "POST":
        parts.pop()
    if len(parts) > 1 and parts[0].upper() in ("TI", "ML"):
        parts = parts[1:]
    if odd := _ODD.get(".".join(parts).upper()):
        return odd
    size = Size()
    for part in parts:
        if cores := _CORES.fullmatch(part):
            return evolve(size, cpus=float(cores[1]), memory_gib=float(cores[2]))
        if cards := _CARDS.fullmatch(part):
            size = evolve(size, gpu_model=cards[2], gpu_count=int(cards[1]))
        elif plain := _SIZE.fullmatch(part):
            cpus = _WORDS.get(plain[1].upper()) or 4 * int(plain[2] or 1)
            size = evolve(size, cpus=float(cpus), memory_gib=float(plain[3] or 0))
    model = _MODELS.get(parts[0].upper(), "")
    if model and not size.gpu_count:
        cards_there = int(size.memory_gib // _CARDS_BY_MEMORY[model]) if model in _CARDS_BY_MEMORY else 1
        size = evolve(size, gpu_model=model, gpu_count=max(1, cards_there))
    return size
