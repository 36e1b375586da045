"""Where a job of ModelMaker finds its things; travels with every job as `anyfit_platform.py`, Python 3.6+.

The platform's tree is /opt/ai: src (this file), input/data, input/<name>, output (what is kept), config/resource.json
(the nodes). Where the tree lies elsewhere, MM_ROOT names it.

Two keys of the job file are ours: "places", the folders below the output, and "inputs", the folder below the input
of each channel.
"""

import json
import os
import shutil
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

PORT = 29500
_HERE = os.path.dirname(os.path.abspath(__file__))


def world(environ: "Any", job: "Any") -> "dict[str, Any]":
    """The world for the launcher."""
    root = _root(environ)
    places = _settings()
    index, hosts, addresses = _nodes(environ, root, job.instance_count)
    own = "node-%d" % index
    base = os.path.join(root, "output", places.get("results", ""))
    mine = base if index == 0 else os.path.join(base, "output", "nodes", own)
    dirs = {
        "code": os.path.join(_HERE, "anyfit_code"),
        "config": os.path.join(root, "anyfit", own, "config"),
        "data": os.path.join(root, "input"),
        "model": os.path.join(mine, "model"),
        "output": os.path.join(root, "anyfit", own, "output"),
        "checkpoints": os.path.join(root, "anyfit", own, "checkpoints"),
    }
    if places.get("checkpoints") is not None:
        dirs["checkpoints"] = os.path.join(root, "output", places["checkpoints"])
    data = places.get("inputs", {})
    return {
        "base_dir": os.path.join(root, "anyfit", own),
        "hosts": hosts,
        "current_host": own,
        "master_addr": addresses[0],
        "master_port": PORT if len(hosts) == 1 else _port(environ),
        "num_gpus": int(places.get("num_gpus", 0)),
        "dirs": dirs,
        "channels": {name: os.path.join(root, "input", data.get(name, name)) for name in job.channels},
    }


def fetch(job: "Any", world: "Any") -> None:
    """Bring back the checkpoints of the job before, and let what the script writes as output lie where it is kept."""
    places = _settings()
    earlier = os.path.join(_root(os.environ), "input", places.get("checkpoint_input") or "-")
    if world.node_rank == 0 and os.path.isdir(earlier):
        _copy(earlier, world.checkpoint_dir, (".anyfit",))
    kept = _kept_output(world)
    own = os.path.join(world.output_dir, "data")
    os.makedirs(kept, exist_ok=True)
    if os.path.isdir(own) and not os.path.islink(own) and not os.listdir(own):
        os.rmdir(own)
        os.symlink(kept, own)


def save(job: "Any", world: "Any") -> None:
    """Pack the model."""
    if world.node_rank or not os.path.exists(os.path.join(world.output_dir, "success")):
        return
    files = sorted(_files(world.model_dir))
    if not files:
        return
    archive = world.model_dir + ".tar.gz"
    with tarfile.open(archive + ".part", "w:gz", compresslevel=1) as tar:
        for name in files:
            tar.add(os.path.join(world.model_dir, name), name)
    os.rename(archive + ".part", archive)


def finished(exit_code: int) -> None:
    """Leave word of how the script ended, which the platform does not tell."""
    root, places = _root(os.environ), _settings()
    if _index(os.environ, root) and not exit_code:
        return
    folder = os.path.join(root, "output", places.get("results", ""), ".anyfit")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "end.json")
    if exit_code == 0 and os.path.exists(path):
        return  # another node has failed
    with open(path + ".part", "w") as file:
        json.dump({"exit_code": exit_code if exit_code >= 0 else None, "signal": max(-exit_code, 0) or None}, file)
    os.rename(path + ".part", path)


def _root(environ: "Any") -> str:
    return str(environ.get("MM_ROOT") or "/opt/ai")


def _settings() -> "dict[str, Any]":
    with open(os.path.join(_HERE, "anyfit_job.json"), encoding="utf-8") as file:
        return dict(json.load(file).get("places") or {})


def _kept_output(world: "Any") -> str:
    return os.path.join(os.path.dirname(world.model_dir), "output")


def _nodes(environ: "Any", root: str, count: int) -> "Tuple[int, List[str], List[str]]":
    """This node's number, and all nodes' names and addresses."""
    addresses = [str(row.get("ip") or row.get("host") or "127.0.0.1") for row in _rows(root)]
    addresses = (addresses + ["127.0.0.1"] * count)[:count]
    return min(_index(environ, root), count - 1), ["node-%d" % number for number in range(count)], addresses


def _index(environ: "Any", root: str) -> int:
    return _number(environ.get("MM_INSTANCE_INDEX") or _resource(root).get("current"), 0)


def _port(environ: "Any") -> int:
    """Where the first node listens; nodes of several jobs may share a machine, so its own port where there is one."""
    rows = _rows(_root(environ))
    return _number(rows[0].get("port"), PORT) if rows else PORT


def _rows(root: str) -> "List[Dict[str, Any]]":
    """The nodes in the platform's own list, whose format no document tells."""
    rows = _resource(root).get("hosts")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sorted(found, key=lambda row: _number(row.get("index"), 0))


def _resource(root: str) -> "Dict[str, Any]":
    try:
        with open(os.path.join(root, "config", "resource.json"), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _number(value: "Any", default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _files(folder: str) -> "list[str]":
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return found


def _copy(source: str, target: str, leave: "tuple[str, ...]") -> None:
    for name in _files(source):
        path = os.path.join(target, name)
        if name not in leave:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(source, name), path)
