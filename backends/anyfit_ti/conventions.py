"""Where a job of TI finds its things; travels with every job as `anyfit_platform.py`, Python 3.6+.

The tree of both generations is /opt/ml, and this file lies in its code/. What is kept differs:

    2021    output/                 everything below it, when the job ends
    2019    model/, output/data/    packed, when the job ends
            checkpoints/            plain files, also while it runs: so model and outputs are put there as well

The nodes are in input/config/resourceconfig.json in 2019, and in NODE_LIST and INDEX in 2021.

A key of the job file is ours: "places" = {"generation": "2021" or "2019", "num_gpus": of a machine, "by_platform":
whether the platform starts the processes of MPI or parameter servers, "checkpoints": "copied" or "mounted", "code":
where below /opt/ml the user's archive is, unless it lies beside this file}.
"""

import json
import os
import shutil
import time
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

_HERE = os.path.dirname(os.path.abspath(__file__))
_began = time.time()


def world(environ: "Any", job: "Any") -> "Dict[str, Any]":
    """The world for the launcher."""
    root, places = _root(), _places()
    index, hosts, master = _nodes(environ, root, job.instance_count)
    if len(hosts) > 1 and "OMPI_COMM_WORLD_RANK" not in environ:
        os.write(1, b"anyfit: node %d of %d\n" % (index, len(hosts)))  # tells the log's reader whose lines these are
    if places.get("code"):  # the user's archive comes as an input
        job.code_archive = os.path.join(root, places["code"])
    own = os.path.join(root, "anyfit", _name(environ, index))
    old = places.get("generation") == "2019"
    dirs = {"code": os.path.join(own, "code"), "config": os.path.join(own, "config")}
    dirs["data"] = os.path.join(root, "input", "data")
    dirs["model"] = os.path.join(root, "model") if old else os.path.join(_kept(root, _name(environ, index)), "model")
    dirs["output"] = os.path.join(root if old and index == 0 else own, "output")
    dirs["checkpoints"] = _checkpoints(root, own, places)
    return {
        "base_dir": own,
        "hosts": hosts,
        "current_host": hosts[index],
        "master_addr": master,
        "master_port": _number(environ.get("MASTER_PORT"), 20000 + zlib.crc32(job.job_name.encode("utf-8")) % 12000),
        "num_gpus": _gpus(environ, places),
        "network_interface": environ.get("TM_NETWORK_INTERFACE_NAME") or "eth0",
        "dirs": dirs,
        "channels": {name: os.path.join(root, "input", "data", name) for name in job.channels},
        "by_platform": bool(places.get("by_platform")),
    }


def fetch(job: "Any", world: "Any") -> None:
    """Bring back the checkpoints of the job before, and let what the script writes as output lie where it is kept."""
    root, places = _root(), _places()
    earlier = os.path.join(root, "input", "data", "anyfit-checkpoints")
    if places.get("checkpoints") == "copied" and os.path.isdir(earlier):
        _copy(earlier, world.checkpoint_dir, leave=("anyfit",))
    if places.get("generation") != "2019":
        name = _name(os.environ, world.node_rank)
        kept, own = os.path.join(_kept(root, name), "output"), os.path.join(world.output_dir, "data")
        os.makedirs(kept, exist_ok=True)
        _lead(own, kept)


def _lead(own: str, kept: str) -> None:
    """Make an empty folder a link; several processes of one node may be at it at once, and one is enough."""
    for _ in range(1000):
        try:
            if os.path.islink(own) or (os.path.isdir(own) and os.listdir(own)):
                return
            if os.path.isdir(own):
                os.rmdir(own)
            os.symlink(kept, own)
            return
        except OSError:
            pass  # another one was faster: look again


def save(job: "Any", world: "Any") -> None:
    """In 2019 put plain files of model and output where the platform keeps plain files."""
    if _places().get("generation") != "2019":
        return
    kept = _kept(_root(), _name(os.environ, world.node_rank))
    if world.node_rank == 0:
        _copy(world.model_dir, os.path.join(kept, "model"))
    _copy(os.path.join(world.output_dir, "data"), os.path.join(kept, "output"))


def finished(exit_code: int) -> None:
    """Leave word of how the script ended, which the platform does not tell."""
    root, places = _root(), _places()
    if not exit_code:
        return
    old = places.get("generation") == "2019"
    folder = os.path.join(_kept(root, "node-0") if old else os.path.join(root, "output"), ".anyfit")
    os.makedirs(folder, exist_ok=True)
    limit = _number(_job().get("max_run"), 0)
    end = {
        "exit_code": exit_code if exit_code >= 0 else None,
        "signal": max(-exit_code, 0) or None,
        "overran": exit_code == 77 and bool(limit) and time.time() - _began >= limit,
    }
    path = os.path.join(folder, "end.json")
    with open("%s.%d" % (path, os.getpid()), "w") as file:
        json.dump(end, file)
    os.rename(file.name, path)


