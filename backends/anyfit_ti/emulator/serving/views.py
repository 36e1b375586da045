"""Services and groups as answers show them (reference, section 3.12)."""

from __future__ import annotations

import time
from typing import Any

from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.serving.fleet import State
from anyfit_ti.emulator.serving.pod import Pod
from anyfit_ti.emulator.serving.register import Group, Service
from anyfit_ti.emulator.specs import SPECS, Spec
from anyfit_ti.emulator.times import utc

__all__ = ["group_view", "new_view", "service_view"]

_ECHOED = (
    "ImageInfo",
    "Env",
    "InstanceType",
    "ModelInfo",
    "LogConfig",
    "HorizontalPodAutoscaler",
    "HybridBillingPrepaidReplicas",
    "CronScaleJobs",
    "ScaleStrategy",
    "ScheduledAction",
    "ServiceLimit",
    "VolumeMount",
    "VolumeMounts",
    "ServiceEIP",
    "ServicePort",
    "TerminationGracePeriodSeconds",
    "PreStopCommand",
    "HealthProbe",
    "RollingUpdate",
    "SchedulingStrategy",
    "InferTemplateId",
)
_FLAGS = ("LogEnable", "ModelHotUpdateEnable", "ModelTurboEnable", "GrpcEnable")
_POD_PHASES = {"Pending": "Pending", "Waiting": "Running", "Running": "Running", "Stopped": "Succeeded"}


def service_view(service: Service, group: Group, state: State, pods: list[Pod], account: Account) -> dict[str, Any]:
    """A service."""
    failed = service.business == "CREATE_FAILED"
    return {
        **_head(service, group, account),
        "BusinessStatus": service.business,
        "Status": "CREATE_FAILED" if failed else state.status,
        "CreateFailedReason": state.reason or service.reason,
        "CreateTime": utc(service.created),
        "UpdateTime": utc(service.updated),
        "ServiceInfo": _info(service, group, _workload(service, state), pods),
    }


def new_view(service: Service, group: Group, account: Account) -> dict[str, Any]:
    """A service in the answer to its own creation, when nothing is known of it."""
    return {
        **_head(service, group, account),
        "BusinessStatus": "CREATING",
        "Status": "",
        "CreateFailedReason": "",
        "CreateTime": "",
        "UpdateTime": "",
        "ServiceInfo": _info(service, group, None, []),
    }


def group_view(group: Group, services: list[dict[str, Any]], account: Account) -> dict[str, Any]:
    """A group with its services, which are given as they are shown."""
    running = [one for one in services if one["Status"] == "Normal"]
    counts = [one["ServiceInfo"]["Status"] for one in services]
    newest = services[-1] if services else None
    return {
        "ServiceGroupId": group.id,
        "ServiceGroupName": group.name,
        "CreatedBy": account.uin,
        "CreateTime": utc(group.created),
        "UpdateTime": utc(group.updated),
        "Uin": account.uin,
        "SubUin": account.uin,
        "SubUinName": account.name,
        "AppId": int(account.app_id),
        "ServiceCount": len(services),
        "RunningServiceCount": len(running),
        "Services": services,
        "Status": "Normal" if running else newest["Status"] if newest else "",
        "BusinessStatus": newest["BusinessStatus"] if newest else "",
        "Tags": group.tags,
        "LatestVersion": str(group.numbers),
        "BillingInfo": "",
        "CreateSource": "DEFAULT",
        "WeightUpdateStatus": "UPDATED",
        "ReplicasCount": sum(one["AvailableReplicas"] for one in counts),
        "AvailableReplicasCount": sum(one["Replicas"] for one in counts),  # the platform has the two names swapped
        "AuthorizationEnable": group.authorized,
        "AuthTokens": group.tokens if group.authorized else [],
        "MonitorSource": "",
        "GatewayLogConfig": group.extra.get("GatewayLogConfig"),
        "GatewayConfig": group.extra.get("GatewayConfig"),
    }


