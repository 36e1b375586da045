"""Several processes and several nodes; the nodes are processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator.running import ports
from waiting import until

Start = Callable[..., "subprocess.Popen[str]"]
Nodes = Callable[..., "list[tuple[int, str, str]]"]

RANKS = """
import os, sys
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK")
sys.stdout.write(" ".join(os.environ[n] + "/" + os.environ["ANYFIT_" + n] for n in names) + "\\n")
"""
GATE = """
import os, signal, sys, time
gate = os.open(os.environ["GATE"], os.O_RDWR)
"""
FAIL_ONE = (
    GATE
    + """
if os.environ["RANK"] == "1":
    os.read(gate, 1)
    os.read(gate, 1)
    sys.exit(7)
def end(number, frame):
    os.write(2, b"ended\\n")
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
os.write(gate, b"x")
while True:
    time.sleep(0.05)  # a signal just before signal.pause() would be waited for once more
"""
)
RENDEZVOUS = """
import os, socket
address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
size = int(os.environ["WORLD_SIZE"])
if os.environ["RANK"] == "0":
    server = socket.create_server(address)
    ranks = sorted(int(server.accept()[0].makefile().readline()) for _ in range(size - 1))
    print("met", ranks)
else:
    while True:
        try:
            socket.create_connection(address).sendall(os.environ["RANK"].encode() + b"\\n")
            break
        except ConnectionRefusedError:
            pass
"""
TELL_TF_CONFIG = """
import os, signal, sys
sys.stdout.write(os.environ["TF_CONFIG"] + "\\n")
sys.stdout.flush()
told = os.path.join(os.environ["ANYFIT_BASE_DIR"], "told")
try:
    os.mkfifo(told)
except FileExistsError:
    pass
if '"type": "ps"' in os.environ["TF_CONFIG"]:
    os.write(os.open(told, os.O_WRONLY), b"x")
    signal.pause()
os.read(os.open(told, os.O_RDONLY), 1)
"""
MPIRUN = """#!/bin/sh
# Stands in for Open MPI: as many processes as asked for, each with its rank.
echo "mpirun $*" >> "$MPIRUN_LOG"
while [ "$1" != -np ]; do shift; done
count=$2
while [ "$1" != -x ]; do shift; done
while [ "$1" = -x ]; do shift 2; done
rank=0
pids=
while [ $rank -lt $count ]; do
  OMPI_COMM_WORLD_RANK=$rank OMPI_COMM_WORLD_SIZE=$count OMPI_COMM_WORLD_LOCAL_RANK=$rank \\
    OMPI_COMM_WORLD_LOCAL_SIZE=$count "$@" &
  pids="$pids $!"
  rank=$((rank + 1))
done
for pid in $pids; do wait $pid || exit $?; done
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A pipe by which the processes of a job wait for one another."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def free_port() -> int:
    """A port that is free together with those above it, and that nobody else is given."""
    return ports.free_port()


@pytest.fixture
def nodes(start: Start, tmp_path: Path, code: Path, free_port: int) -> Nodes:
    """Run a job on two nodes, each with a base directory of its own; (exit code, stdout, stderr) of each."""

    def run(source: str, **options: Any) -> list[tuple[int, str, str]]:
        gpus = options.pop("num_gpus", 0)
        processes = []
        for host in options.pop("order", ["algo-1", "algo-2"]):
            world = {
                "base_dir": str(tmp_path / host),
                "dirs": {"code": str(code)},
                "hosts": ["algo-1", "algo-2"],
                "current_host": host,
                "master_addr": "127.0.0.1",
                "master_port": free_port,
                "num_gpus": gpus,
            }
            processes.append(start(source, world=world, instance_count=2, **options))
        ends = []
        for process in processes:
            output, talk = process.communicate(timeout=60)
            ends.append((process.returncode, output, talk))
        return ends

    return run


def test_torch_starts_a_process_per_gpu(nodes: Nodes) -> None:
    """Ranks are counted through all nodes."""
    first, second = nodes(RANKS, distribution="torch", num_gpus=2)

    assert sorted(first[1].splitlines()) == ["0/0 0/0 4/4 2/2 0/0", "1/1 1/1 4/4 2/2 0/0"]
    assert sorted(second[1].splitlines()) == ["2/2 0/0 4/4 2/2 1/1", "3/3 1/1 4/4 2/2 1/1"]
    assert (first[0], second[0]) == (0, 0)


def test_torch_without_gpu_starts_one_process_per_node(nodes: Nodes) -> None:
    """A machine without GPU counts as one."""
    first, second = nodes(RANKS, distribution="torch")

    assert (first[1], second[1]) == ("0/0 0/0 2/2 1/1 0/0\n", "1/1 0/0 2/2 1/1 1/1\n")


