"""Storage side by side: same server, same data, one run, ratios to s5cmd.

    python benchmarks/storage/run.py                        # all, against the emulator
    python benchmarks/storage/run.py --only A C --tools s5cmd anyfit --repeat 5
    python benchmarks/storage/run.py --scheme cos           # the same as obs:// or cos://
    python benchmarks/storage/run.py --endpoint http://127.0.0.1:9000 --bucket b   # another S3 server; keys from AWS_*

Each number is the median of `--repeat` runs of a whole process, the tools taking turns. A tool's uploads go to a new
prefix every time, and every download to an empty directory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from attrs import evolve, frozen

sys.path.insert(0, str(Path(__file__).parent))

from tools import Service, Tool, tools
from workloads import WORKLOADS, Workload, make

GOALS = {"A up": 0.8, "A down": 0.8, "B up": 0.7, "B down": 1.1, "C again": 0.6, "D up": 1.0, "D down": 1.0}
_SERVER = """
import json, sys, threading
from anyfit_emulator.storage import ObjectStoreServer
with ObjectStoreServer(sys.argv[1]) as server:
    names = ("s3_endpoint", "cos_endpoint", "access_key", "secret_key", "bucket")
    print(json.dumps({name: getattr(server, name) for name in names}), flush=True)
    threading.Event().wait()
"""


@frozen
class Run:
    """One measured process."""

    seconds: float
    processor: float
    memory_mib: float


def measure(command: list[str], environment: dict[str, str]) -> Run:
    """Run a process to its end."""
    variables = {**os.environ, **environment}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, and the first run writes it
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def once(tool: Tool, workload: Workload, service: Service, work: Path, number: int) -> Run:
    """Prepare, run and clean up one measurement."""
    data = work / "data" / workload.data
    prefix = f"{tool.name}/{workload.data}"
    if workload.way == "up":
        run = measure(tool.command("up", data, f"{prefix}/{number}"), service.environment)
        forget(service, f"{prefix}/{number}/")
        return run
    if workload.way == "same":
        return measure(tool.command("same", data, f"{prefix}/0"), service.environment)
    target = work / "down"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    run = measure(tool.command("down", target, f"{prefix}/0"), service.environment)
    check(data, target)
    return run


def forget(service: Service, prefix: str) -> None:
    """Delete what was uploaded, so that the server's disk, often memory, does not fill up.

    In a process of its own: a child's peak memory starts from its parent's, so this one has to stay small.
    """
    place = f"s3://{service.bucket}/{prefix}"
    command = [sys.executable, str(Path(__file__).with_name("client.py")), "forget", "", place]
    measure(command, service.environment)


def check(data: Path, target: Path) -> None:
    """Whether every file came, with its size."""
    ours = {str(p.relative_to(data)): p.stat().st_size for p in data.rglob("*") if p.is_file()}
    theirs = {str(p.relative_to(target)): p.stat().st_size for p in target.rglob("*") if p.is_file()}
    if ours != theirs:
        raise SystemExit(f"{target} is not {data}")


def _memory() -> str | None:
    """A place in memory with room for all workloads, so that no disk is measured; None where there is none."""
    place = "/dev/shm"
    return place if Path(place).is_dir() and shutil.disk_usage(place).free > 16 << 30 else None


@contextmanager
def emulator(directory: Path) -> Iterator[Service]:
    """An object store of our own, in a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER, str(directory)], stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise SystemExit("no server")
    try:
        yield Service(**json.loads(process.stdout.readline()))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def table(results: dict[tuple[str, str], list[Run]], names: list[str], base: str) -> str:
    """The results as Markdown: medians, and ratios to the first tool."""
    rows = ["| workload | tool | seconds | ratio | goal | processor s | peak MiB |", "|---|---|---|---|---|---|---|"]
    for workload in WORKLOADS:
        reference = results.get((workload.name, base))
        for name in names:
            runs = results.get((workload.name, name))
            if not runs:
                continue
            seconds = median(run.seconds for run in runs)
            ratio = f"{seconds / median(run.seconds for run in reference):.2f}" if reference else ""
            goal = f"{GOALS[workload.name]}" if name in ("anyfit", "anyfit-cli") else ""
            processor = median(run.processor for run in runs)
            memory = max(run.memory_mib for run in runs)
            rows.append(
                f"| {workload.name} | {name} | {seconds:.2f} | {ratio} | {goal} | {processor:.2f} | {memory:.0f} |"
            )
    return "\n".join(rows)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", default=["A", "B", "C", "D"], help="workloads by letter")
    parser.add_argument("--tools", nargs="+", help="tools by name; the first is compared with")
    parser.add_argument("--scheme", choices=("s3", "obs", "cos"), default="s3", help="as what anyfit sees the server")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--work", type=Path, help="where data and server keep their files; in memory if there is room")
    parser.add_argument("--endpoint", help="another server, with keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    parser.add_argument("--bucket", default="bench-1250000000")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="anyfit-bench-", dir=_memory()))
    make(work / "data")
    try:
        if options.endpoint:
            keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
            print(compare(options, Service(options.endpoint, "", *keys, options.bucket, str(work / "home")), work))
        else:
            with emulator(work / "server") as service:
                print(compare(options, evolve(service, home=str(work / "home")), work))
    finally:
        if not options.work:
            shutil.rmtree(work)


def compare(options: argparse.Namespace, service: Service, work: Path) -> str:
    """Measure all, taking turns."""
    known = {tool.name: tool for tool in tools(service, options.scheme)}
    unknown = [name for name in options.tools or () if name not in known]
    if unknown:
        raise SystemExit(f"no tool {unknown[0]!r}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.tools or known]
    if options.scheme == "cos" and not service.cos_endpoint:
        raise SystemExit("the other server speaks S3; leave --scheme cos out")
    results: dict[tuple[str, str], list[Run]] = defaultdict(list)
    workloads = [workload for workload in WORKLOADS if workload.name[0] in options.only]
    for tool in chosen:
        for data in dict.fromkeys(workload.data for workload in workloads):
            measure(tool.command("up", work / "data" / data, f"{tool.name}/{data}/0"), service.environment)
    for workload in workloads:
        for number in range(1, options.repeat + 1):
            for tool in chosen:
                run = once(tool, workload, service, work, number)
                results[workload.name, tool.name].append(run)
                print(f"{workload.name} {tool.name} {run.seconds:.2f}", file=sys.stderr)
    return table(results, [tool.name for tool in chosen], chosen[0].name)


if __name__ == "__main__":
    main()
