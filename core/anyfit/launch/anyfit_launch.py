"""Start a portable training script here, wherever here is; one file, standard library only, Python 3.6+.

    python -I -S anyfit_launch.py [JOB_JSON]        default: anyfit_job.json beside this file

The launcher finds out where it is (the world), lays out the directories, starts the script with the
environment and the arguments that its convention promises, passes signals on, and ends as the script ended.
A script may also import this file for typed access, and need not:

    from anyfit_launch import context
    context().channel("train"), context().hyperparameters["epochs"], context().model_dir

Job file, a JSON object; every key but "format" may be missing:

    format                1
    job_name, backend, region, instance_type, output_uri, checkpoint_uri, code_uri      text
    instance_count        int
    entry_point           file or folder in the code directory, or null
    command               list of text, used as it stands when there is no entry point
    hyperparameters       object of any JSON values
    arguments             list of text, appended as they stand
    environment           object of text
    channels              {name: {"uri": text}}
    convention            "sagemaker", "ti" or "modelarts": how hyperparameters become arguments
    distribution          "none", "torch", "mpi" or "parameter-server"
    python_paths          folders in the code directory (or else in the base directory) for PYTHONPATH
    install_requirements  bool: run pip for the code directory's requirements.txt first
    code_archive          name of a .tar.gz beside this file, unpacked into the code directory first
    max_run               seconds from its start after which the script is told to end, for platforms without a limit;
                          0: none

The world, a JSON object in ANYFIT_WORLD, or what `world(environ, job)` of a module `anyfit_platform` beside
this file returns, or else that of a bare container. With such a module the command line belongs to the platform
and is not looked at:

    base_dir              the tree below which everything lies (/opt/ml when writable)
    hosts, current_host   names of the nodes, first is the master; this node's own name
    master_addr, master_port      where the first node listens; a loopback address means that all nodes are
                          processes of one machine. The 2 * nodes ports after master_port must be free too.
    num_cpus, num_gpus    of this node; never probed
    network_interface     "eth0"
    dirs                  {"code", "config", "data", "model", "output", "checkpoints"}: places off the layout
    channels              {name: directory}: channels that lie elsewhere; input/config and input/data/<channel> are
                          links then, wherever they would be missing
    by_platform           bool: the platform itself starts the processes of "mpi" or "parameter-server" and this
                          launcher in each, so the script is started once here; it keeps the platform's TF_CONFIG,
                          and takes its rank from Open MPI's variables

`anyfit_platform` may also define `fetch(job, world)`, called before the script, `save(job, world)`, called
after it, and `finished(exit_code)`, called last (negative: the signal that ended the script); job and world
are a Job and a World.

Layout below base_dir: code/, input/config/{hyperparameters,inputdataconfig,resourceconfig}.json,
input/data/<channel>/, model/, output/data/, output/intermediate/, output/failure, output/success,
checkpoints/.

Canonical environment of the script (lists and objects are JSON; the aliases SM_* and TM_* are set as well):

    ANYFIT_JOB_NAME  ANYFIT_JOB_BACKEND  ANYFIT_JOB_REGION  ANYFIT_JOB_INSTANCE_TYPE  ANYFIT_INSTANCE_COUNT
    ANYFIT_OUTPUT_URI  ANYFIT_CHECKPOINT_URI  ANYFIT_DISTRIBUTION  ANYFIT_CONVENTION
    ANYFIT_ENTRY_POINT  ANYFIT_ARGS             what was started, and the list of its arguments
    ANYFIT_BASE_DIR  ANYFIT_CODE_DIR  ANYFIT_CONFIG_DIR  ANYFIT_DATA_DIR
    ANYFIT_MODEL_DIR                            what is kept as the model
    ANYFIT_OUTPUT_DIR                           what else is kept (output/data)
    ANYFIT_INTERMEDIATE_DIR  ANYFIT_CHECKPOINT_DIR
    ANYFIT_CHANNELS  ANYFIT_CHANNEL_<NAME>      names of the channels; directory of each
    ANYFIT_HPS  ANYFIT_HP_<NAME>                all hyperparameters; each: text as it is, null empty,
                                                everything else JSON
    ANYFIT_HOSTS  ANYFIT_CURRENT_HOST  ANYFIT_NUM_CPUS  ANYFIT_NUM_GPUS
    ANYFIT_RANK  ANYFIT_WORLD_SIZE  ANYFIT_LOCAL_RANK  ANYFIT_LOCAL_WORLD_SIZE  ANYFIT_NODE_RANK
                                                as RANK, WORLD_SIZE ..., which are set as well, with
                                                MASTER_ADDR and MASTER_PORT
In <NAME> letters are upper case and everything but letters and digits is "_".
ANYFIT_GRACE_SECONDS is read: how long processes that must end with another may take (10).

The script's own exit code is kept, and a script that a signal ended ends the launcher by the same signal.
A fault of the launcher itself is one line `anyfit: ...` on stderr and one of these exit codes:

    64  the command line or the job file is wrong          72  mpirun is not installed
    66  the entry point or a Python path is missing        73  a directory or file could not be written
    69  pip could not install the requirements             74  a channel could not be fetched
    70  the platform module failed                         75  the results could not be saved
    71  the script could not be started                    76  another host did not come, or was lost
    77  the script ran longer than max_run                 78  the world is wrong
"""

import json
import os
import sys

TYPE_CHECKING = False  # the module of that name costs more than all the rest
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional, Set, Tuple

__all__ = ["Context", "Job", "World", "context", "encode_arguments", "main", "script_environment"]

FORMAT = 1
CONVENTIONS = ("sagemaker", "ti", "modelarts")
DISTRIBUTIONS = ("none", "torch", "mpi", "parameter-server")

USAGE, NO_INPUT, UNAVAILABLE, SOFTWARE, OS_ERROR, NO_MPIRUN = 64, 66, 69, 70, 71, 72
CANNOT_CREATE, FETCH_FAILED, SAVE_FAILED, HOST_LOST, OVERRUN, BAD_WORLD = 73, 74, 75, 76, 77, 78

MPI_WAIT_SECONDS = 600
MPI_GREETING = b"anyfit\n"
MPI_NODES = "ANYFIT_MPI_NODES"  # where each node has left its note for its processes
_HERE = os.path.dirname(os.path.abspath(__file__))  # now: the launcher changes directory later
TOOLKIT_KEYS = (  # what SageMaker's toolkit reads itself and does not pass on
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_s3_output",
    "sagemaker_default_user_module_name",
)
INSTANCE_GROUP = "homogeneousCluster"


