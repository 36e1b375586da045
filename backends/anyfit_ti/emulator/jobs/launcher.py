"""What the launcher in the images does: from a job and its tree to processes (reference, sections 4.2 and 4.5).

All hosts are this machine, so ports that are the same everywhere in the cloud (6666 of PyTorch, 5555 of TensorFlow,
7777 of MXNet) are free ones here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from anyfit_emulator.running import Command
from anyfit_emulator.running.ports import free_port
from anyfit_ti.emulator.container import ML, Container, Unfit
from anyfit_ti.emulator.jobs.images import framework_of
from anyfit_ti.emulator.jobs.tree import Tree
from anyfit_ti.emulator.jobs.values import Job
from anyfit_ti.emulator.loglines import command
from anyfit_ti.emulator.programs import PARAMETER_SERVER
from anyfit_ti.emulator.specs import old_spec

__all__ = ["Launcher", "stamp"]

_NVIDIA = Path("/proc/driver/nvidia/gpus")
_NETWORK = "eth0"


class Launcher:
    """One job's.

    Args:
        programs: Directory of what images have and this machine may lack.
        credentials_url: Where programs find keys.
        usage: Directory for samples of what processes use.
    """

    def __init__(self, job: Job, tree: Tree, programs: Path, credentials_url: str, usage: Path) -> None:
        self._job = job
        self._tree = tree
        self._programs = programs
        self._credentials_url = credentials_url
        self._usage = usage
        self._given = job.hyperparameters
        self._told = {item["Name"]: item["Value"] for item in job.config["EnvConfig"]}
        image = job.config["AlgorithmSpecification"]["TrainingImageName"]
        self._framework = self._told.get("TI_TRAINING_FRAMEWORK") or framework_of(image)
        self._program = self._given.text("ti_program") or self._told.get("TI_PROGRAM", "")
        if not self._program:
            raise Unfit("images are not pulled here, and neither ti_program nor TI_PROGRAM says what to run")

    @property
    def command_line(self) -> str:
        """What each host runs, for people."""
        return shlex.join(["/bin/sh" if self._program.endswith(".sh") else "python", *self._words])

    def commands(self) -> list[Command]:
        """All processes."""
        if self._given.is_on("ti_mpi_enabled"):
            return [self._mpi()]
        servers = self._given.is_on("ti_parameter_server_enabled") and len(self._tree.hosts) > 1
        if servers and self._framework == "tensorflow":
            return self._tensorflow()
        if servers and self._framework == "mxnet":
            return self._mxnet()
        more = {}
        if self._framework == "pytorch":
            more = {"MASTER_ADDR": self._tree.hosts[0], "MASTER_PORT": str(free_port())}
        return [self._worker(index, more) for index in range(len(self._tree.hosts))]

    @property
    def _words(self) -> list[str]:
        return [self._program, *self._given.arguments]

    def _worker(self, index: int, more: dict[str, str]) -> Command:
        container = self._tree.containers[index]
        words = [container.inside(word) for word in self._words]
        program = "/bin/sh" if self._program.endswith(".sh") else sys.executable
        return self._command(index, [program, *words], more, usage=True)

    def _command(
        self, index: int, argv: list[str], more: dict[str, str], *, usage: bool = False, awaited: bool = True
    ) -> Command:
        container = self._tree.containers[index]
        told = {**self._variables(index, container), **more, **self._told}
        samples = self._usage / f"usage-{index}.txt" if usage else None
        directory = container.path(f"{ML}/code")
        environment = container.environment(told, self._programs)
        return command(argv, directory, environment, index, samples, awaited=awaited)

    def _tensorflow(self) -> list[Command]:
        addresses = [f"{host}:{free_port()}" for host in self._tree.hosts]
        server = f"{self._tree.hosts[0]}:{free_port()}"
        cluster = {"master": addresses[:1], "ps": [server], "worker": addresses[1:]}

        def task(kind: str, index: int) -> dict[str, str]:
            place = {"cluster": cluster, "environment": "cloud", "task": {"type": kind, "index": index}}
            return {"TF_CONFIG": json.dumps(place)}

        commands = [self._worker(0, task("master", 0))]
        commands += [self._worker(index, task("worker", index - 1)) for index in range(1, len(addresses))]
        return [*commands, self._server(0, "tensorflow", task("ps", 0))]

    def _mxnet(self) -> list[Command]:
        count = str(len(self._tree.hosts))
        common = {
            "DMLC_NUM_WORKER": count,
            "DMLC_NUM_SERVER": count,
            "DMLC_PS_ROOT_URI": self._tree.hosts[0],
            "DMLC_PS_ROOT_PORT": str(free_port()),
            "PS_VERBOSE": "0",
        }
        hosts = range(len(self._tree.hosts))
        commands = [self._worker(index, {**common, "DMLC_ROLE": "worker"}) for index in hosts]
        commands.append(self._server(0, "mxnet", {**common, "DMLC_ROLE": "scheduler"}))
        return commands + [self._server(index, "mxnet", {**common, "DMLC_ROLE": "server"}) for index in hosts]

    def _server(self, index: int, framework: str, more: dict[str, str]) -> Command:
        argv = [sys.executable, str(PARAMETER_SERVER), framework]
        return self._command(index, argv, more, awaited=False)

    def _mpi(self) -> Command:
        """The first host runs `mpirun`, which starts everything; the others would only let it in."""
        each = self._given.number("ti_mpi_num_of_processes_per_host", 1) or 1
        hosts = self._tree.hosts
        options, level = _custom(self._given.text("ti_mpi_custom_mpi_options"))
        network = self._network
        words = [str(self._programs / "mpirun"), "--allow-run-as-root", "-np", str(each * len(hosts))]
        words += ["--host", ",".join(f"{host}:{each}" for host in hosts), "-bind-to", "None", "-map-by", "slot"]
        words += ["-mca", "btl_tcp_if_include", network, "-x", f"NCCL_DEBUG={level}"]
        words += ["-x", f"NCCL_SOCKET_IFNAME={network}", "-x", "LD_LIBRARY_PATH", "-x", "PATH", *options]
        container = self._tree.containers[0]
        for name in self._variables(0, container):
            words += ["-x", name] if name.startswith("TM_") else []
        module = ["-m", "mpi4py"] if importlib.util.find_spec("mpi4py") else []
        words += [sys.executable, *module, *(container.inside(word) for word in self._words)]
        return self._command(0, words, {}, usage=True)

    @property
    def _network(self) -> str:
        asked = self._given.text("ti_network_interface_name")
        return self._told.get("OMPI_MCA_btl_tcp_if_include") or asked or _NETWORK

    def _variables(self, index: int, container: Container) -> dict[str, str]:
        spec = old_spec(self._job.config["ResourceConfig"]["InstanceType"])
        channels = [one["ChannelName"] for one in self._job.config["InputDataConfig"]]
        cards = len(list(_NVIDIA.glob("*")))
        told: dict[str, Any] = {
            "MODEL_DIR": f"{ML}/model",
            "NUM_GPUS": min(cards, int(spec.cards)) if spec else cards,
            "NUM_CPUS": spec.cores if spec else os.cpu_count(),
            "OUTPUT_DATA_DIR": f"{ML}/output/data",
            "CHANNELS": channels,
            "HPS": self._given.user,
            "HOSTS": self._tree.hosts,
            "CURRENT_HOST": self._tree.hosts[index],
            "NETWORK_INTERFACE_NAME": self._network,
            "USER_ENTRY_POINT": self._program,
            "LOG_LEVEL": self._given.number("ti_container_log_level", 20),
            "INPUT_CONFIG_DIR": f"{ML}/input/config",
            "INPUT_DIR": f"{ML}/input/",
            "USER_ARGS": self._given.arguments,
            **{f"CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels},
            **{f"HP_{name.upper()}": value for name, value in self._given.user.items()},
        }
        known = {f"TM_{name}": value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
        own = {"QCLOUD_REGION": self._job.region, "TRAINING_JOB_NAME": self._job.name}
        own["QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL"] = self._credentials_url
        return known | own | ({"TI_TRAINING_FRAMEWORK": self._framework} if self._framework else {})


def stamp(text: str, now: float) -> str:
    """A line of the launcher's own."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return f"{moment},{int(now * 1000) % 1000:03d} ti   INFO     {text}"


def _custom(text: str) -> tuple[list[str], str]:
    """Further options of `mpirun`, and the level of NCCL's messages, which may stand among them."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Unfit(f"ti_mpi_custom_mpi_options: {error}") from error
    if "--NCCL_DEBUG" in words[:-1]:
        at = words.index("--NCCL_DEBUG")
        return words[:at] + words[at + 2 :], words[at + 1]
    return words, "INFO"