@pytest.mark.parametrize("distribution", ["none", "torch"])
def test_processes_meet_at_the_master(nodes: Nodes, distribution: str) -> None:
    """MASTER_ADDR and MASTER_PORT are where rank 0 can listen."""
    ends = nodes(RENDEZVOUS, distribution=distribution, num_gpus=2)

    assert ends[0][1] == ("met [1]\n" if distribution == "none" else "met [1, 2, 3]\n")
    assert [code for code, _, _ in ends] == [0, 0]


def test_a_dead_process_takes_its_neighbours_along(start: Start, gate: Path, tmp_path: Path) -> None:
    """The first failure is the job's, the others get SIGTERM."""
    process = start(FAIL_ONE, distribution="torch", world={"num_gpus": 3}, environment={"GATE": str(gate)})
    _, talk = process.communicate(timeout=30)

    assert process.returncode == 7
    assert talk == "ended\nended\n"
    assert "ExitCode 7" in (tmp_path / "output" / "failure").read_text()


def test_a_neighbour_that_does_not_listen_is_killed(start: Start, gate: Path) -> None:
    """After the grace."""
    source = (
        GATE
        + """
if os.environ["RANK"] == "1":
    os.read(gate, 1)
    sys.exit(9)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(gate, b"x")
while True:
    signal.pause()
"""
    )
    process = start(
        source,
        distribution="torch",
        world={"num_gpus": 2},
        environment={"GATE": str(gate)},
        environ={"ANYFIT_GRACE_SECONDS": "1"},
    )
    process.communicate(timeout=30)

    assert process.returncode == 9


def test_a_stop_lets_every_process_finish(start: Start, gate: Path) -> None:
    """One that ends at once with an error does not cut short another that saves its work."""
    source = (
        GATE
        + """
if os.environ["RANK"] == "0":
    def save(number, frame):
        os.read(gate, 1)
        print("saved", flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
sys.stdout.write("ready\\n")
sys.stdout.flush()
while True:
    time.sleep(0.05)
"""
    )
    opened = os.open(gate, os.O_RDWR)
    process = start(source, distribution="torch", world={"num_gpus": 2}, environment={"GATE": str(gate)})
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2

    process.terminate()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if children.exists():
        until(lambda: children.read_text().split(), lambda left: len(left) < 2)
    os.write(opened, b"x")
    output, _ = process.communicate(timeout=30)
    os.close(opened)

    assert output == "saved\n"
    assert process.returncode == -signal.SIGTERM


def test_parameter_server_gives_every_process_its_place(nodes: Nodes, free_port: int) -> None:
    """A server and a worker on each node, every one at an address of its own; the servers end with the workers."""
    ends = nodes(TELL_TF_CONFIG, distribution="parameter-server")

    configs = [json.loads(line) for _, output, _ in ends for line in output.splitlines()]
    places = [f"127.0.0.1:{free_port + more}" for more in (1, 2, 3, 4)]
    cluster = {"chief": places[:1], "worker": places[1:2], "ps": places[2:]}
    assert [config["cluster"] for config in configs] == [cluster] * 4
    tasks = sorted((config["task"]["type"], config["task"]["index"]) for config in configs)
    assert tasks == [("chief", 0), ("ps", 0), ("ps", 1), ("worker", 0)]
    assert [(code, talk) for code, _, talk in ends] == [(0, ""), (0, "")]


@pytest.mark.parametrize("status", [0, 5])
def test_the_worker_decides_over_the_job(start: Start, status: int) -> None:
    """Its exit code counts, whatever its server does."""
    source = f"""
import os, signal, sys
if '"type": "ps"' in os.environ["TF_CONFIG"]:
    signal.pause()
sys.exit({status})
"""
    process = start(source, distribution="parameter-server")
    process.communicate(timeout=30)

    assert process.returncode == status


def test_a_server_that_dies_ends_the_worker(start: Start) -> None:
    """The worker would wait for ever."""
    source = """
import os, signal, sys
if '"type": "ps"' in os.environ["TF_CONFIG"]:
    sys.exit(11)
signal.pause()
"""
    process = start(source, distribution="parameter-server")
    process.communicate(timeout=30)

    assert process.returncode == 11


@pytest.fixture
def mpirun(tmp_path: Path) -> dict[str, str]:
    """An environment with an mpirun on PATH."""
    folder = tmp_path / "mpi"
    folder.mkdir()
    (folder / "mpirun").write_text(MPIRUN)
    (folder / "mpirun").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "MPIRUN_LOG": str(tmp_path / "mpirun.log")}


@pytest.mark.parametrize("order", [["algo-1", "algo-2"], ["algo-2", "algo-1"]])
def test_mpi_runs_on_the_first_host_and_the_others_wait(
    nodes: Nodes, mpirun: dict[str, str], tmp_path: Path, order: list[str]
) -> None:
    """mpirun is started once, whichever node comes first, and every process knows its rank."""
    ends = dict(zip(order, nodes(RANKS, distribution="mpi", num_gpus=2, environment=mpirun, order=order), strict=True))

    assert sorted(ends["algo-1"][1].splitlines()) == [
        "0/0 0/0 4/4 2/2 0/0",
        "1/1 1/1 4/4 2/2 0/0",
        "2/2 0/0 4/4 2/2 1/1",
        "3/3 1/1 4/4 2/2 1/1",
    ]
    assert ends["algo-2"][1] == ""
    assert [code for code, _, _ in ends.values()] == [0, 0]
    (log,) = (tmp_path / "mpirun.log").read_text().splitlines()
    assert "-np 4 --host localhost:4" in log
    assert "-x SM_HPS" in log
    assert (tmp_path / "algo-2" / "output" / "success").exists()