class LaunchError(Exception):
    """A fault of the launcher or of what it was given; `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


# ---------------------------------------------------------------------------------------------- reading


class _Fields:
    """Typed access to the keys of a JSON object; a wrong type is an error that names the key."""

    def __init__(self, data: "Any", where: str, code: int) -> None:
        if not isinstance(data, dict):
            raise LaunchError(code, "%s is not a JSON object" % where)
        self.data: "Dict[str, Any]" = data
        self.where = where
        self.code = code

    def wrong(self, key: str, wanted: str) -> LaunchError:
        return LaunchError(self.code, "%s: %s must be %s, not %r" % (self.where, key, wanted, self.data.get(key)))

    def text(self, key: str, default: str) -> str:
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(key, "text")
        return value

    def count(self, key: str, default: int, least: int) -> int:
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(key, "a whole number from %d" % least)
        return value

    def flag(self, key: str) -> bool:
        value = self.data.get(key) or False
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def choice(self, key: str, choices: "Tuple[str, ...]") -> str:
        value = self.text(key, choices[0])
        if value not in choices:
            raise self.wrong(key, "one of " + ", ".join(choices))
        return value

    def texts(self, key: str) -> "List[str]":
        value = self.data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of text")
        return value

    def table(self, key: str) -> "Dict[str, Any]":
        value = self.data.get(key) or {}
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        return value

    def text_table(self, key: str) -> "Dict[str, str]":
        value = self.table(key)
        if not all(isinstance(item, str) for item in value.values()):
            raise self.wrong(key, "an object of text")
        return value


class Job:
    """What to run, as the job file says; the module docstring lists the attributes."""

    def __init__(self, data: "Any", where: str = "the job file") -> None:
        fields = _Fields(data, where, USAGE)
        if fields.data.get("format", FORMAT) != FORMAT:
            message = "%s: format %r is not known to this launcher, which reads %d; both must come from one anyfit"
            raise LaunchError(USAGE, message % (where, data["format"], FORMAT))
        self.job_name = fields.text("job_name", "job")
        self.backend = fields.text("backend", "")
        self.region = fields.text("region", "")
        self.entry_point = fields.text("entry_point", "")
        self.command = fields.texts("command")
        self.hyperparameters = fields.table("hyperparameters")
        self.arguments = fields.texts("arguments")
        self.environment = fields.text_table("environment")
        self.channels = fields.table("channels")
        self.convention = fields.choice("convention", CONVENTIONS)
        self.distribution = fields.choice("distribution", DISTRIBUTIONS)
        self.instance_type = fields.text("instance_type", "")
        self.instance_count = fields.count("instance_count", 1, 1)
        self.output_uri = fields.text("output_uri", "")
        self.checkpoint_uri = fields.text("checkpoint_uri", "")
        self.code_uri = fields.text("code_uri", "")
        self.python_paths = fields.texts("python_paths")
        self.install_requirements = fields.flag("install_requirements")
        self.code_archive = fields.text("code_archive", "")
        self.max_run = fields.count("max_run", 0, 0)
        if not self.entry_point and not self.command:
            raise LaunchError(USAGE, "%s: neither entry_point nor command says what to run" % where)


class World:
    """Where we are; the module docstring lists the attributes. `node_rank` is its index in `hosts`."""

    def __init__(self, data: "Any", where: str = "ANYFIT_WORLD") -> None:
        fields = _Fields(data, where, BAD_WORLD)
        self.base_dir = os.path.abspath(fields.text("base_dir", "/opt/ml"))
        self.hosts = fields.texts("hosts") or ["algo-1"]
        self.current_host = fields.text("current_host", self.hosts[0])
        if self.current_host not in self.hosts:
            raise fields.wrong("current_host", "one of hosts (%s)" % ", ".join(self.hosts))
        alone = len(self.hosts) == 1
        self.node_rank = self.hosts.index(self.current_host)
        self.master_addr = fields.text("master_addr", "127.0.0.1" if alone else self.hosts[0])
        self.master_port = fields.count("master_port", 29500, 1)
        self.num_cpus = fields.count("num_cpus", _cpu_count(), 1)
        self.num_gpus = fields.count("num_gpus", 0, 0)
        self.network_interface = fields.text("network_interface", "eth0")
        self.by_platform = fields.flag("by_platform")
        self._dirs = fields.text_table("dirs")
        self._channels = fields.text_table("channels")
        self.code_dir = self._dir("code", "code")
        self.config_dir = self._dir("config", "input", "config")
        self.data_dir = self._dir("data", "input", "data")
        self.model_dir = self._dir("model", "model")
        self.output_dir = self._dir("output", "output")
        self.checkpoint_dir = self._dir("checkpoints", "checkpoints")
        together = self._inputs_lie_together()
        self.input_dir = os.path.dirname(self.data_dir) if together else os.path.join(self.base_dir, "input")

    def _dir(self, name: str, *default: str) -> str:
        return os.path.abspath(self._dirs.get(name) or os.path.join(self.base_dir, *default))

    def _inputs_lie_together(self) -> bool:
        folder, name = os.path.split(self.data_dir)
        known = all(self.channel_dir(channel) == os.path.join(self.data_dir, channel) for channel in self._channels)
        return known and name == "data" and self.config_dir == os.path.join(folder, "config")

    def channel_dir(self, name: str) -> str:
        """The directory of a channel, whether it exists or not."""
        return os.path.abspath(self._channels.get(name) or os.path.join(self.data_dir, name))

    def address(self, rank: int) -> str:
        """The address at which the node of that rank is reached."""
        return self.master_addr if self.on_one_machine else self.hosts[rank]

    @property
    def on_one_machine(self) -> bool:
        """Whether all nodes are processes of this machine."""
        return self.master_addr.startswith("127.") or self.master_addr in ("localhost", "::1")


def _cpu_count() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def read_job(path: str) -> Job:
    """The job in a file."""
    try:
        with open(path, encoding="utf-8") as file:
            return Job(json.load(file), path)
    except OSError as fault:
        raise LaunchError(USAGE, "the job file %s cannot be read: %s" % (path, fault.strerror)) from None
    except ValueError as fault:
        raise LaunchError(USAGE, "the job file %s is not JSON: %s" % (path, fault)) from None


def find_world(job: Job, here: str) -> "Tuple[World, Any]":
    """The world we are in, and the platform module that told so, or None."""
    text = os.environ.get("ANYFIT_WORLD")
    if text:
        try:
            return World(json.loads(text)), None
        except ValueError as fault:
            raise LaunchError(BAD_WORLD, "ANYFIT_WORLD is not JSON: %s" % fault) from None
    if os.path.exists(os.path.join(here, "anyfit_platform.py")):
        sys.path.insert(0, here)
        platform = _guarded(SOFTWARE, "the platform module cannot be imported", _import_platform)
        data = _guarded(SOFTWARE, "the platform module cannot tell where it is", platform.world, os.environ, job)
        return World(data, "anyfit_platform.world()"), platform
    return World(_bare_world(job, here), "the default world"), None


def _import_platform() -> "Any":
    return __import__("anyfit_platform")


def _guarded(code: int, message: str, function: "Any", *arguments: "Any") -> "Any":
    """Call foreign code; whatever it raises is a fault with one line."""
    try:
        return function(*arguments)
    except Exception as fault:
        raise LaunchError(code, "%s: %s: %s" % (message, type(fault).__name__, fault)) from fault


def _bare_world(job: Job, here: str) -> "Dict[str, Any]":
    base = os.environ.get("SAGEMAKER_BASE_DIR")
    if not base:
        writable = os.access("/opt/ml" if os.path.isdir("/opt/ml") else "/opt", os.W_OK)
        base = "/opt/ml" if writable else os.path.join(os.path.expanduser("~"), "anyfit", job.job_name)
    world: "Dict[str, Any]" = {"base_dir": base}
    if not os.path.lexists(os.path.join(base, "code", job.entry_point)):
        world["dirs"] = {"code": here}  # the bundle was unpacked elsewhere, and we are in it
    return world


# ---------------------------------------------------------------------------------------------- layout


def prepare(job: Job, world: World) -> None:
    """Make the directories and write the configuration files."""
    try:
        _make_dirs(job, world)
        for name in ("failure", "success"):  # of an earlier run
            if os.path.lexists(os.path.join(world.output_dir, name)):
                os.unlink(os.path.join(world.output_dir, name))
        _write_json(world, "hyperparameters.json", job.hyperparameters)
        _write_json(world, "inputdataconfig.json", _input_data_config(job))
        _write_json(world, "resourceconfig.json", _resource_config(job, world))
    except OSError as fault:
        message = "%s cannot be written: %s" % (fault.filename or world.base_dir, fault.strerror)
        raise LaunchError(CANNOT_CREATE, message) from None


def _make_dirs(job: Job, world: World) -> None:
    places = [world.code_dir, world.config_dir, world.data_dir, world.model_dir, world.checkpoint_dir]
    places += [os.path.join(world.output_dir, name) for name in ("data", "intermediate")]
    for name in job.channels:
        place = world.channel_dir(name)
        if not os.path.lexists(place):  # a local backend may have linked a single file here
            places.append(place)
    for place in places:
        os.makedirs(place, exist_ok=True)
    _gather_inputs(job, world)


def _gather_inputs(job: Job, world: World) -> None:
    """Scripts expect `config` and `data` with all channels in one folder: what lies elsewhere is linked there."""
    os.makedirs(os.path.join(world.input_dir, "data"), exist_ok=True)
    found = {os.path.join(world.input_dir, "data", name): world.channel_dir(name) for name in job.channels}
    found[os.path.join(world.input_dir, "config")] = world.config_dir
    for place, target in found.items():
        if place == target or os.path.lexists(place):
            continue
        try:
            os.symlink(target, place)
        except FileExistsError:
            pass  # by a neighbour that shares our folder


def unpack_code(job: Job, world: World) -> None:
    """Put the code archive's files into the code directory, which several nodes of one machine may share."""
    if not job.code_archive:
        return
    import tempfile

    archive = os.path.join(_HERE, job.code_archive)
    try:
        scratch = tempfile.mkdtemp(prefix=".unpacking-", dir=os.path.dirname(world.code_dir))
        os.chmod(scratch, 0o755)  # noqa: S103  scripts may run as another user
        _extract(archive, scratch)
        try:
            os.rename(scratch, world.code_dir)  # replaces an empty directory only
        except OSError:
            _remove_tree(scratch)  # a neighbour was faster
    except OSError as fault:
        message = "the code archive %s cannot be unpacked: %s" % (archive, fault.strerror or fault)
        raise LaunchError(CANNOT_CREATE, message) from None


