"""Where a job of ModelArts finds its things; travels with every job as `anyfit_platform.py`, Python 3.6+.

Both generations speak to a script by arguments, `--name=value`, and by variables. In the second one an input channel
is a local directory that the platform has filled, and an output channel one that it empties into OBS every 30 s. In
the first one, and in old images of the second, both are `s3://` URLs, and the script sees to its data itself.

The member "places" of the job file is ours: "inputs", the platform's name of each channel; "output", "checkpoints"
and "resume", the names of the channels for results and checkpoints; "results", where results come to, "" where the
platform's own argument says so; "num_gpus".
"""

import json
import os
import shutil
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

PORT = 6666
OVERRUN = 77
PERIOD = 30
_HERE = os.path.dirname(os.path.abspath(__file__))
_BEGAN = time.time()


# ---------------------------------------------------------------------------------------------- the hooks


def world(environ: "Any", job: "Any") -> "dict[str, Any]":
    """The world for the launcher."""
    cloud = Cloud(environ, sys.argv[1:], _job_file())
    index, names, addresses = cloud.nodes(job.instance_count)
    base = cloud.base(index)
    results = cloud.results or os.path.join(base, "results")
    mine = results if index == 0 else os.path.join(results, "output", "nodes", "node-%d" % index)
    dirs = {
        "code": os.path.join(base, "code") if cloud.shares_code else os.path.join(_HERE, "anyfit_code"),
        "config": os.path.join(base, "config"),
        "data": os.path.join(base, "data"),
        "model": os.path.join(mine, "model"),
        "output": os.path.join(base, "output"),
        "checkpoints": cloud.output_dir(cloud.places.get("checkpoints", "")) or os.path.join(base, "checkpoints"),
    }
    return {
        "base_dir": base,
        "hosts": names,
        "current_host": names[index],
        "master_addr": addresses[0],
        "master_port": cloud.port,
        "num_gpus": int(cloud.places.get("num_gpus", 0)),
        "dirs": dirs,
        "channels": {name: cloud.channel_dir(name) or os.path.join(base, "data", name) for name in job.channels},
    }


def fetch(job: "Any", world: "Any") -> None:
    """Bring what the platform has not brought, and let what the script writes as output lie where it is kept."""
    cloud = Cloud(os.environ, sys.argv[1:], _job_file())
    for name in job.channels:
        url = cloud.channel_url(name)
        if url:
            _store().download(url, world.channel_dir(name))
            if not _files(world.channel_dir(name)):
                raise RuntimeError("channel %s: there is nothing at %s" % (name, url))
    if job.checkpoint_uri and world.node_rank == 0:
        resume = cloud.input_dir(cloud.places.get("resume", ""))
        if resume:
            _copy(resume, world.checkpoint_dir, (".anyfit",))
        else:
            _store().download(job.checkpoint_uri.rstrip("/") + "/", world.checkpoint_dir)
            _remove(os.path.join(world.checkpoint_dir, ".anyfit"))
    kept = os.path.join(os.path.dirname(world.model_dir), "output")
    own = os.path.join(world.output_dir, "data")
    os.makedirs(kept, exist_ok=True)
    if os.path.isdir(own) and not os.path.islink(own) and not os.listdir(own):
        os.rmdir(own)
        os.symlink(kept, own)
    if not cloud.results:
        Courier.start(cloud, job, world)


def save(job: "Any", world: "Any") -> None:
    """Bring results and checkpoints to where the platform does not bring them itself."""
    cloud = Cloud(os.environ, sys.argv[1:], _job_file())
    Courier.end()
    if not cloud.results:
        Courier(cloud, job, world).round()


def finished(exit_code: int) -> None:
    """Leave word of how the script ended, beside the results."""
    Courier.end()
    data = _job_file()
    cloud = Cloud(os.environ, sys.argv[1:], data)
    index = cloud.index
    if index and not exit_code:
        return
    limit = int(data.get("max_run") or 0)
    late = exit_code == OVERRUN and limit > 0 and time.time() - _BEGAN >= limit - 1  # a script may end with 77 too
    end = {"exit_code": exit_code if exit_code >= 0 else None, "signal": max(-exit_code, 0) or None, "overran": late}
    folder = cloud.results or os.path.join(cloud.base(index), "results")
    path = os.path.join(folder, ".anyfit", "end.json")
    if exit_code == 0 and os.path.exists(path):
        return  # another node has failed
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as file:
        json.dump(end, file)
    os.rename(path + ".part", path)
    if not cloud.results:
        _store().upload(path, cloud.results_url + ".anyfit/end.json")