def _head(service: Service, group: Group, account: Account) -> dict[str, Any]:
    config, fixed = service.config, service.fixed
    return {
        "ServiceGroupId": group.id,
        "ServiceId": service.id,
        "ServiceGroupName": group.name,
        "ServiceDescription": config.get("ServiceDescription", ""),
        "ClusterId": "",
        "Region": service.region,
        "Namespace": f"tione-{account.uin}",
        "ChargeType": group.charge,
        "ResourceGroupId": config.get("ResourceGroupId", ""),
        "ResourceGroupName": config.get("ResourceGroupId", ""),
        "Tags": group.tags,
        "IngressName": group.id,
        "CreatedBy": account.uin,
        "Uin": account.uin,
        "SubUin": account.uin,
        "SubUinName": account.name,
        "AppId": int(account.app_id),
        "BillingInfo": "",
        "Weight": service.weight,
        "CreateSource": fixed.get("CreateSource") or "DEFAULT",
        "Version": str(service.number),
        "LatestVersion": str(group.numbers),
        "ResourceGroupSWType": "NORMAL",
        "ArchiveStatus": "Waiting",
        "DeployType": fixed.get("DeployType") or "STANDARD",
        "InstancePerReplicas": str(config.get("InstancePerReplicas") or 1),
        "MonitorSource": "",
        "ProjectId": fixed.get("TiProjectId") or "0",
        "ServiceLimit": config.get("ServiceLimit"),
        "ScheduledAction": config.get("ScheduledAction"),
    }


def _info(service: Service, group: Group, workload: dict[str, Any] | None, pods: list[Pod]) -> dict[str, Any]:
    config = service.config
    spec = SPECS.get(config.get("InstanceType") or "")
    return {
        **{name: config.get(name) for name in _ECHOED},
        "Resources": _resources(spec) if spec else config.get("Resources"),
        "InstanceAlias": spec.alias if spec else "",
        **{name: bool(config.get(name)) for name in _FLAGS},
        "Replicas": service.wanted,
        "OldReplicas": service.before,
        "ScaleMode": config.get("ScaleMode") or "MANUAL",
        "AuthorizationEnable": group.authorized,
        "Status": workload,
        "Weight": service.weight,
        "Command": config.get("Command") or "",
        "InstancePerReplicas": int(config.get("InstancePerReplicas") or 1),
        "NodeCount": 1,
        "PodList": [pod.name for pod in pods],
        "Pods": _pod(pods[0]) if pods else None,
        "PodInfos": [_pod(pod) for pod in pods],
    }


def _resources(spec: Spec) -> dict[str, Any]:
    cards = -(-int(spec.cards * 100) // 100) * 100  # a part of a card is shown as a whole one, and as what it really is
    return {
        "Cpu": spec.cores * 1000,
        "Memory": spec.memory * 1024,
        "Gpu": cards,
        "GpuType": spec.card,
        "RealGpu": int(spec.cards * 100),
    }


def _workload(service: Service, state: State) -> dict[str, Any]:
    health = state.health
    good = "True" if health.ready else "False"
    now = utc(time.time())
    condition = {
        "Type": "Available",
        "Status": good,
        "Reason": "MinimumReplicasAvailable" if health.ready else "MinimumReplicasUnavailable",
        "Message": state.reason,
        "LastTransitionTime": now,
        "LastUpdateTime": now,
    }
    return {
        "Replicas": service.wanted,
        "UpdatedReplicas": state.updated,
        "ReadyReplicas": health.ready,
        "AvailableReplicas": health.ready,
        "UnavailableReplicas": max(0, service.wanted - health.ready),
        "Status": state.status,
        "Conditions": [condition] if service.wanted else [],
        "StatefulSetCondition": [],
        "Reason": state.reason,
    }


def _pod(pod: Pod) -> dict[str, Any]:
    status = {
        "RestartCount": pod.restarts,
        "State": "Running" if pod.state == "Running" else "Waiting",
        "Ready": pod.ready,
        "Reason": "" if pod.state == "Running" else pod.state,
        "Message": pod.reason,
    }
    return {
        "Name": pod.name,
        "Uid": pod.name,
        "Phase": _POD_PHASES.get(pod.state, "Running"),
        "IP": "127.0.0.1",
        "NodeIP": "127.0.0.1",
        "CreateTime": utc(pod.created),
        "StartScheduleTime": utc(pod.created),
        "Status": "Running" if pod.ready else pod.state,
        "Message": pod.reason,
        "ContainerInfos": [{"Name": "infer", "ContainerId": pod.name, "Image": "", "Status": status}],
    }
