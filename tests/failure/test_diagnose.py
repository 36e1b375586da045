"""From states and last lines to kinds, causes and commands, where no script is needed to bring them about."""

from __future__ import annotations

import json
import string
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from anyfit.backend import Cause, JobState, Status
from anyfit.errors import JobFailed
from anyfit.failure import FailureKind, FailureReport, Language, diagnose
from anyfit.failure.causes import CAUSES
from anyfit.failure.commands import COMMANDS
from anyfit.failure.labels import KINDS, LABELS
from anyfit.failure.rules import Rule
from anyfit.failure.rules_exceptions import EXCEPTIONS
from anyfit.failure.rules_log import LAST_RESORT, LINES
from anyfit.failure.rules_outside import OUTSIDE
from anyfit.spec import Channel, Code, JobSpec

SPEC = JobSpec(
    name="mnist",
    entry_point="train.py",
    code=Code(digest="", archive="", size=0, files=1, source="src"),
    hyperparameters={"epochs": 3, "token": "s3cret"},
    environment={"API_KEY": "s3cret"},
    inputs={"train": Channel(uri="obs://bucket/digits")},
    instance_type="cpu:4",
    max_run=3600,
    max_wait=600,
)
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


def report_on(
    *tail: str,
    code: int | None = None,
    signal: int | None = None,
    cause: Cause = Cause.NONE,
    reason: str = "",
    hours: float | None = 0,
    spec: JobSpec | None = SPEC,
    language: Language = "en",
) -> FailureReport:
    """Diagnose a job that ended so, after running for some hours (None: it never ran)."""
    state = JobState(
        status=Status.FAILED,
        cause=cause,
        reason=reason,
        exit_code=code,
        signal=signal,
        started_at=None if hours is None else NOW,
        ended_at=None if hours is None else NOW + timedelta(hours=hours),
    )
    lines = [line for text in tail for line in text.split("\n")]
    return diagnose(job="mnist", state=state, tail=lines, log="/logs/mnist", spec=spec, language=language)


def raising(exception: str, source: str = "train()", file: str = "train.py") -> str:
    """A traceback that ends so."""
    return f'Traceback (most recent call last):\n  File "{file}", line 7, in <module>\n    {source}\n{exception}'


@pytest.mark.parametrize(
    ("cause", "kind", "next_command"),
    [
        (Cause.TIMEOUT, "timeout", "anyfit rerun mnist --set max_run=7200"),
        (Cause.OUT_OF_MEMORY, "out-of-memory", "anyfit specs"),
        (Cause.KILLED, "killed", "anyfit logs mnist"),
        (Cause.LOST, "lost", "anyfit fit job.toml"),
        (Cause.REBOOT, "reboot", "anyfit fit job.toml"),
        (Cause.OUTPUT, "output", "anyfit status mnist --plan"),
        (Cause.INPUT, "input", "anyfit status mnist --plan"),
        (Cause.START, "start", "anyfit doctor"),
    ],
)
def test_what_the_platform_knows_wins(cause: Cause, kind: str, next_command: str) -> None:
    """Neither a signal nor a traceback overrules it, and its own words are passed on."""
    report = report_on(raising("ValueError: bad"), code=None, signal=9, cause=cause, reason="it says so")

    assert report.kind == kind
    assert report.cause.endswith("The platform says: it says so")
    assert report.next_command == next_command