def test_mpi_processes_find_the_world_of_their_node(
    nodes: Nodes, mpirun: dict[str, str], tmp_path: Path, code: Path
) -> None:
    """Name, directories and channels are those of the node that a process belongs to, not of the one with mpirun."""
    names = ("RANK", "ANYFIT_CURRENT_HOST", "SM_CURRENT_HOST", "TM_CURRENT_HOST", "ANYFIT_CHANNEL_TRAIN", "OWN")
    script = f"""
import os, sys
assert "ANYFIT_MPI_NODES" not in os.environ and os.getcwd() == {str(code)!r}
sys.stdout.write(" ".join(os.environ[name] for name in {names!r}) + "\\n")
"""
    ends = nodes(script, distribution="mpi", environment={**mpirun, "OWN": "kept"}, channels={"train": {}})

    assert [code for code, _, _ in ends] == [0, 0], ends
    assert sorted(ends[0][1].splitlines()) == [
        f"{rank} {host} {host} {host} {tmp_path}/{host}/input/data/train kept"
        for rank, host in enumerate(["algo-1", "algo-2"])
    ]


def test_mpi_failure_is_every_host_s(nodes: Nodes, mpirun: dict[str, str], tmp_path: Path) -> None:
    """The exit code of mpirun is that of all nodes."""
    ends = nodes("import sys; sys.exit(6)", distribution="mpi", environment=mpirun)

    assert [code for code, _, _ in ends] == [6, 6]
    assert "ExitCode 6" in (tmp_path / "algo-2" / "output" / "failure").read_text()


def test_missing_mpirun_says_what_to_install(start: Start) -> None:
    """Exit code 72, one line."""
    process = start("", distribution="mpi", environment={"PATH": "/nowhere"})
    _, talk = process.communicate(timeout=30)

    assert process.returncode == 72
    assert talk.startswith("anyfit: distribution mpi needs mpirun; install Open MPI")
    assert len(talk.splitlines()) == 1


def test_every_host_checks_for_mpirun(nodes: Nodes) -> None:
    """No node waits for a first host that cannot start."""
    ends = nodes("", distribution="mpi", environment={"PATH": "/nowhere"})

    assert [code for code, _, _ in ends] == [72, 72]


def test_a_lost_first_host_ends_the_others(start: Start, mpirun: dict[str, str], free_port: int) -> None:
    """Exit code 76 when the first host goes away without a word; who does not greet is not it."""
    world = {"hosts": ["a", "b"], "current_host": "b", "master_addr": "127.0.0.1", "master_port": free_port}
    with socket.create_server(("127.0.0.1", free_port + 1)) as server:
        process = start("", distribution="mpi", world=world, environment=mpirun)
        stranger, _ = server.accept()
        stranger.close()
        peer, _ = server.accept()
        with peer, peer.makefile("rw") as words:
            words.write("anyfit\n")
            words.flush()
            name, note = json.loads(words.readline())
            assert name == "b" and Path(note).is_file()
    _, talk = process.communicate(timeout=30)

    assert process.returncode == 76
    assert talk == "anyfit: the first host a ended without a word\n"


def test_processes_that_the_platform_starts(run: Callable[..., Any]) -> None:
    """Where the platform runs mpirun itself, each launcher is one process, with the rank that Open MPI gave it."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "ANYFIT_LOCAL_WORLD_SIZE")
    script = f"import os; print(*(os.environ[n] for n in {names!r}))"
    ranks = {"RANK": "3", "SIZE": "4", "LOCAL_RANK": "1", "LOCAL_SIZE": "2"}
    world = {"by_platform": True, "hosts": ["a", "b"], "current_host": "b", "num_gpus": 8}
    environ = {f"OMPI_COMM_WORLD_{name}": value for name, value in ranks.items()}
    done = run(script, distribution="mpi", world=world, environ=environ)

    assert (done.returncode, done.stdout) == (0, "3 4 1 2\n"), done.stderr


def test_servers_that_the_platform_starts(run: Callable[..., Any]) -> None:
    """Where the platform starts parameter servers itself, the script is started once, with the platform's cluster."""
    script = "import os; print(os.environ['TF_CONFIG'], os.environ['RANK'])"
    world = {"by_platform": True, "hosts": ["a", "b"], "current_host": "b", "master_addr": "a"}
    done = run(script, distribution="parameter-server", world=world, environ={"TF_CONFIG": "{}"})

    assert (done.returncode, done.stdout) == (0, "{} 1\n"), done.stderr
