"""A stand-in for `mpirun` and `horovodrun`: the ranks are processes of this machine.

They get Open MPI's variables for rank, size and place. There is no message passing among them: a script that calls
`MPI_Init` finds itself alone. The first rank that fails ends the others, and its code is the answer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

__all__ = ["main"]

COUNTS = ("-np", "-n", "-c", "--np", "--n")
HOSTS = ("-H", "-host", "--host", "--hosts")
PAIRS = ("-mca", "--mca")  # two words follow
FLAGS = ("--allow-run-as-root", "--oversubscribe", "--verbose", "--tag-output", "-q", "-v", "--gloo", "--mpi")


def read(arguments: list[str]) -> tuple[int, list[str], dict[str, str], list[str]]:
    """How many ranks, the host of each slot, variables, and the program with its arguments."""
    count = 0
    slots: list[str] = []
    variables: dict[str, str] = {}
    words = list(arguments)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in FLAGS:
            continue
        if word in COUNTS:
            count = int(words.pop(0))
        elif word in HOSTS:
            slots = spread(words.pop(0))
        elif word in PAIRS:
            del words[:2]
        elif word == "-x":
            name, sign, value = words.pop(0).partition("=")
            variables.update({name: value} if sign else {})  # without a value it is handed on, as all are here
        elif "=" not in word:
            words.pop(0)
    return count or len(slots) or 1, slots or ["localhost"], variables, words


def spread(text: str) -> list[str]:
    """`a:2,b` as a, a, b."""
    pairs = [item.partition(":") for item in text.split(",") if item]
    return [host for host, _, number in pairs for _ in range(max(1, int(number or 1)))]


def environment(rank: int, hosts: list[str], variables: dict[str, str]) -> dict[str, str]:
    """What one rank is told."""
    host = hosts[rank]
    places = list(dict.fromkeys(hosts))
    told = {
        "WORLD_RANK": rank,
        "WORLD_SIZE": len(hosts),
        "WORLD_LOCAL_RANK": hosts[:rank].count(host),
        "WORLD_LOCAL_SIZE": hosts.count(host),
        "WORLD_NODE_RANK": places.index(host),
    }
    return {
        **os.environ,
        **{f"OMPI_COMM_{name}": str(value) for name, value in told.items()},
        "OMPI_UNIVERSE_SIZE": str(len(hosts)),
        **variables,
    }


def main(arguments: list[str]) -> int:
    """Run it."""
    count, slots, variables, program = read(arguments)
    if not program:
        print("mpirun: no program was given", file=sys.stderr)
        return 1
    hosts = sorted((slots[index % len(slots)] for index in range(count)), key=slots.index)
    ranks: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: end(ranks))
    for rank in range(count):
        try:
            ranks.append(subprocess.Popen(program, env=environment(rank, hosts, variables)))
        except OSError as error:
            print(f"mpirun: {program[0]}: {error.strerror}", file=sys.stderr)
            end(ranks)
            return 127
    return wait(ranks)


def end(ranks: list[subprocess.Popen[bytes]]) -> None:
    """Ask those that still run to end."""
    for rank in ranks:
        if rank.poll() is None:
            rank.terminate()


def wait(ranks: list[subprocess.Popen[bytes]]) -> int:
    """Until all have ended; the first code that is not 0."""
    answer = 0
    while any(rank.poll() is None for rank in ranks):
        code = next((rank.returncode for rank in ranks if rank.poll()), 0)
        if code and not answer:
            answer = code
            end(ranks)
        time.sleep(0.02)
    code = answer or next((rank.returncode for rank in ranks if rank.returncode), 0)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