def test_an_input_that_could_not_be_fetched_is_named_by_the_next_command() -> None:
    """The channel is in the platform's own words; what is no channel is not named."""
    told = "inputs.train-1.x could not be fetched: there is no s3://b/train/"

    assert report_on(cause=Cause.INPUT, reason=told).next_command == "anyfit rerun mnist --set inputs.train-1.x=URI"
    assert "--plan" in report_on(cause=Cause.INPUT, reason="checkpoint_path could not be fetched").next_command
    assert report_on(cause=Cause.INPUT, reason=told, language="zh").kind == "input"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/opt/ml/input/data/train/a.csv", "not in the input channel 'train', which holds what lies at obs://b/train"),
        ("/home/ma-user/modelarts/inputs/train_0/a.csv", "not in the input channel 'train'"),
        ("/home/ma-user/modelarts/inputs/data_url_0/a.csv", "not in the input channel 'training', which holds"),
        ("/tmp/e/home/ma-user/modelarts/inputs/data_url_0", "not in the input channel 'training'"),
        ("/cache/anyfit/digits.v2/node-0/data/training/a.csv", "not in the input channel 'training'"),
        ("/cache/anyfit/digits/node-11/data/val/a.csv", "belongs to an input channel 'val', which the job does not"),
        ("/opt/ai/input/train/a.csv", "not in the input channel 'train'"),
        ("/opt/ai/input/other/a.csv", "under none of its input channels: train, training"),
        ("/scratch/inputs/fold_0/a.csv", "under none of its input channels: train, training"),
        ("inputs/train_0/a.csv", "relative to where the script runs"),
        ("/home/ma-user/modelarts/user-job-dir/a.csv", "under none of its input channels"),
        ("/home/work/a.csv", "under none of its input channels"),
        ("/home/trainer/a.csv", "under none of its input channels"),
        ("/home/me/a.csv", "somebody's own machine"),
        ("C:/data/a.csv", "somebody's own machine"),
    ],
)
def test_whose_place_a_missing_path_is(path: str, says: str) -> None:
    """Channels are known wherever a platform has them, and the home that the job ran in is nobody else's machine."""
    inputs = {name: Channel(uri=f"obs://b/{name}") for name in ("train", "training")}
    error = raising(f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'", file="/home/trainer/x.py")
    report = report_on(error, code=1, spec=evolve(SPEC, inputs=inputs))

    assert report.kind == "missing-data"
    assert says in report.cause


def test_no_exit_code_is_no_signal() -> None:
    """-1 is what platforms say of a script that never ran."""
    report = report_on("", code=-1, reason="the machine is broken")

    assert (report.kind, report.exit_code, report.signal) == ("unknown", None, "")
    assert report.cause.endswith("The platform says: the machine is broken")


@pytest.mark.parametrize(
    ("language", "end"),
    [
        ("en", "The last line of the log is: no data left. The platform says: worker-0 exited with code 3"),
        ("zh", "日志的最后一行是：no data left。平台的说明：worker-0 exited with code 3"),
    ],
)
def test_the_last_line_is_the_script_s(language: Language, end: str) -> None:
    """What the platform adds to the log is no word of the script's, and one sentence ends before the next begins."""
    epilogue = ("[Modelarts Service Log]Training end with return code: 3", "[ModelArts Service Log]modelarts-pipe: x")
    report = report_on("no data left", *epilogue, code=3, reason="worker-0 exited with code 3", language=language)

    assert report.cause.endswith(end)
    assert "last line" not in report_on(*epilogue, code=3).cause
    assert "modelarts-pipe: x." in report_on(*epilogue).cause
    assert "not be saved." in report_on("done", "[Service Log]the output could not be saved", code=0).cause


def test_waiting_too_long_is_a_timeout_of_its_own() -> None:
    """A job that never started did not run too long."""
    report = report_on(cause=Cause.TIMEOUT, hours=None)

    assert report.kind == "timeout"
    assert "max_wait" in report.cause
    assert report.next_command == "anyfit specs"


def test_a_platform_that_kills_at_the_limit_without_saying_so() -> None:
    """A signal after exactly max_run is the time limit's."""
    assert report_on(signal=15, hours=1).kind == "timeout"
    assert report_on(signal=15, hours=0.9).kind == "killed"


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        (137, "SIGKILL", "out-of-memory"),
        (139, "SIGSEGV", "segfault"),
        (134, "SIGABRT", "aborted"),
        (143, "SIGTERM", "killed"),
        (130, "SIGINT", "killed"),
        (-11, "SIGSEGV", "segfault"),
        (255, "", "exit-code"),
        (200, "", "exit-code"),
    ],
)
def test_codes_that_stand_for_signals(code: int, name: str, kind: str) -> None:
    """Shells say 128+n and Python says -n; what is no signal stays a code."""
    report = report_on(code=code)

    assert (report.signal, report.kind, report.exit_code) == (name, kind, code)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (64, "the job file is not JSON", "start"),
        (66, "there is no train.py", "entry-point-missing"),
        (69, "pip could not install numpy==0", "requirements"),
        (71, "cannot start", "start"),
        (72, "mpirun is not installed", "program-missing"),
        (73, "/opt/ml: Permission denied", "permission"),
        (73, "/opt/ml: No space left on device", "disk-full"),
        (73, "/opt/ml is a file", "start"),
        (74, "channel train could not be fetched", "missing-data"),
        (75, "the model could not be saved", "output"),
        (76, "host algo-2 did not come", "network"),
        (78, "no hosts", "start"),
    ],
)
def test_the_launchers_own_faults(code: int, message: str, kind: str) -> None:
    """Its line is the cause; a script that happens to use the same code is no fault of the launcher."""
    report = report_on("pip says much", f"anyfit: {message}", code=code)

    assert report.kind == kind
    assert message in report.cause
    assert report_on("bye", code=code).kind == "exit-code"