def _extract(archive: str, folder: str) -> None:
    """Unpack plain files and folders; anything that could lead out of the folder is refused."""
    import tarfile

    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                parts = entry.name.split("/")
                if os.path.isabs(entry.name) or ".." in parts or not (entry.isfile() or entry.isdir()):
                    raise LaunchError(
                        NO_INPUT, "the code archive %s holds %s, which is refused" % (archive, entry.name)
                    )
                place = os.path.join(folder, *parts)
                if entry.isdir():
                    os.makedirs(place, exist_ok=True)
                    continue
                os.makedirs(os.path.dirname(place), exist_ok=True)
                source = tar.extractfile(entry)
                with open(place, "wb") as target:
                    while True:
                        block = source.read(1 << 20) if source else b""
                        if not block:
                            break
                        target.write(block)
                os.chmod(place, 0o755 if entry.mode & 0o100 else 0o644)
    except (tarfile.TarError, EOFError) as fault:
        raise LaunchError(NO_INPUT, "the code archive %s is damaged: %s" % (archive, fault)) from None


def _remove_tree(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _write_json(world: World, name: str, value: "Any") -> None:
    with open(os.path.join(world.config_dir, name), "w", encoding="utf-8") as file:
        file.write(json.dumps(value))


def _input_data_config(job: Job) -> "Dict[str, Any]":
    how = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    return {name: dict(how) for name in job.channels}


def _resource_config(job: Job, world: World) -> "Dict[str, Any]":
    group = {"instance_group_name": INSTANCE_GROUP, "instance_type": job.instance_type, "hosts": world.hosts}
    return {
        "current_host": world.current_host,
        "current_instance_type": job.instance_type,
        "current_group_name": INSTANCE_GROUP,
        "hosts": world.hosts,
        "instance_groups": [group],
        "network_interface_name": world.network_interface,
    }


# ---------------------------------------------------------------------------------------------- arguments


def encode_arguments(convention: str, hyperparameters: "Dict[str, Any]") -> "List[str]":
    """Hyperparameters as command line arguments.

    ==========  =======================  ====================  =============================
    value       sagemaker                ti                    modelarts
    ==========  =======================  ====================  =============================
    form        --key value, sorted;     --key value, in the   --key=value, in the given
                one letter: -k value     given order           order
    text        as it is                 as it is              as it is
    "" or " "   an argument as it is     no value, only --key  --key= and the text
    number      as Python prints it      as Python prints it   as Python prints it
    bool        True or False            True or False         True or False
    null        an empty argument        None                  --key=
    list        as Python prints it      as Python prints it   JSON
    object      a=1,b=2, sorted          as Python prints it   JSON
    left out    sagemaker_*, _tuning_    ti_*
                objective_metric*
    ==========  =======================  ====================  =============================
    """
    if convention == "ti":
        return _ti_arguments(hyperparameters)
    if convention == "modelarts":
        return ["--%s=%s" % (key, _modelarts_text(value)) for key, value in hyperparameters.items()]
    return _sagemaker_arguments(hyperparameters)


def _sagemaker_arguments(hyperparameters: "Dict[str, Any]") -> "List[str]":
    arguments: "List[str]" = []
    user = _user_hyperparameters(hyperparameters)
    for key in sorted(user):
        arguments += [("-" if len(key) == 1 else "--") + key, _sagemaker_text(user[key])]
    return arguments


def _sagemaker_text(value: "Any") -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join("%s=%s" % (key, value[key]) for key in sorted(value))
    return str(value)


def _ti_arguments(hyperparameters: "Dict[str, Any]") -> "List[str]":
    arguments: "List[str]" = []
    for key, value in _ti_hyperparameters(hyperparameters).items():
        text = str(value)
        arguments += ["--" + key, text] if text.strip() else ["--" + key]
    return arguments


def _modelarts_text(value: "Any") -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _is_sagemaker_key(key: str) -> bool:
    return key.startswith(("sagemaker_", "_tuning_objective_metric"))


def _user_hyperparameters(hyperparameters: "Dict[str, Any]") -> "Dict[str, Any]":
    return {key: value for key, value in hyperparameters.items() if not _is_sagemaker_key(key)}


def _ti_hyperparameters(hyperparameters: "Dict[str, Any]") -> "Dict[str, Any]":
    return {key: value for key, value in hyperparameters.items() if not key.startswith("ti_")}


def _script_arguments(job: Job, world: World) -> "List[str]":
    """Every argument of the entry point; a command takes only the verbatim ones."""
    if not job.entry_point:
        return list(job.arguments)
    arguments = _modelarts_urls(job, world) if job.convention == "modelarts" else []
    return arguments + encode_arguments(job.convention, job.hyperparameters) + job.arguments


def _modelarts_urls(job: Job, world: World) -> "List[str]":
    """`--data_url`, `--train_url`, one for each further channel; on many nodes a preset engine's three."""
    preferred = [name for name in ("data_url", "training", "train") if name in job.channels]
    main = (preferred + list(job.channels))[:1]
    urls = ["--data_url=" + world.channel_dir(name) for name in main]
    urls.append("--train_url=" + world.model_dir)
    for name in job.channels:
        if name not in main:
            flag = "train_data" if name in ("train", "train_url") else name  # --train_url is the output
            flag += "" if flag.endswith("_url") else "_url"
            urls.append("--%s=%s" % (flag, world.channel_dir(name)))
    if len(world.hosts) > 1 and job.distribution == "none":
        urls.append("--init_method=tcp://%s:%d" % (world.master_addr, world.master_port))
        urls += ["--rank=%d" % world.node_rank, "--world_size=%d" % len(world.hosts)]
    return urls


# ---------------------------------------------------------------------------------------------- environment


def script_environment(job: Job, world: World) -> "Dict[str, str]":
    """Every variable that the launcher sets for the script that is a node's only process."""
    arguments = _script_arguments(job, world)
    environ = _modelarts_variables(job, world)
    environ.update(_ti_variables(job, world, arguments))
    environ.update(_sagemaker_variables(job, world, arguments))
    environ.update(_anyfit_variables(job, world, arguments))
    environ.update(_rank_variables(world, 0, 1))
    if job.distribution == "none" and max(job.instance_count, len(world.hosts)) > 1:
        environ["TF_CONFIG"] = _tf_config(world, "worker", False)
    environ["PYTHONUNBUFFERED"] = "1"
    return environ


def _anyfit_variables(job: Job, world: World, arguments: "List[str]") -> "Dict[str, str]":
    values = {
        "job_name": job.job_name,
        "job_backend": job.backend,
        "job_region": job.region,
        "job_instance_type": job.instance_type,
        "instance_count": job.instance_count,
        "output_uri": job.output_uri,
        "checkpoint_uri": job.checkpoint_uri,
        "distribution": job.distribution,
        "convention": job.convention,
        "entry_point": job.entry_point or job.command[0],
        "args": arguments,
        "base_dir": world.base_dir,
        "code_dir": world.code_dir,
        "config_dir": world.config_dir,
        "data_dir": world.data_dir,
        "model_dir": world.model_dir,
        "output_dir": os.path.join(world.output_dir, "data"),
        "intermediate_dir": os.path.join(world.output_dir, "intermediate"),
        "checkpoint_dir": world.checkpoint_dir,
        "channels": list(job.channels),
        "hps": job.hyperparameters,
        "hosts": world.hosts,
        "current_host": world.current_host,
        "num_cpus": world.num_cpus,
        "num_gpus": world.num_gpus,
    }
    environ = {"ANYFIT_" + name.upper(): _variable(value) for name, value in values.items()}
    environ.update({"ANYFIT_CHANNEL_" + _plain(name): world.channel_dir(name) for name in job.channels})
    environ.update({"ANYFIT_HP_" + _plain(key): _variable(value) for key, value in job.hyperparameters.items()})
    return environ


def _variable(value: "Any") -> str:
    """Text as it is, None empty, everything else as compact JSON with sorted keys."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def _sagemaker_variables(job: Job, world: World, arguments: "List[str]") -> "Dict[str, str]":
    properties = _sagemaker_properties(job, world)
    more = dict(properties)
    del more["channel_input_dirs"], more["additional_framework_parameters"], more["hyperparameters"]
    for name in ("job_name", "is_master", "master_hostname", "is_modelparallel_enabled"):
        del more[name]
    environ = {"SM_" + name.upper(): _variable(value) for name, value in more.items()}
    hyperparameters = properties["hyperparameters"]
    environ["SM_HPS"] = _variable(hyperparameters)
    environ["SM_FRAMEWORK_PARAMS"] = _variable(properties["additional_framework_parameters"])
    environ["SM_CHANNELS"] = _variable(sorted(job.channels))
    environ["SM_USER_ARGS"] = _variable(arguments)
    environ["SM_TRAINING_ENV"] = _variable(properties)
    for key, value in hyperparameters.items():
        environ["SM_HP_" + key.upper().replace("-", "_")] = _variable(value)
        environ["SM_HP_" + key.upper()] = _variable(value)
    for name in job.channels:
        environ["SM_CHANNEL_" + name.upper()] = world.channel_dir(name)
    environ.update(_sagemaker_driver_variables(job, world))
    return environ


def _sagemaker_properties(job: Job, world: World) -> "Dict[str, Any]":
    program = job.entry_point or job.command[0]
    group = {"hosts": world.hosts, "instance_group_name": INSTANCE_GROUP, "instance_type": job.instance_type}
    special = {key: value for key, value in job.hyperparameters.items() if _is_sagemaker_key(key)}
    return {
        "additional_framework_parameters": {key: special[key] for key in special if key not in TOOLKIT_KEYS},
        "channel_input_dirs": {name: world.channel_dir(name) for name in job.channels},
        "current_host": world.current_host,
        "current_instance_group": INSTANCE_GROUP,
        "current_instance_group_hosts": world.hosts,
        "current_instance_type": job.instance_type,
        "distribution_instance_groups": [],
        "framework_module": None,
        "hosts": world.hosts,
        "hyperparameters": _user_hyperparameters(job.hyperparameters),
        "input_config_dir": world.config_dir,
        "input_data_config": _input_data_config(job),
        "input_dir": world.input_dir,
        "instance_groups": [INSTANCE_GROUP],
        "instance_groups_dict": {INSTANCE_GROUP: group},
        "is_hetero": False,
        "is_master": world.node_rank == 0,
        "is_modelparallel_enabled": None,
        "job_name": job.job_name,
        "log_level": special.get("sagemaker_container_log_level", 20),
        "master_hostname": world.hosts[0],
        "model_dir": world.model_dir,
        "module_dir": job.code_uri or world.code_dir,
        "module_name": os.path.splitext(program)[0],
        "network_interface_name": world.network_interface,
        "num_cpus": world.num_cpus,
        "num_gpus": world.num_gpus,
        "num_neurons": 0,
        "output_data_dir": os.path.join(world.output_dir, "data"),
        "output_dir": world.output_dir,
        "output_intermediate_dir": os.path.join(world.output_dir, "intermediate"),
        "resource_config": _resource_config(job, world),
        "user_entry_point": program,
    }


def _sagemaker_driver_variables(job: Job, world: World) -> "Dict[str, str]":
    """What the driver of SageMaker's third SDK adds, and the names without SM_."""
    program = job.entry_point or job.command[0]
    return {
        "SM_INPUT_DATA_DIR": os.path.join(world.input_dir, "data"),
        "SM_OUTPUT_FAILURE": os.path.join(world.output_dir, "failure"),
        "SM_MASTER_ADDR": world.master_addr,
        "SM_MASTER_PORT": str(world.master_port),
        "SM_SOURCE_DIR": world.code_dir,
        "SM_ENTRY_SCRIPT": program,
        "SM_HOST_COUNT": str(len(world.hosts)),
        "SM_CURRENT_HOST_RANK": str(world.node_rank),
        "SM_DISTRIBUTED_DRIVER_DIR": _HERE,
        "SM_DISTRIBUTED_CONFIG": "{}",
        "SAGEMAKER_JOB_NAME": job.job_name,
        "TRAINING_JOB_NAME": job.job_name,
        "SAGEMAKER_REGION": job.region,
        "SAGEMAKER_BASE_DIR": world.base_dir,
        "SAGEMAKER_PROGRAM": program,
        "SAGEMAKER_SUBMIT_DIRECTORY": world.code_dir,
        "CURRENT_HOST": world.current_host,
    }


def _ti_variables(job: Job, world: World, arguments: "List[str]") -> "Dict[str, str]":
    hyperparameters = _ti_hyperparameters(job.hyperparameters)
    values: "Dict[str, Any]" = {
        "channels": list(job.channels),
        "hps": hyperparameters,
        "hosts": world.hosts,
        "current_host": world.current_host,
        "model_dir": world.model_dir,
        "output_data_dir": os.path.join(world.output_dir, "data"),
        "input_dir": world.input_dir,
        "input_config_dir": world.config_dir,
        "num_cpus": world.num_cpus,
        "num_gpus": world.num_gpus,
        "network_interface_name": world.network_interface,
        "user_entry_point": job.entry_point or job.command[0],
        "user_args": arguments,
        "log_level": job.hyperparameters.get("ti_container_log_level", 20),
    }
    values.update({"channel_" + name: world.channel_dir(name) for name in job.channels})
    values.update({"hp_" + key: value for key, value in hyperparameters.items()})
    environ = {
        "TM_" + name.upper(): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()
    }
    environ["QCLOUD_REGION"] = job.region
    return environ


def _modelarts_variables(job: Job, world: World) -> "Dict[str, str]":
    """Names that ModelArts scripts read, on request; ModelArts itself sets them, and its own values win."""
    if job.convention != "modelarts":
        return {}
    values = {
        "MA_JOB_DIR": os.path.dirname(world.code_dir),
        "MA_MOUNT_PATH": world.base_dir,
        "MA_NUM_GPUS": str(world.num_gpus),
        "MA_NUM_HOSTS": str(len(world.hosts)),
        "MA_TASK_NAME": "worker",
        "MA_CURRENT_INSTANCE_NAME": world.current_host,
        "VC_TASK_INDEX": str(world.node_rank),
        "VC_WORKER_NUM": str(len(world.hosts)),
        "VC_WORKER_HOSTS": ",".join(world.address(rank) for rank in range(len(world.hosts))),
    }
    return {name: os.environ.get(name, value) for name, value in values.items()}


def _rank_variables(world: World, local_rank: int, local_size: int) -> "Dict[str, str]":
    values = {
        "RANK": world.node_rank * local_size + local_rank,
        "WORLD_SIZE": len(world.hosts) * local_size,
        "LOCAL_RANK": local_rank,
        "LOCAL_WORLD_SIZE": local_size,
        "NODE_RANK": world.node_rank,
    }
    return dict(_named(values), MASTER_ADDR=world.master_addr, MASTER_PORT=str(world.master_port))


def _named(ranks: "Dict[str, int]") -> "Dict[str, str]":
    """Rank variables by their usual names and by ours."""
    environ = {name: str(value) for name, value in ranks.items()}
    environ.update({"ANYFIT_" + name: str(value) for name, value in ranks.items()})
    return environ


def _tf_config(world: World, role: str, with_servers: bool) -> str:
    """TF_CONFIG of one process. "chief" is the first worker's name, for TensorFlow 1 and 2 alike."""
    count = len(world.hosts)
    ports = range(world.master_port + 1, world.master_port + 1 + 2 * count)
    places = ["%s:%d" % (world.address(index % count), port) for index, port in enumerate(ports)]
    cluster = {"worker": places[:count]}
    index = world.node_rank
    if with_servers:
        cluster = {"chief": places[:1], "worker": places[1:count], "ps": places[count:]}
        if role == "worker":
            role, index = ("chief", 0) if index == 0 else ("worker", index - 1)
    cluster = {name: members for name, members in cluster.items() if members}
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}, "environment": "cloud"})