def _root() -> str:
    """The tree; of several hosts that share their code, each is told its own."""
    config = os.environ.get("TM_INPUT_CONFIG_DIR") if _places().get("generation") == "2019" else None
    return os.path.dirname(os.path.dirname(config)) if config else os.path.dirname(_HERE)


def _job() -> "Dict[str, Any]":
    with open(os.path.join(_HERE, "anyfit_job.json"), encoding="utf-8") as file:
        return dict(json.load(file))


def _places() -> "Dict[str, Any]":
    return dict(_job().get("places") or {})


def _name(environ: "Any", index: int) -> str:
    """What this node is called among all; in the mode PS_WORKER servers are counted for themselves."""
    return "%s-%d" % ("ps" if environ.get("TI_ROLE") == "PS" else "node", index)


def _kept(root: str, name: str) -> str:
    """The folder whose plain files are kept; nodes other than the first have a part of it."""
    old = _places().get("generation") == "2019"
    base = os.path.join(root, "checkpoints", "anyfit") if old else os.path.join(root, "output")
    return base if name == "node-0" else os.path.join(base, "output", "nodes", name)


def _checkpoints(root: str, own: str, places: "Dict[str, Any]") -> str:
    how = places.get("checkpoints")
    if places.get("generation") == "2019" or how == "mounted":
        return os.path.join(root, "checkpoints")
    return os.path.join(root, "output", "checkpoints") if how else os.path.join(own, "checkpoints")


def _nodes(environ: "Any", root: str, count: int) -> "Tuple[int, List[str], Optional[str]]":
    """This node's number, all nodes' names, and where the first one is."""
    index, hosts = _listed(environ) or _configured(root)
    if "OMPI_COMM_WORLD_RANK" in environ:  # what mpirun has started is told only by it where it is
        each = max(1, _number(environ.get("OMPI_COMM_WORLD_LOCAL_SIZE"), 1))
        index = _number(environ["OMPI_COMM_WORLD_RANK"], 0) // each
    if len(set(hosts)) < max(count, len(hosts)):  # nodes that share a machine's name, or are not told at all
        names = ["node-%d" % number for number in range(max(count, len(hosts)))]
        first = environ.get("MASTER_ADDR") or environ.get("CHIEF_IP") or (hosts[0] if hosts else "127.0.0.1")
        return min(index, len(names) - 1), names, first
    return min(index, len(hosts) - 1), hosts, environ.get("MASTER_ADDR") or environ.get("CHIEF_IP") or hosts[0]


def _listed(environ: "Any") -> "Optional[Tuple[int, List[str]]]":
    """As the variables of 2021 have it: `host:gpus,host:gpus`."""
    hosts = [part.rpartition(":")[0] or part for part in (environ.get("NODE_LIST") or "").split(",") if part]
    if not hosts:
        return None
    return _number(environ.get("INDEX") or environ.get("RANK"), 0), hosts


def _configured(root: str) -> "Tuple[int, List[str]]":
    """As the file of 2019 has it."""
    try:
        with open(os.path.join(root, "input", "config", "resourceconfig.json"), encoding="utf-8") as file:
            told = json.load(file)
        hosts = [str(host) for host in told["hosts"]]
        return hosts.index(told["current_host"]), hosts
    except (OSError, ValueError, KeyError, TypeError):
        return 0, []


def _gpus(environ: "Any", places: "Dict[str, Any]") -> int:
    for name in ("GPU_NUM_PER_NODE", "TM_NUM_GPUS"):
        if (environ.get(name) or "").isdigit():
            return int(environ[name])
    return _number(places.get("num_gpus"), 0)


def _number(value: "Any", default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _copy(source: str, target: str, leave: "Tuple[str, ...]" = ()) -> None:
    """The files of a folder at another place: the same ones where they are on one disk, else copies."""
    for place, folders, names in os.walk(source):
        folders[:] = [name for name in folders if place != source or name not in leave]
        inner = os.path.relpath(place, source)
        for name in names:
            path = os.path.normpath(os.path.join(target, inner, name))
            if name == ".anyfit" or os.path.exists(path):
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                os.link(os.path.join(place, name), path)
            except OSError:
                shutil.copy(os.path.join(place, name), path)
