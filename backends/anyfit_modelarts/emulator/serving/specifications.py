"""The machines that services can have (reference, section 5.7)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from anyfit_modelarts.emulator.calls import Query

__all__ = ["CUSTOM", "OFFERED", "Specification", "specifications_to_wire"]

CUSTOM = "custom"
_KINDS = ("real-time", "batch", "edge")


@frozen
class Specification:
    """A machine.

    Attributes:
        code: How it is asked for.
        memory: In MiB.
        card: The accelerator's brand, "" for none.
        sold_out: Whether the last one is taken.
    """

    code: str
    cpu: float
    memory: int
    card: str = ""
    free: bool = False
    sold_out: bool = False

    @property
    def category(self) -> str:
        """Its kind of processor."""
        return ("NPU" if self.card.startswith("Ascend") else "GPU") if self.card else "CPU"

    def to_wire(self) -> dict[str, Any]:
        """As the service shows it."""
        arch = "arm64" if ".arm." in self.code else "x86"
        accelerator = {"brand": self.card, "version": self.card, "unit": "MB", "memory": 8192, "gpu": 1, "npu": 1}
        text = f"CPU: {self.cpu:g} vCPUs {self.memory >> 10} GiB"
        text += f" {self.category}: 1 * {self.card}" if self.card else ""
        return {
            "specification": self.code,
            "billing_spec": self.code,
            "category": self.category,
            "is_open": True,
            "spec_status": "sellout" if self.sold_out else "normal",
            "is_free": self.free,
            "over_quota": False,
            "source_type": "",
            "extend_params": 0,
            "display_en": text,
            "display_cn": text,
            "cpu_info": {"arch": arch, "cpu": self.cpu},
            "memory_info": {"unit": "MB", "memory": self.memory},
            **({f"{self.category.lower()}_info": accelerator} if self.card else {}),
        }


OFFERED = {
    machine.code: machine
    for machine in (
        Specification("modelarts.vm.cpu.2u", 2, 8192),
        Specification("modelarts.vm.cpu.8u", 8, 32768),
        Specification("modelarts.vm.cpu.free", 1, 4096, free=True),
        Specification("modelarts.vm.gpu.p4", 8, 32768, "Nvidia P4"),
        Specification("modelarts.vm.gpu.t4", 8, 32768, "Nvidia T4"),
        Specification("modelarts.vm.gpu.pnt004", 8, 32768, "Nvidia T4"),
        Specification("modelarts.vm.gpu.free", 8, 32768, "Nvidia P4", free=True),
        Specification("modelarts.vm.arm.d310.3u6g", 3, 6144, "Ascend 310"),
        Specification("modelarts.vm.ai1.a310", 3, 6144, "Ascend 310"),
        Specification("modelarts.vm.ai1.snt3", 3, 6144, "Ascend 310", sold_out=True),
    )
}


def specifications_to_wire(query: Query) -> dict[str, Any]:
    """`GET /services/specifications`: the same ones for every way of inference."""
    query.word("infer_type", "real-time", _KINDS)
    query.word("is_personal_cluster", "false", ("true", "false"))
    offset, limit = query.whole("offset", 0, 0), query.whole("limit", 1000, 1, 1000)
    found = [machine.to_wire() for machine in OFFERED.values()]
    shown = found[offset * limit : (offset + 1) * limit]
    return {"total_count": len(found), "count": len(shown), "specifications": shown}
