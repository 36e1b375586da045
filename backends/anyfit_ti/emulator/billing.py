"""Machines and what they cost, and the resource group that has been paid for (reference, section 3.8)."""

from __future__ import annotations

from typing import Any

from anyfit_ti.emulator.desk import REGIONS, TIONE_2021, Call, QuietDesk, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.selecting import page, select
from anyfit_ti.emulator.specs import GROUPS, SPECS, Spec

__all__ = ["Billing"]

_POSTPAID = ".POST"
_CHARGES = ("POSTPAID_BY_HOUR", "PREPAID")
_TASKS = ("TRAIN", "NOTEBOOK", "INFERENCE", "EMS")
_RESOURCES = ("CALC", "CPU", "GPU", "GPU-SW")
_MOST = 1_000_000
_GROUP_NODES = 4
_GROUP_SPEC = SPECS["TI.S.4XLARGE64.POST"]


class Billing(QuietDesk):
    """Price lists."""

    def __init__(self, site: Site) -> None:
        self._account = site.account

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "DescribeBillingSpecs": self.describe_specs,
                "DescribeBillingSpecsPrice": self.describe_prices,
                "DescribeBillingResourceGroups": self.describe_groups,
                "DescribeWorkspaces": self.describe_workspaces,
            }
        }

    def describe_specs(self, call: Call) -> dict[str, Any]:
        """`DescribeBillingSpecs`."""
        fields = call.fields
        charge = fields.text("ChargeType", required=True, one_of=_CHARGES)
        fields.text("TaskType", one_of=_TASKS)
        kind = fields.text("ResourceType", one_of=_RESOURCES)
        return {
            "Specs": [
                _shown(number, spec, prepaid=charge == "PREPAID")
                for number, spec in enumerate(SPECS.values())
                if kind in ("", "CALC", _kind(spec))
            ]
        }

    def describe_prices(self, call: Call) -> dict[str, Any]:
        """`DescribeBillingSpecsPrice`: in the order of the question."""
        prices = []
        for one in call.fields.parts("SpecsParam", required=True):
            name = one.text("SpecName", required=True)
            count = one.integer("SpecCount", required=True, least=1, most=_MOST)
            spec = SPECS.get(name)
            if spec is None:
                message = f"There is no instance type {name}."
                raise ApiError("InvalidParameterValue.InvalidResourceSpec", message)
            cost = spec.price * count
            prices.append({"SpecName": name, "TotalCost": cost, "RealTotalCost": cost, "SpecCount": count})
        return {"SpecsPrice": prices}

    def describe_groups(self, call: Call) -> dict[str, Any]:
        """`DescribeBillingResourceGroups`: there is one, and always free."""
        filters: dict[str, Any] = {
            "ResourceGroupId": lambda group: [group["ResourceGroupId"]],
            "ResourceGroupName": lambda group: [group["ResourceGroupName"]],
            "AvailableNodeCount": lambda group: [str(group["FreeInstance"])],
        }
        word = call.fields.text("SearchWord")
        groups = [group for group in map(_group, GROUPS) if word in group["ResourceGroupId"]]
        found = select(groups, call.fields, filters)
        return {"ResourceGroupSet": page(found, call.fields, default=20, most=200), "TotalCount": len(found)}

    def describe_workspaces(self, call: Call) -> dict[str, Any]:
        """`DescribeWorkspaces`: the default one."""
        workspace = {
            "TiProjectId": "0",
            "Name": "default",
            "Description": "",
            "CreateTime": "2022-01-01T00:00:00Z",
            "ResourceGroups": [],
            "ActionType": [],
            "Status": "NORMAL",
        }
        return {"Workspaces": [workspace], "TotalCount": 1}


def _kind(spec: Spec) -> str:
    return "GPU" if spec.card else "CPU"


def _shown(number: int, spec: Spec, *, prepaid: bool) -> dict[str, Any]:
    return {
        "SpecId": f"spec-{number:08d}",
        "SpecName": spec.name.removesuffix(_POSTPAID) if prepaid else spec.name,
        "SpecAlias": spec.alias,
        "Available": True,
        "AvailableRegion": list(REGIONS),
        "SpecFeatures": [],
        "SpecType": _kind(spec),
        "GpuType": spec.card,
        "CategoryId": spec.name.split(".")[1],
    }


def _group(identifier: str) -> dict[str, Any]:
    whole = {
        "Cpu": _GROUP_SPEC.cores * 1000 * _GROUP_NODES,
        "Memory": _GROUP_SPEC.memory * 1024 * _GROUP_NODES,
        "Gpu": 0,
        "GpuDetailSet": [],
    }
    return {
        "ResourceGroupId": identifier,
        "ResourceGroupName": identifier,
        "FreeInstance": _GROUP_NODES,
        "TotalInstance": _GROUP_NODES,
        "UsedResource": {"Cpu": 0, "Memory": 0, "Gpu": 0, "GpuDetailSet": []},
        "TotalResource": whole,
        "InstanceSet": [],
        "TagSet": [],
    }