# ---------------------------------------------------------------------------------------------- the platform


class Cloud:
    """What the platform tells a job, by arguments and variables.

    Attributes:
        places: Ours, from the job file.
        results: The local directory whose contents the platform brings to OBS, or "".
        results_url: Where results have to be brought, where it does not; ends in `/`.
    """

    def __init__(self, environ: "Any", argv: "List[str]", data: "Dict[str, Any]") -> None:
        self.environ = environ
        self.places: "Dict[str, Any]" = data.get("places") or {}
        self._arguments = _arguments(argv)
        self._inputs = _told(environ, "MA_INPUTS", "inputs")
        self._outputs = _told(environ, "MA_OUTPUTS", "outputs")
        self._channels: "Dict[str, Any]" = data.get("channels") or {}
        self._job_name = str(data.get("job_name") or "job")
        name = self.places.get("output", "train_url")
        self.results = self.output_dir(name)
        url = self.places.get("results") or self._arguments.get(name) or data.get("output_uri") or ""
        self.results_url = url.rstrip("/") + "/"

    # nodes

    @property
    def index(self) -> int:
        """This node's number."""
        names = ("VC_TASK_INDEX", "MA_TASK_INDEX", "DLS_TASK_INDEX", "BATCH_TASK_CURRENT_INSTANCE")
        told = [self._arguments.get(name) for name in ("rank", "task_index")] + [self.environ.get(n) for n in names]
        return next((int(text) for text in told if text and text.isdigit()), 0)

    @property
    def port(self) -> int:
        """Where the first node listens."""
        text = self._arguments.get("init_method", "").rpartition(":")[2]
        return int(text) if text.isdigit() else self._first_host()[1] or PORT

    def nodes(self, count: int) -> "Tuple[int, List[str], List[str]]":
        """This node's number, and all nodes' names and addresses."""
        hosts = [host.partition(":")[0] for host in self._hosts(count)]
        master = self._arguments.get("init_method", "").partition("://")[2].rpartition(":")[0]
        if (self.environ.get("MA_CURRENT_IP") or "").startswith("127."):
            master = "127.0.0.1"  # all nodes are processes of one machine
        addresses = (hosts + [master or "127.0.0.1"] * count)[:count]
        if master:
            addresses[0] = master
        named = len(set(hosts)) == count and not addresses[0].startswith("127.")
        names = hosts if named else ["node-%d" % number for number in range(count)]
        return min(self.index, count - 1), names, addresses

    def _hosts(self, count: int) -> "List[str]":
        """The nodes' addresses, as far as the platform tells."""
        for text in (self.environ.get("VC_WORKER_HOSTS"), self._arguments.get("worker_hosts")):
            if text:
                return [host for host in text.split(",") if host]
        numbered = [self.environ.get("BATCH_CUSTOM%d_HOSTS" % number) for number in range(count)]
        return [host for host in numbered if host]

    def _first_host(self) -> "Tuple[str, int]":
        host, _, port = (self._hosts(1) or [""])[0].partition(":")
        return host, int(port) if port.isdigit() else 0

    # directories

    def base(self, index: int) -> str:
        """Where this node's own things lie; several nodes may be processes of one machine."""
        given = [self.environ.get(name) for name in ("DLS_LOCAL_CACHE_PATH", "CACHE_HOME")] + ["/cache"]
        place = next((text for text in given if text and os.access(text, os.W_OK)), os.path.dirname(_HERE))
        return os.path.join(place, "anyfit", self._job_name, "node-%d" % index)

    @property
    def shares_code(self) -> bool:
        """Whether the folder of this file cannot be written to."""
        return not os.access(_HERE, os.W_OK)

    def input_dir(self, name: str) -> str:
        """The directory that the platform has filled, or ""."""
        return self._dir(name, self._inputs, "inputs")

    def output_dir(self, name: str) -> str:
        """The directory that the platform empties, or ""."""
        return self._dir(name, self._outputs, "outputs")

    def channel_dir(self, name: str) -> str:
        """The directory of one of the user's channels, or ""."""
        return self.input_dir(self._name(name))

    def channel_url(self, name: str) -> str:
        """Where a channel has to be fetched from, or ""."""
        if self.channel_dir(name):
            return ""
        told = self._arguments.get(self._name(name), "")
        given = (self._channels.get(name) or {}).get("uri") or ""
        return str(given or told or (self.environ.get("DLS_DATA_URL") or ""))

    def _name(self, channel: str) -> str:
        return str(self.places.get("inputs", {}).get(channel, channel))

    def _dir(self, name: str, told: "Dict[str, str]", kind: str) -> str:
        for place in (told.get(name), self._arguments.get(name)):
            if name and place and os.path.isabs(place):
                return os.path.dirname(place) if os.path.isfile(place) else place
        mount = self.environ.get("MA_MOUNT_PATH")
        usual = os.path.join(mount, kind, name + "_0") if mount and name else ""
        return usual if usual and os.path.isdir(usual) else ""


