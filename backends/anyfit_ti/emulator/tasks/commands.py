"""From a task and its pods to processes (reference, section 4.6).

All pods are this machine, so the port of `MASTER_PORT`, which is 23456 in the cloud, is a free one here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from anyfit_emulator.running import Command
from anyfit_emulator.running.ports import free_port
from anyfit_ti.emulator.container import ML
from anyfit_ti.emulator.loglines import command
from anyfit_ti.emulator.tasks.roles import Pod, command_for
from anyfit_ti.emulator.tasks.tree import Tree
from anyfit_ti.emulator.tasks.values import Task

__all__ = ["commands_of"]


def commands_of(task: Task, tree: Tree, programs: Path) -> list[Command]:
    """One process for each pod that runs something."""
    shell = shutil.which("bash") or "/bin/sh"
    told = _Cluster(task)
    commands = []
    for number, (pod, container) in enumerate(zip(task.pods, tree.containers, strict=True)):
        if not pod.runs:
            continue
        text = command_for(pod.role, task.config["StartCmdInfo"], task.config["TrainingMode"])
        environment = container.environment(told.variables(pod), programs)
        argv = [shell, "-c", container.inside(text)]
        commands.append(command(argv, container.path(f"{ML}/code"), environment, number, awaited=pod.awaited))
    return commands


class _Cluster:
    """What pods are told of each other."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._port = free_port()
        self._nodes = [pod for pod in task.pods if pod.role == "WORKER" and pod.rank >= 0] or [task.pods[0]]
        self._hosts = [task.latest.address_of(index) for index in range(len(self._nodes))]
        resources = {one["Role"]: one for one in task.config["ResourceConfigInfos"]}
        self._cards = int(resources[self._nodes[0].role]["Gpu"]) // 100
        self._training = self._parameter_servers() if task.config["TrainingMode"] == "PS_WORKER" else None

    def variables(self, pod: Pod) -> dict[str, str]:
        """The environment of one pod; the user's own variables win."""
        count, rank = len(self._hosts), str(max(pod.rank, 0))
        told = {
            "TI_TASK_ID": self._task.id,
            "TI_INSTANCE_ID": self._task.latest.id,
            "REGION": self._task.region,
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "NODE_LIST": ",".join(f"{host}:{self._cards}" for host in self._hosts),
            "NODE_NUM": str(count),
            "INDEX": rank,
            "CHIEF_IP": self._hosts[0],
            "MASTER_ADDR": self._hosts[0],
            "MASTER_PORT": str(self._port),
            "WORLD_SIZE": str(count),
            "RANK": rank,
            "GPU_NUM": str(self._cards * count),
            "GPU_NUM_PER_NODE": str(self._cards),
            "TM_HPS": self._task.config["TuningParameters"] or "{}",
        }
        if self._training:
            place = {"type": pod.role.lower(), "index": pod.rank}
            told["TF_CONFIG"] = json.dumps({"cluster": self._training, "environment": "cloud", "task": place})
        return {**told, **{item["Name"]: item["Value"] for item in self._task.config["Envs"]}}

    def _parameter_servers(self) -> dict[str, Any]:
        cluster: dict[str, list[str]] = {}
        for pod in self._task.pods:
            cluster.setdefault(pod.role.lower(), []).append(f"{self._task.latest.address_of(pod.rank)}:{free_port()}")
        return cluster