def test_the_launchers_limit() -> None:
    """A script that the launcher told to end has run too long, with what to type for more time."""
    report = report_on("anyfit: max_run is over: the script has run for 60 s and is told to end", code=77)

    assert report.kind == "timeout"
    assert "max_run" in report.cause
    assert report_on("bye", code=77).kind == "exit-code"


@pytest.mark.parametrize(
    ("exception", "kind", "says"),
    [
        ("ModuleNotFoundError: No module named 'sklearn'", "import-error", "'scikit-learn'"),
        ("ModuleNotFoundError: No module named 'a.b'; 'a' is not a package", "import-error", "a.py"),
        (
            "ImportError: cannot import name 'x' from partially initialized module 'm' (m.py)",
            "import-error",
            "circular",
        ),
        ("ImportError: a.so: undefined symbol: _ZN3", "import-error", "undefined symbol"),
        ("ImportError: libcuda.so.1: cannot open shared object file: x", "gpu-missing", "driver"),
        ("AssertionError: Torch not compiled with CUDA enabled", "gpu-missing", "cpu:4"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried 2 GiB", "out-of-memory", "GPU"),
        (
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.28 TiB for an array",
            "out-of-memory",
            "(7.28 TiB)",
        ),
        ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.", "out-of-memory", "SIGKILL"),
        ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Bus error.", "out-of-memory", "/dev/shm"),
        ("RuntimeError: CUDA error: device-side assert triggered", "exception", "index"),
        ("OSError: [Errno 28] No space left on device: '/out/m.pt'", "disk-full", "(/out/m.pt)"),
        ("sqlite3.OperationalError: database or disk is full", "disk-full", "room"),
        ("OSError: [Errno 122] Disk quota exceeded", "disk-full", "quota"),
        ("OSError: [Errno 30] Read-only file system: '/data/x'", "permission", "read-only"),
        ("PermissionError: [Errno 13] Permission denied: '/root/x'", "permission", "/root/x"),
        ("KeyError: 'SM_HP_LR'", "missing-variable", "hyperparameter 'lr'"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/home/me/a.csv'", "missing-data", "own machine"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/val/a'", "missing-data", "'val'"),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/train/a'",
            "missing-data",
            "obs://bucket/digits",
        ),
        (
            "FileNotFoundError: Couldn't find any class folder in /opt/ml/input/data/train.",
            "missing-data",
            "class folder",
        ),
        (
            "ValueError: num_samples should be a positive integer value, but got num_samples=0",
            "missing-data",
            "num_samples=0",
        ),
        ("socket.gaierror: [Errno -2] Name or service not known", "network", "internet"),
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x')", "network", "HTTPSConnectionPool"),
        ("urllib.error.HTTPError: HTTP Error 404: Not Found", "network", "404"),
        ("torch.distributed.DistBackendError: NCCL error in: x.cpp", "network", "nodes"),
        ("TimeoutError: [Errno 110] Connection timed out", "network", "timed out"),
        ("UnicodeEncodeError: 'ascii' codec can't encode characters", "encoding", "PYTHONUTF8"),
        ("__main__.train.<locals>.Diverged", "exception", "Diverged"),
    ],
)
def test_what_an_exception_means(exception: str, kind: str, says: str) -> None:
    """Class and message give the kind and a precise cause."""
    report = report_on("epoch 1", raising(exception), code=1)

    assert report.kind == kind, str(report)
    assert says in report.cause
    assert "?" not in report.cause


@pytest.mark.parametrize(
    ("name", "source", "file", "kind", "says"),
    [
        ("lr", "lr = hyperparameters['lr']", "train.py", "missing-variable", "passed: epochs"),
        ("HOME", "raise KeyError(key) from None", "/lib/os.py", "missing-variable", "HOME"),
        ("loss", "print(row['loss'])", "train.py", "exception", "KeyError: 'loss'"),
    ],
)
def test_what_a_missing_key_was_for(name: str, source: str, file: str, kind: str, says: str) -> None:
    """The line of code tells variables, hyperparameters and other keys apart."""
    report = report_on(raising(f"KeyError: '{name}'", source, file), code=1)

    assert report.kind == kind, str(report)
    assert says in report.cause


@pytest.mark.parametrize(
    ("tail", "code", "kind", "says"),
    [
        ("usage: x\ntrain.py: error: argument command: invalid choice: 'a'", 2, "bad-argument", "invalid choice"),
        ("Usage: train.py\n\nError: No such option: --lr", 2, "bad-argument", "--lr"),
        ("Error: Missing option '--data'.", 2, "bad-argument", "--data"),
        (
            "python: can't open file 'train.py': [Errno 2] No such file or directory",
            2,
            "entry-point-missing",
            "train.py",
        ),
        ("/usr/bin/python3: No module named yaml.x", 1, "import-error", "PyYAML"),
        ("./run.sh: line 2: nvcc: command not found", 127, "program-missing", "nvcc"),
        ("sh: 1: ./run.sh: Permission denied", 126, "permission", "./run.sh"),
        ("tar: m.tar: Cannot write: No space left on device", 2, "disk-full", "room"),
        ("run.sh: line 3:    41 Killed                  python train.py", 1, "out-of-memory", "SIGKILL"),
        ("  exitcode  : -11 (pid: 77)", 1, "segfault", "SIGSEGV"),
        ("", 0, "unknown", "code 0"),
        ("", None, "unknown", "Neither"),
    ],
)
def test_what_the_last_lines_mean(tail: str, code: int | None, kind: str, says: str) -> None:
    """Where no exception tells, the last lines do."""
    report = report_on("epoch 1", tail, code=code)

    assert report.kind == kind, str(report)
    assert says in report.cause
    assert "?" not in report.cause


@pytest.mark.parametrize(
    ("said", "signal", "kind"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", 6, "out-of-memory"),
        ("ERROR: Unexpected bus error in worker, insufficient shared memory (shm).", 7, "out-of-memory"),
        ("", 7, "segfault"),
        ("", 4, "aborted"),
        ("", 8, "aborted"),
        ("", 24, "timeout"),
        ("", 25, "disk-full"),
        ("", 10, "killed"),
    ],
)
def test_signals_with_a_reason(said: str, signal: int, kind: str) -> None:
    """A crash for want of memory is not merely a crash."""
    assert report_on(said, signal=signal).kind == kind


def test_an_old_traceback_does_not_explain_a_later_end() -> None:
    """A script that caught an exception and went on for long did not end of it."""
    old = raising("ValueError: skipped a sample")
    epochs = [f"epoch {n}" for n in range(500)]

    assert report_on(old, *epochs, code=3).traceback == ""
    assert report_on(old, *epochs, signal=11).traceback == ""
    assert report_on(old, "giving up", code=3).kind == "exception"
    assert report_on(old, *epochs, code=1).kind == "exception"


def test_an_exception_raised_again_is_placed_where_it_began() -> None:
    """Pools raise a worker's exception again in the parent; the line in the worker is the one to mend."""
    chain = "The above exception was the direct cause of the following exception:"
    tail = f"{raising('ValueError: bad', file='worker.py')}\n\n{chain}\n\n{raising('ValueError: bad')}"

    assert "worker.py" in report_on(tail, code=1).cause


@pytest.mark.parametrize(
    ("exception", "command"),
    [
        ("ModuleNotFoundError: No module named 'cv2'", "echo opencv-python-headless >> src/requirements.txt"),
        ("ModuleNotFoundError: No module named 'rich'", "echo rich >> src/requirements.txt"),
        ("KeyError: 'SM_CHANNEL_VAL'", "anyfit rerun mnist --set inputs.val=URI"),
        ("KeyError: 'SM_HP_LR'", "anyfit rerun mnist --set hyperparameters.lr=VALUE"),
        ("OSError: [Errno 28] No space left on device", "anyfit rerun mnist --set volume_size=100"),
        ("MemoryError", "anyfit specs"),
        ("ValueError: bad", "anyfit logs mnist"),
    ],
)
def test_the_next_command_fits_the_cause(exception: str, command: str) -> None:
    """It can be pasted into a shell as it stands, with the value to choose in capitals."""
    assert report_on(raising(exception), code=1).next_command == command


def test_commands_are_safe_to_paste() -> None:
    """Words from a log reach the shell quoted."""
    usage = "train.py: error: the following arguments are required: --$(reboot);ls"

    assert "'$(reboot);ls'" in report_on(usage, code=2).next_command


def test_the_report_as_text() -> None:
    """It shows traceback, last 20 lines, code, where the log lies, cause and next command, in that order."""
    report = report_on(*(f"epoch {n}" for n in range(30)), raising("ValueError: bad"), code=1)
    parts = [
        "Job mnist failed: uncaught exception (exit code 1)",
        "Traceback of the script:\n  Traceback (most recent call last):",
        "Last lines of the log (20):\n  epoch 14\n",
        "Exit code:    1\n",
        "Full log:     /logs/mnist\n",
        "Likely cause: The script raised ValueError: bad at train.py, line 7.\n",
        "Next:         anyfit logs mnist",
    ]
    text = str(report)
    places = [text.find(part) for part in parts]

    assert len(report.tail) == 20
    assert -1 not in places
    assert places == sorted(places)
    assert str(JobFailed(report)) == text


def test_the_report_as_json() -> None:
    """Everything in it is plain JSON, the kind by its value."""
    data = json.loads(json.dumps(report_on("epoch 1", signal=9).to_json()))

    assert data["kind"] == "out-of-memory"
    assert (data["signal"], data["exit_code"], data["tail"]) == ("SIGKILL", None, ["epoch 1"])


def test_no_log_is_said() -> None:
    """An empty log is worth knowing."""
    assert "The log is empty." in str(report_on(code=1))
    assert "日志为空。" in str(report_on(code=1, language="zh"))


def test_values_stay_out_of_the_report() -> None:
    """Names of hyperparameters and variables are shown, their values are not."""
    report = report_on("train.py: error: unrecognized arguments: --epochs", code=2)

    assert "token" in str(report)
    assert "s3cret" not in str(report)


def test_nothing_is_known_about_the_spec() -> None:
    """On a machine that never saw the job the report still says what it can."""
    timeout = report_on(cause=Cause.TIMEOUT, spec=None)
    missing = report_on(raising("KeyError: 'SM_CHANNEL_TRAIN'"), code=1, spec=None)

    assert (timeout.kind, timeout.next_command) == ("timeout", "anyfit fit job.toml")
    assert "channels: none" in missing.cause


def placeholders(text: str) -> set[str]:
    """The facts that a sentence mentions."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", [*CAUSES, *LABELS])
def test_both_languages_say_the_same(key: str) -> None:
    """Every sentence exists in both, with the same facts in it."""
    text = CAUSES.get(key) or LABELS[key]

    assert text.en
    assert text.zh
    assert text.en != text.zh
    assert placeholders(text.en) == placeholders(text.zh)


def test_every_kind_has_a_name_and_every_cause_a_use() -> None:
    """No rule points to a sentence or command that is not there, and none is left over."""
    rules: list[Rule] = [*OUTSIDE, *EXCEPTIONS, *LINES, *LAST_RESORT]
    source = (Path(__file__).parents[2] / "core" / "anyfit" / "failure" / "details.py").read_text()
    used = {rule.cause for rule in rules} | {key for key in CAUSES if f'"{key}"' in source}

    assert set(KINDS) == set(FailureKind)
    assert used == set(CAUSES)
    assert {rule.next for rule in rules} <= set(COMMANDS)


WORDS = st.text() | st.sampled_from(
    [
        *raising("KeyError: 'SM_CHANNEL_X'").split("\n"),
        *raising("FileNotFoundError: [Errno 2] No such file or directory: '{x}'").split("\n"),
        "train.py: error: the following arguments are required: ",
        "anyfit: {job}",
        "x: error: argument --a: {",
    ]
)


@settings(deadline=None)
@given(
    tail=st.lists(WORDS, max_size=12),
    code=st.none() | st.integers(-70, 300),
    signal=st.none() | st.integers(-1, 70),
    cause=st.sampled_from(Cause),
    reason=st.text(),
    spec=st.sampled_from([SPEC, None]),
    language=st.sampled_from(["en", "zh"]),
)
def test_no_log_makes_the_diagnosis_fail(
    tail: list[str],
    code: int | None,
    signal: int | None,
    cause: Cause,
    reason: str,
    spec: JobSpec | None,
    language: Language,
) -> None:
    """A report on a failure must not fail itself."""
    report = report_on(*tail, code=code, signal=signal, cause=cause, reason=reason, spec=spec, language=language)

    assert report.summary in str(report)
    assert len(report.tail) <= 20
    assert report.to_json()["kind"] == report.kind.value


def test_an_empty_log_is_nothing_to_read() -> None:
    """Where the log has nothing, the next command shows what was sent instead."""
    assert report_on("bye", code=3).next_command == "anyfit logs mnist"
    assert report_on(code=3).next_command == report_on("", code=3).next_command == "anyfit status mnist --plan"


TRACEBACK = ["Traceback (most recent call last):", '  File "/x/code/train.py", line 1, in <module>', "    f()", "E: no"]


@pytest.mark.parametrize(
    ("before", "after", "frames", "shown"),
    [
        pytest.param([], [], 1, "", id="nothing-else"),
        pytest.param(["start"], ["bye"], 1, "(6):\n  start\n  [the traceback above]\n  bye\n\n", id="between"),
        pytest.param([], ["bye"], 12, "(20):\n  [the traceback above]\n  bye\n\n", id="longer-than-the-last-lines"),
        pytest.param(["start"], [], 12, "", id="only-its-end"),
    ],
)
def test_a_traceback_is_shown_once(before: list[str], after: list[str], frames: int, shown: str) -> None:
    """The last lines of the log leave out what stands above them as the traceback; programs get all of them."""
    log = [*before, TRACEBACK[0], *(TRACEBACK[1:3] * frames), TRACEBACK[3], *after]
    report = report_on(*log, code=1)
    text = str(report)

    assert text.count("  E: no\n") == 1
    assert (f"Last lines of the log {shown}Exit code" if shown else "  E: no\n\nExit code") in text
    assert report.tail == tuple(log[-20:])