def _arguments(argv: "List[str]") -> "Dict[str, str]":
    """`--name=value` and `--name value`, the first of each name."""
    found: "Dict[str, str]" = {}
    for position, argument in enumerate(argv):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            after = argv[position + 1 : position + 2]
            found.setdefault(name, value if equals or not after or after[0].startswith("--") else after[0])
    return found


def _told(environ: "Any", variable: str, key: str) -> "Dict[str, str]":
    """The local directories in the platform's own list of channels."""
    try:
        rows = json.loads(environ.get(variable) or "{}").get(key) or []
        return {str(row["name"]): str(row["local_dir"]) for row in rows if row.get("local_dir")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


# ---------------------------------------------------------------------------------------------- bringing


class Courier:
    """Brings results and checkpoints to OBS, again and again while the script runs."""

    _running: "Optional[Courier]" = None

    def __init__(self, cloud: Cloud, job: "Any", world: "Any") -> None:
        self._errands = [(os.path.dirname(world.model_dir), cloud.results_url, world.node_rank)]
        if job.checkpoint_uri and world.node_rank == 0:
            self._errands.append((world.checkpoint_dir, job.checkpoint_uri.rstrip("/") + "/", 0))
        self._pid = 0

    @classmethod
    def start(cls, cloud: Cloud, job: "Any", world: "Any") -> None:
        """Go round in a process of its own, which ends with this one."""
        courier = cls(cloud, job, world)
        parent = os.getpid()
        courier._pid = os.fork()
        if courier._pid == 0:
            try:
                courier._go_round(parent)
            finally:
                os._exit(0)
        cls._running = courier

    @classmethod
    def end(cls) -> None:
        """End that process, unless it has ended with a stopped job and was collected as such."""
        import signal

        courier, cls._running = cls._running, None
        try:
            if courier is not None and os.waitpid(courier._pid, os.WNOHANG) == (0, 0):
                os.kill(courier._pid, signal.SIGKILL)
                os.waitpid(courier._pid, 0)
        except ChildProcessError:
            pass

    def round(self) -> None:
        """Bring everything that has changed since the last round of anybody."""
        store = _store()
        for folder, url, node in self._errands:
            below = "" if node == 0 else "output/nodes/node-%d/" % node
            seen = _Seen(folder)
            for name in _files(folder):
                if seen.is_new(name):
                    store.upload(os.path.join(folder, name), url + below + name.replace(os.sep, "/"))
                    seen.note(name)

    def _go_round(self, parent: int) -> None:
        waited = 0
        while os.getppid() == parent:  # looked at often: who waits for the end of our output waits for us too
            time.sleep(1)
            waited += 1
            if waited % PERIOD == 0:
                try:
                    self.round()
                except Exception as fault:
                    os.write(2, ("anyfit: results cannot be brought to OBS yet: %s\n" % fault).encode())


class _Seen:
    """Which files of a folder were brought as they are now, in a file beside the folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = folder.rstrip(os.sep) + ".brought"
        try:
            with open(self._path, encoding="utf-8") as file:
                self._known = dict(json.load(file))
        except (OSError, ValueError):
            self._known = {}

    def is_new(self, name: str) -> bool:
        return bool(self._known.get(name) != self._stamp(name))

    def note(self, name: str) -> None:
        self._known[name] = self._stamp(name)
        with open(self._path + ".part", "w", encoding="utf-8") as file:
            json.dump(self._known, file)
        os.rename(self._path + ".part", self._path)

    def _stamp(self, name: str) -> "List[int]":
        status = os.stat(os.path.join(self._folder, name))
        return [status.st_size, int(status.st_mtime * 1000000)]


def _store() -> "Any":
    import anyfit_obs

    return anyfit_obs.store()


def _job_file() -> "Dict[str, Any]":
    with open(os.path.join(_HERE, "anyfit_job.json"), encoding="utf-8") as file:
        return dict(json.load(file))


def _files(folder: str) -> "List[str]":
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return sorted(found)


def _copy(source: str, target: str, leave: "Tuple[str, ...]") -> None:
    for name in _files(source):
        path = os.path.join(target, name)
        if name not in leave:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(source, name), path)


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