def _full_environment(job: Job, world: World) -> "Dict[str, str]":
    """What was there, the user's own on top, and above both what the launcher sets."""
    environ = dict(os.environ)
    environ.pop("ANYFIT_WORLD", None)  # a launcher inside the script must not take our world for its own
    environ.update(job.environment)
    environ.update(script_environment(job, world))
    paths = [world.code_dir] + [_python_path(path, world) for path in job.python_paths]
    entry = os.path.join(world.code_dir, job.entry_point)
    if job.entry_point and os.path.exists(os.path.join(entry, "setup.py")):
        paths += [path for path in (os.path.join(entry, "src"), entry) if os.path.isdir(path)]
    paths += [_HERE] + [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environ["PYTHONPATH"] = os.pathsep.join(paths)
    return environ


def _python_path(path: str, world: World) -> str:
    for base in (world.code_dir, world.base_dir):
        if os.path.isdir(os.path.join(base, path)):
            return os.path.normpath(os.path.join(base, path))
    message = "the Python path %s is neither in the code directory %s nor in %s"
    raise LaunchError(NO_INPUT, message % (path, world.code_dir, world.base_dir))


# ---------------------------------------------------------------------------------------------- commands


class Command:
    """One process to start; the job is over when every process with `decides` has ended."""

    def __init__(self, argv: "List[str]", environ: "Dict[str, str]", decides: bool = True) -> None:
        self.argv = argv
        self.environ = environ
        self.decides = decides


def script_argv(job: Job, world: World) -> "List[str]":
    """The command line of the script, arguments included."""
    return (_entry_argv(job.entry_point, world) if job.entry_point else job.command) + _script_arguments(job, world)


def _entry_argv(entry: str, world: World) -> "List[str]":
    if os.path.isabs(entry) or entry.startswith("-") or ".." in entry.replace("\\", "/").split("/"):
        raise LaunchError(NO_INPUT, "entry point %s: must be relative, without .. and without a leading -" % entry)
    path = os.path.join(world.code_dir, entry)
    if os.path.isdir(path):
        return _folder_argv(entry, path)
    if not os.path.exists(path):
        found = ", ".join(sorted(os.listdir(world.code_dir))[:12]) or "nothing"
        raise LaunchError(NO_INPUT, "entry point %s is not in %s, which holds %s" % (entry, world.code_dir, found))
    if entry.endswith(".py"):
        return [_python(), entry]
    if entry.endswith(".sh"):
        return [_which("bash", os.environ) or "/bin/sh", entry]
    if not os.access(path, os.X_OK):
        raise LaunchError(NO_INPUT, "entry point %s is neither *.py nor *.sh nor executable" % entry)
    return [os.path.join(".", entry)]


def _folder_argv(entry: str, path: str) -> "List[str]":
    if os.path.exists(os.path.join(path, "__main__.py")):
        return [_python(), entry]
    if os.path.exists(os.path.join(path, "setup.py")):
        return [_python(), "-m", os.path.basename(os.path.normpath(path)).replace("-", "_")]
    raise LaunchError(NO_INPUT, "entry point %s is a folder with neither __main__.py nor setup.py" % entry)


def _python() -> str:
    if not sys.executable:
        raise LaunchError(OS_ERROR, "this Python does not know its own path, so it cannot start the script")
    return sys.executable


def _which(name: str, environ: "Any") -> str:
    if os.sep in name:
        return name
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def commands(job: Job, world: World) -> "List[Command]":
    """The processes of this node."""
    argv = script_argv(job, world)
    environ = _full_environment(job, world)
    if world.by_platform:
        return [Command(argv, dict(environ, **_mpi_ranks(os.environ)))]
    if job.distribution == "torch":
        size = max(1, world.num_gpus)
        return [Command(argv, dict(environ, **_rank_variables(world, rank, size))) for rank in range(size)]
    if job.distribution == "parameter-server":
        roles = [("ps", False), ("worker", True)]
        return [Command(argv, dict(environ, TF_CONFIG=_tf_config(world, role, True)), done) for role, done in roles]
    if job.distribution == "mpi":
        return [Command(_mpirun_argv(job, world, argv, environ), environ)]
    return [Command(argv, environ)]


def install_commands(job: Job, world: World) -> "List[List[str]]":
    """What pip has to do first."""
    if not job.install_requirements:
        return []
    pip = [_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    found: "List[List[str]]" = []
    for name in ("requirements.txt", "pip-requirements.txt"):
        if not found and os.path.exists(os.path.join(world.code_dir, name)):
            found.append([*pip, "-r", name])
    if job.entry_point and os.path.exists(os.path.join(world.code_dir, job.entry_point, "setup.py")):
        found.append([*pip, os.path.join(".", job.entry_point)])
    return found


def _pip_lock(world: World) -> "Any":
    """Held while open: several launchers of one node would install the same packages at the same time."""
    import fcntl

    file = open(os.path.join(world.config_dir, ".pip"), "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


# ---------------------------------------------------------------------------------------------- processes


def supervise(todo: "List[Command]", limit: int = 0) -> int:
    """Run processes to their end, passing signals on; the wait status of the first failure, else 0.

    After `limit` seconds, if not 0, they are told to end, and the status is that of the exit code OVERRUN.
    """
    import signal

    watched = _watched()
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # ignored, it would never wake us
    # They stay blocked afterwards: what the script leaves is saved in peace.
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    alive = _start_all(todo)
    outcome, stopping, ending = 0, False, False
    signal.alarm(limit)
    while alive:
        number = signal.sigwait(watched)
        if number == signal.SIGALRM and not ending:
            _say("max_run is over: the script has run for %d s and is told to end" % limit)
            outcome, ending = OVERRUN << 8, True
            _send(alive, signal.SIGTERM)
            signal.alarm(_grace_seconds())
        elif number == signal.SIGALRM:
            _send(alive, signal.SIGKILL)
        elif number != signal.SIGCHLD:
            stopping = stopping or number in (signal.SIGTERM, signal.SIGINT)
            _send(alive, number)
        ended = _reap(alive)
        over = not any(command.decides for command in alive.values())
        for decides, status in ended:
            if decides or not (over or ending or stopping):
                outcome = outcome or status
        # Who was asked to stop may be saving a checkpoint: its neighbour's end must not cut that short.
        if alive and not ending and (over or (outcome and not stopping)):
            ending = True
            _send(alive, signal.SIGTERM)
            signal.alarm(_grace_seconds())
    signal.alarm(0)
    return outcome


def _watched() -> "List[int]":
    import signal

    passed_on = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP]
    return [*passed_on, signal.SIGCHLD, signal.SIGALRM]


def _grace_seconds() -> int:
    text = os.environ.get("ANYFIT_GRACE_SECONDS", "")
    return int(text) if text.isdigit() and int(text) else 10


def _start_all(todo: "List[Command]") -> "Dict[int, Command]":
    alive: "Dict[int, Command]" = {}
    try:
        for command in todo:
            alive[_start(command)] = command
    except LaunchError:
        _send(alive, 9)
        raise
    return alive


def _send(alive: "Dict[int, Command]", number: int) -> None:
    for pid in alive:
        os.kill(pid, number)  # not yet waited for, so the number is still its own


def _reap(alive: "Dict[int, Command]") -> "List[Tuple[bool, int]]":
    """Collect the dead, strangers' children included: in a container we may be process 1."""
    ended: "List[Tuple[bool, int]]" = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        if pid in alive:
            ended.append((alive.pop(pid).decides, status))


def _start(command: Command) -> int:
    path = _which(command.argv[0], command.environ)
    if not path:
        raise LaunchError(OS_ERROR, "%s cannot be started: no such program on PATH" % command.argv[0])
    argv, environ = _encoded(command)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(path, argv, environ, writer)
    os.close(writer)
    fault = os.read(reader, 16)  # empty once the program runs, the error number if it could not
    os.close(reader)
    if fault:
        os.waitpid(pid, 0)
        raise LaunchError(OS_ERROR, _start_fault(command.argv[0], int(fault)))
    return pid


def _start_fault(program: str, number: int) -> str:
    import errno

    hint = ""
    if number == errno.E2BIG:
        hint = "; the hyperparameters or arguments are too large, put them into a channel"
    return "%s cannot be started: %s%s" % (program, os.strerror(number), hint)


def _encoded(command: Command) -> "Tuple[List[bytes], Dict[bytes, bytes]]":
    """As UTF-8 whatever the locale: Python 3.6 in a bare container would refuse what is not ASCII."""
    try:
        argv = [_bytes(item) for item in command.argv]
        return argv, {_bytes(key): _bytes(value) for key, value in command.environ.items()}
    except ValueError as fault:
        raise LaunchError(USAGE, "an argument or variable cannot be passed to a process: %s" % fault) from None


def _bytes(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("NUL in %r" % text)
    return text.encode("utf-8", "surrogateescape")


def _become(path: str, argv: "List[bytes]", environ: "Dict[bytes, bytes]", writer: int) -> "NoReturn":
    import signal

    try:
        for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ"):  # Python ignores these, programs count on them
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _watched())
        os.execve(path, argv, environ)  # noqa: S606
    except OSError as fault:
        os.write(writer, b"%d" % (fault.errno or 1))
    finally:
        os._exit(127)


# ---------------------------------------------------------------------------------------------- MPI


def _mpirun_argv(job: Job, world: World, argv: "List[str]", environ: "Dict[str, str]") -> "List[str]":
    """Open MPI's command line; each of its processes comes back to us for its rank (`mpi_process`)."""
    mpirun = _which("mpirun", environ)
    if not mpirun:
        message = "distribution mpi needs mpirun; install Open MPI in the image (apt-get install openmpi-bin)"
        raise LaunchError(NO_MPIRUN, message)
    slots = max(1, world.num_gpus)
    total = slots * len(world.hosts)
    places = ["%s:%d" % (host, slots) for host in world.hosts]
    if world.on_one_machine:
        places = ["localhost:%d" % total]
    options = ["--allow-run-as-root", "-np", str(total), "--host", ",".join(places), "--bind-to", "none"]
    names = set(script_environment(job, world)) | set(job.environment) | {"PYTHONPATH", "PATH", "LD_LIBRARY_PATH"}
    for name in [*sorted(names & set(environ)), MPI_NODES]:
        options += ["-x", name]
    launcher = os.path.join(_HERE, os.path.basename(__file__))
    return [mpirun, *options, _python(), "-I", "-S", launcher, "--mpi-process", *argv]


def mpi_process(argv: "List[str]") -> "NoReturn":
    """Become a process of the MPI job, in the world of its node, with the rank variables of this process.

    Nodes that are processes of one machine are one host to Open MPI, which fills each node's slots before the next's.
    """
    environ = dict(os.environ)
    notes: "List[str]" = json.loads(environ.pop(MPI_NODES, "[]"))
    environ.update(_mpi_ranks(environ))
    if notes and "RANK" in environ:
        slots = max(1, int(environ["WORLD_SIZE"]) // len(notes))
        node, local = divmod(int(environ["RANK"]), slots)
        environ.update(_enter_node(notes[min(node, len(notes) - 1)]))
        environ.update(_named({"LOCAL_RANK": local, "LOCAL_WORLD_SIZE": slots, "NODE_RANK": node}))
    command = Command(argv, environ)
    path = _which(argv[0], environ)
    try:
        os.execve(path, *_encoded(command))  # noqa: S606
    except OSError as fault:
        raise LaunchError(OS_ERROR, "%s cannot be started: %s" % (argv[0], fault.strerror)) from None


def _leave_note(job: Job, world: World) -> str:
    """What the processes of this node have to know that mpirun, started on the first one, cannot tell them."""
    environ = script_environment(job, world)
    for name in _rank_variables(world, 0, 1):
        if not name.startswith("MASTER_"):
            del environ[name]
    environ["PYTHONPATH"] = _full_environment(job, world)["PYTHONPATH"]
    _write_json(world, "mpi.json", {"folder": world.code_dir, "environ": environ})
    return os.path.join(world.config_dir, "mpi.json")


def _enter_node(path: str) -> "Dict[str, str]":
    try:
        with open(path, encoding="utf-8") as file:
            note = json.load(file)
        os.chdir(note["folder"])
    except OSError as fault:
        raise LaunchError(HOST_LOST, "mpirun started this process on another host: %s" % fault) from None
    return dict(note["environ"])


def _mpi_ranks(environ: "Any") -> "Dict[str, str]":
    """The rank variables of a process that Open MPI has started; none where it has not."""
    ranks: "Dict[str, str]" = {}
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        _, _, short = name.rpartition("WORLD_")
        native = "OMPI_COMM_WORLD_" + ("LOCAL_" + short if name == "LOCAL_WORLD_SIZE" else short)
        if native in environ:
            ranks[name] = ranks["ANYFIT_" + name] = environ[native]
    return ranks


class _MpiHost:
    """The first host's side: wait until the others are up, and at the end tell them how it went."""

    def __init__(self, world: World, note: str) -> None:
        self.peers: "List[Any]" = []
        self._notes = {world.hosts[0]: note}
        missing = set(world.hosts[1:])
        if missing:
            self._gather(world, missing)
        self.notes = [self._notes[host] for host in world.hosts]

    def _gather(self, world: World, missing: "Set[str]") -> None:
        import socket

        address = (world.master_addr if world.on_one_machine else "", world.master_port + 1)
        server = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            server.listen(len(missing))
            server.settimeout(MPI_WAIT_SECONDS)
            while missing:
                peer, _ = server.accept()
                name, note = _greet(peer)
                if name in missing:
                    missing.remove(name)
                    self._notes[name] = note
                    self.peers.append(peer)
        except OSError as fault:
            names = ", ".join(sorted(missing))
            raise LaunchError(HOST_LOST, "these hosts did not come: %s (%s)" % (names, fault)) from None
        finally:
            server.close()

    def tell(self, status: int) -> None:
        """The end of mpirun, to every host."""
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        for peer in self.peers:
            try:
                peer.sendall(b"%d\n" % code)
                peer.close()
            except OSError:
                pass  # a host that is gone needs no word


def _greet(peer: "Any") -> "Tuple[str, str]":
    """Say who we are, hear who it is and where its note lies; anything else that found this port is no host."""
    try:
        peer.settimeout(10)
        peer.sendall(MPI_GREETING)
        with peer.makefile("rb") as words:
            name, note = json.loads(words.readline(1 << 16).decode("utf-8"))
        return str(name), str(note)
    except (OSError, ValueError, TypeError):
        return "", ""


def wait_for_first_host(world: World, note: str) -> int:
    """Every other host's part in MPI: say that it is up, wait for the end; the wait status."""
    link = _reach_first_host(world)
    link.settimeout(None)
    try:
        link.sendall(json.dumps([world.current_host, note]).encode("utf-8") + b"\n")
        answer = link.recv(16)
    except OSError:
        answer = b""
    link.close()
    if not answer:
        raise LaunchError(HOST_LOST, "the first host %s ended without a word" % world.hosts[0])
    return int(answer) << 8


def _reach_first_host(world: World) -> "Any":
    import socket
    import time

    limit = time.time() + MPI_WAIT_SECONDS
    while True:
        fault = "something else answers there"
        try:
            link = socket.create_connection((world.master_addr, world.master_port + 1), 10)
            if link.recv(len(MPI_GREETING)) == MPI_GREETING:
                return link
            link.close()
        except OSError as error:
            fault = str(error)
        if time.time() > limit:
            message = "the first host %s cannot be reached: %s" % (world.hosts[0], fault)
            raise LaunchError(HOST_LOST, message)
        time.sleep(0.1)


# ---------------------------------------------------------------------------------------------- the whole


def launch(path: str) -> int:
    """Run the job of a job file; the wait status of the script."""
    job = read_job(path)
    world, platform = find_world(job, _HERE)
    prepare(job, world)
    try:
        unpack_code(job, world)
        status = _run(job, world, platform)
        _write_outcome(job, world, status)
        _hook(platform, "save", SAVE_FAILED, "the results cannot be saved", status, job, world)
    except LaunchError as fault:
        _note(world, "failure", "anyfit: %s\n" % fault)
        _finished(platform, fault.code)
        raise
    _finished(platform, -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    return status


def _run(job: Job, world: World, platform: "Any") -> int:
    _hook(platform, "fetch", FETCH_FAILED, "a channel cannot be fetched", 0, job, world)
    os.chdir(world.code_dir)
    todo = commands(job, world)
    for argv in install_commands(job, world):
        with _pip_lock(world):
            status = supervise([Command(argv, _full_environment(job, world))])
        if os.WIFSIGNALED(status):
            return status  # somebody stopped the job while pip ran
        if status:
            end = describe(status, "pip")
            raise LaunchError(UNAVAILABLE, "the requirements cannot be installed: %s (its words are above)" % end)
    if job.distribution == "mpi" and not world.by_platform:
        return _run_mpi(job, world, todo[0])
    return supervise(todo, job.max_run)


def _run_mpi(job: Job, world: World, mpirun: Command) -> int:
    note = _leave_note(job, world)
    if world.node_rank:
        return wait_for_first_host(world, note)
    first = _MpiHost(world, note)
    mpirun.environ[MPI_NODES] = json.dumps(first.notes)
    status = supervise([mpirun], job.max_run)
    first.tell(status)
    return status


def _hook(platform: "Any", name: str, code: int, message: str, status: int, *arguments: "Any") -> None:
    """Call a hook of the platform module; its fault must not hide that the script itself had failed."""
    hook = getattr(platform, name, None)
    if not hook:
        return
    try:
        _guarded(code, message, hook, *arguments)
    except LaunchError as fault:
        if not status:
            raise
        _say(str(fault))


def _finished(platform: "Any", code: int) -> None:
    try:
        _hook(platform, "finished", SOFTWARE, "the platform module failed", 0, code)
    except LaunchError as fault:
        _say(str(fault))


def describe(status: int, who: str = "the script") -> str:
    """How a process ended, in words."""
    if not os.WIFSIGNALED(status):
        return "%s ended with exit code %d" % (who, os.WEXITSTATUS(status))
    import signal

    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "signal %d" % number
    return "%s was ended by %s%s" % (who, name, " (often: out of memory)" if name == "SIGKILL" else "")


def _write_outcome(job: Job, world: World, status: int) -> None:
    if status == 0:
        _note(world, "success", "success")
        return
    code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    text = 'ExecuteUserScriptError:\nExitCode %d\nErrorMessage "%s"\nCommand "%s"\n'
    _note(world, "failure", text % (code, describe(status), " ".join(script_argv(job, world))))


def _note(world: World, name: str, text: str) -> None:
    """Leave output/failure or output/success, and never both."""
    other = os.path.join(world.output_dir, "success" if name == "failure" else "failure")
    try:
        if os.path.lexists(other):
            os.unlink(other)
        with open(os.path.join(world.output_dir, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as fault:
        _say("output/%s cannot be written: %s" % (name, fault.strerror))


def _say(text: str) -> None:
    line = "anyfit: %s\n" % " ".join(text.split("\n"))
    os.write(2, line.encode("utf-8", "backslashreplace"))


def _end_by_signal(number: int) -> "NoReturn":
    import resource
    import signal

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the script has left its core already
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os._exit(128 + number)  # only process 1 of a container survives its own signal


def main(argv: "Optional[List[str]]" = None) -> int:
    """Run as a program; returns the exit code, or dies by the signal that ended the script."""
    import signal

    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C needs no traceback of ours
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments[:1] == ["--mpi-process"]:
            mpi_process(arguments[1:])
        if os.path.exists(os.path.join(_HERE, "anyfit_platform.py")):
            arguments = []  # the platform's own, such as hyperparameters, which the job file says better
        if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
            raise LaunchError(USAGE, "usage: anyfit_launch.py [JOB_JSON]")
        status = launch(arguments[0] if arguments else os.path.join(_HERE, "anyfit_job.json"))
    except LaunchError as fault:
        _say(str(fault))
        return fault.code
    if os.WIFSIGNALED(status):
        _end_by_signal(os.WTERMSIG(status))
    return os.WEXITSTATUS(status)


# ---------------------------------------------------------------------------------------------- for scripts


class Context:
    """What the launcher told this process, typed; made by `context()`."""

    def __init__(self, environ: "Any") -> None:
        if "ANYFIT_JOB_NAME" not in environ:
            raise LookupError("this process was not started by anyfit: ANYFIT_JOB_NAME is not set")
        self.job_name = self._text(environ, "JOB_NAME")
        self.backend = self._text(environ, "JOB_BACKEND")
        self.region = self._text(environ, "JOB_REGION")
        self.instance_type = self._text(environ, "JOB_INSTANCE_TYPE")
        self.instance_count = int(self._text(environ, "INSTANCE_COUNT"))
        self.distribution = self._text(environ, "DISTRIBUTION")
        self.output_uri = self._text(environ, "OUTPUT_URI")
        self.checkpoint_uri = self._text(environ, "CHECKPOINT_URI")
        self.entry_point = self._text(environ, "ENTRY_POINT")
        self.arguments: "List[str]" = json.loads(environ["ANYFIT_ARGS"])
        self.code_dir = self._text(environ, "CODE_DIR")
        self.data_dir = self._text(environ, "DATA_DIR")
        self.model_dir = self._text(environ, "MODEL_DIR")
        self.output_dir = self._text(environ, "OUTPUT_DIR")
        self.intermediate_dir = self._text(environ, "INTERMEDIATE_DIR")
        self.checkpoint_dir = self._text(environ, "CHECKPOINT_DIR")
        self.hyperparameters: "Dict[str, Any]" = json.loads(environ["ANYFIT_HPS"])
        names: "List[str]" = json.loads(environ["ANYFIT_CHANNELS"])
        self.channels = {name: self._text(environ, "CHANNEL_" + _plain(name)) for name in names}
        self.hosts: "List[str]" = json.loads(environ["ANYFIT_HOSTS"])
        self.current_host = self._text(environ, "CURRENT_HOST")
        self.num_cpus = int(self._text(environ, "NUM_CPUS"))
        self.num_gpus = int(self._text(environ, "NUM_GPUS"))
        self.rank = int(self._text(environ, "RANK"))
        self.world_size = int(self._text(environ, "WORLD_SIZE"))
        self.local_rank = int(self._text(environ, "LOCAL_RANK"))
        self.local_world_size = int(self._text(environ, "LOCAL_WORLD_SIZE"))
        self.node_rank = int(self._text(environ, "NODE_RANK"))
        self.master_addr = str(environ["MASTER_ADDR"])
        self.master_port = int(environ["MASTER_PORT"])

    @staticmethod
    def _text(environ: "Any", name: str) -> str:
        return str(environ["ANYFIT_" + name])

    @property
    def is_master(self) -> bool:
        """Whether this process is the first of all."""
        return self.rank == 0

    def channel(self, name: str) -> str:
        """The directory of a channel; an unknown name is a KeyError that says which there are."""
        if name not in self.channels:
            there = ", ".join(self.channels) or "none"
            raise KeyError("no channel %s; this job's channels: %s" % (name, there))
        return self.channels[name]


_context: "Optional[Context]" = None


def context() -> Context:
    """What the launcher told this process; a LookupError when it was not started by anyfit."""
    global _context
    if _context is None:
        _context = Context(os.environ)
    return _context


def _leave(code: int) -> "NoReturn":
    if "anyfit_platform" in sys.modules:
        sys.exit(code)
    os._exit(code)  # nothing of ours is open, and tearing the interpreter down takes longer than the rest


if __name__ == "__main__":
    _leave(main())
