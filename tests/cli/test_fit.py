"""Running jobs from the shell: plan, fit, attach, rerun, stop."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
JOB = """\
entry_point = "train.py"
source_dir = "src"
base_job_name = "demo"

[hyperparameters]
epochs = 2

[inputs]
train = "data"

[metric_definitions]
loss = 'loss=([0-9.]+)'
"""
SCRIPT = """\
import json, os, sys
hps = json.loads(os.environ["ANYFIT_HPS"])
print("arguments", sys.argv[1:])
print("lr", repr(hps.get("lr")), "data", sorted(os.listdir(os.environ["ANYFIT_CHANNEL_TRAIN"])))
for epoch in range(hps["epochs"]):
    print(f"loss={1 / (epoch + 1)}")
open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "model.txt"), "w").write("model")
"""


def project(cli: Any, folder: str = ".") -> None:
    """A job file with a script and data."""
    cli.write(f"{folder}/job.toml", JOB)
    cli.write(f"{folder}/src/train.py", SCRIPT)
    cli.write(f"{folder}/data/part.csv", "1,2\n")


def test_fit_of_a_job_file(cli: Any) -> None:
    """The log goes to stdout, phases and outcome to stderr, plainly, and the end names the next command."""
    project(cli)

    done = cli("fit")

    assert done.code == 0
    assert done.out.splitlines() == [
        "arguments ['--epochs', '2']", "lr None data ['part.csv']", "loss=1.0", "loss=0.5",
    ]  # fmt: skip
    phases = re.findall(r"(?m)^anyfit: (\w+) +[\d.]+ s\b", done.err)
    assert phases == ["package", "upload", "submit", "queue", "prepare", "train", "save"]
    assert re.search(r"(?m)^anyfit: SUCCEEDED local://localhost/demo-", done.err)
    assert re.search(r"(?m)^anyfit: metrics: loss 0.5$", done.err)
    assert re.search(r"(?m)^anyfit: next: anyfit deploy demo-[\d-]+$", done.err)
    assert "\033" not in done.out + done.err
    assert "\r" not in done.out + done.err


def test_paths_begin_at_the_job_file(cli: Any) -> None:
    """A job file of another folder, or that folder, is run as if one were there."""
    project(cli, "deep/er")

    assert "data ['part.csv']" in cli("fit", "deep/er/job.toml").out
    assert "data ['part.csv']" in cli("fit", "deep/er").out


def test_overrides(cli: Any) -> None:
    """--set, --input, --name and arguments after -- are stronger than the job file."""
    project(cli)
    cli.write("other/new.csv", "3\n")
    words = ["--set", "hyperparameters.epochs=1", "--set", "hyperparameters.lr=1e-3", "--input", "train=other"]

    done = cli("fit", *words, "--name", "mine", "--", "--flag", "-b", "x y")

    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "arguments ['--epochs', '1', '--lr', '0.001', '--flag', '-b', 'x y']",
        "lr 0.001 data ['new.csv']",
        "loss=1.0",
    ]
    assert "local://localhost/mine" in done.err


def test_fit_of_a_script(cli: Any) -> None:
    """A script needs no job file; data without a channel's name is the channel `training`."""
    cli.write("run.py", "import os; print(os.listdir(os.environ['ANYFIT_CHANNEL_TRAINING']))")
    cli.write("data/a.csv", "1\n")

    done = cli("fit", "run.py", "--input", "data", "--quiet")

    assert (done.code, done.out, done.err) == (0, "['a.csv']\n", "")


def test_fit_as_json(cli: Any) -> None:
    """With --json stdout is one object, and the log is talk."""
    project(cli)

    done = cli("fit", "--json", "--name", "demo")

    job = done.json()
    assert (job["name"], job["ref"], job["status"]) == ("demo", "local://localhost/demo", "SUCCEEDED")
    assert job["metrics"] == {"loss": 0.5}
    assert job["model"].startswith("file:///")
    assert job["created_at"].endswith("+00:00")
    assert "loss=0.5\n" in done.err


def test_failure(cli: Any) -> None:
    """A failed job is told with its own traceback, and has an exit code of its own."""
    cli.write("train.py", "print('begin')\nraise ValueError('no such thing')")

    done = cli("fit", "train.py")

    assert (done.code, done.out.splitlines()[0]) == (100, "begin")
    assert "anyfit: error: Job train-" in done.err
    assert "ValueError: no such thing" in done.err
    assert 'Traceback (most recent call last):\n  File "/work' not in done.err


def test_failure_as_json(cli: Any) -> None:
    """The report of a failure is an object, too."""
    cli.write("train.py", "import sys; sys.exit(3)")

    done = cli("fit", "train.py", "--json")

    assert done.code == 100
    assert done.json()["error"] == "JobFailed"
    assert done.json()["report"]["exit_code"] == 3


def test_detached_fit_and_attach(cli: Any) -> None:
    """--no-wait prints the name alone; attach prints the whole log and ends as fit does."""
    cli.write("train.py", "print('hello')")

    left = cli("fit", "train.py", "--no-wait")
    name = left.out.strip()
    done = cli("attach", name)

    assert left.code == 0
    assert left.err.endswith(f"anyfit: next: anyfit attach {name}\n")
    assert (done.code, done.out) == (0, "hello\n")
    assert re.search(rf"(?m)^anyfit: created {TIME}, started {TIME}, ended {TIME}$", cli("attach", name).err)


def test_attach_to_a_failed_job(cli: Any) -> None:
    """Attaching to a job that has failed tells why, with the job's exit code."""
    name = cli.job("import sys; sys.exit('bad luck')")

    done = cli("attach", name)

    assert done.code == 100
    assert "bad luck" in done.err


def test_no_logs(cli: Any) -> None:
    """--no-logs leaves stdout empty and tells the rest."""
    cli.write("train.py", "print('hello')")

    done = cli("fit", "train.py", "--no-logs")

    assert (done.code, done.out) == (0, "")
    assert "SUCCEEDED" in done.err


def test_plan(cli: Any) -> None:
    """A plan shows what would be sent, and sends nothing."""
    project(cli)

    plan = cli("plan", "--json", "--name", "demo").json()
    shown = cli("plan", "--name", "demo").out

    assert (plan["backend"], plan["spec"]["name"], plan["spec"]["hyperparameters"]) == ("local", "demo", {"epochs": 2})
    assert "job      demo\nbackend  local (localhost)\nmachine  local (" in shown
    assert cli("jobs", "--json").json() == []


def test_edit(cli: Any) -> None:
    """A job's description is changed; a job that is not there is told."""
    cli.write("train.py", "pass")
    cli("fit", "train.py", "--quiet", "--name", "mine", "--set", "description=before")
    done = cli("edit", "mine", "--description", "after")

    assert done.err == "anyfit: mine is described as 'after'\n"
    assert cli("edit", "mine", "--description", "last", "--json").json()["description"] == "last"
    missing, bare = cli("edit", "other", "--description", "x"), cli("edit", "mine")
    assert missing.code == 102 and "there is no job 'other'" in missing.err
    assert bare.code == 2 and "required: --description" in bare.err


def test_a_channel_that_is_given_twice(cli: Any) -> None:
    """Nothing is left out in silence."""
    cli.write("train.py", "pass")
    done = cli("fit", "train.py", "--input", "train=.", "--input", "train=..")

    assert done.code == 2 and "the channel train is given twice" in done.err


@pytest.mark.parametrize(("backend", "scheme"), [("modelarts", "obs"), ("modelmaker", "s3"), ("ti", "cos")])
def test_plan_without_a_bucket(cli: Any, backend: str, scheme: str) -> None:
    """A cloud of which nothing is configured is planned for, and what `fit` needs is told; `fit` goes nowhere."""
    cli.environ["HOME"] = str(cli.folder)
    cli.write("train.py", "pass")
    plan = cli("plan", "train.py", "-b", backend, "--json").json()
    done = cli("fit", "train.py", "-b", backend)
    targets = [upload["target"] for upload in plan["uploads"]]

    assert targets and all(target.startswith(f"{scheme}://YOUR-BUCKET/anyfit/jobs/") for target in targets)
    assert plan["requests"]
    assert (plan["notes"][0]["field"], plan["notes"][0]["match"]) == ("bucket", "none")
    assert f"YOUR-BUCKET stands for one, which fit needs: set bucket under [{backend}]" in plan["notes"][0]["text"]
    assert done.code in (2, 3) and done.out == ""


def test_plan_without_the_configured_profile(cli: Any) -> None:
    """`-p ""` chooses no profile, also where the configuration or the job file names one."""
    cli.write("train.py", "pass")
    cli.write("anyfit.toml", "profile = 'mine'\n[profiles.mine]\ntags = {of = 'mine'}\n")
    cli.write("job.toml", "entry_point = 'train.py'\nprofile = 'mine'\n")

    for file in ("train.py", "job.toml"):
        assert cli("plan", file, "--json").json()["spec"]["tags"] == {"of": "mine"}
        assert cli("plan", file, "-p", "", "--json").json()["spec"]["tags"] == {}


def test_the_next_command_of_a_plan(cli: Any) -> None:
    """It is the plan's own, with everything that was said."""
    cli.write("train.py", "import sys; print(sys.argv[1:])")
    words = ("train.py", "-b", "local", "--set", "hyperparameters.lr=0.5", "--name", "mine")
    line = cli("plan", *words, "--", "--more", "a b").err.splitlines()[-1]

    assert line == f"anyfit: next: anyfit fit {' '.join(words)} -- --more 'a b'"
    cli.write("job.toml", "entry_point = 'train.py'")
    assert cli("plan").err == "anyfit: next: anyfit fit\n"


def test_rerun(cli: Any) -> None:
    """A job runs again with the same code, inputs and hyperparameters, but for what is changed."""
    project(cli)
    cli("fit", "--name", "first", "--quiet")
    cli.write("src/train.py", "raise SystemExit('the code was read anew')")

    done = cli("rerun", "first", "--name", "second", "--set", "hyperparameters.lr=0.5")

    assert done.code == 0, done.err
    assert done.out.splitlines()[1] == "lr 0.5 data ['part.csv']"
    assert cli("rerun", "first", "--version", "--no-wait", "--quiet").out == "first.v2\n"
    assert cli("rerun", "second", "--no-wait", "--quiet").out.startswith("second-20")


def test_stop(cli: Any) -> None:
    """A stopped job has an exit code of its own."""
    cli.write("train.py", "import time; print('up', flush=True); time.sleep(600)")
    name = cli("fit", "train.py", "--no-wait", "--quiet").out.strip()

    stopped = cli("stop", name)
    done = cli("attach", name)

    assert stopped.code == 0
    assert stopped.out.startswith(f"{name} STOP")
    assert done.code == 103
    assert done.err.endswith(f"hint: run it again: anyfit rerun {name}\n")


def test_ctrl_c_detaches(cli: Any) -> None:
    """Ctrl-C leaves the job alone, says how to come back, and has an exit code of its own."""
    flag = cli.folder / "go"
    cli.write(
        "train.py",
        f"""\
        import os, time
        print('up', flush=True)
        while not os.path.exists({str(flag)!r}):
            time.sleep(0.01)
        print('done')
        """,
    )
    client = cli.start("fit", "train.py", "--name", "long")
    assert client.stdout.readline() == "up\n"

    client.send_signal(signal.SIGINT)
    _, talk = client.communicate(timeout=60)
    state = cli("status", "long", "--json").json()
    flag.touch()
    done = cli("attach", "long")

    assert client.returncode == 101
    assert "anyfit attach long" in talk
    assert "anyfit stop long" in talk
    assert "Traceback" not in talk
    assert state["status"] == "RUNNING"
    assert (done.code, done.out) == (0, "up\ndone\n")


def test_reader_goes_away(cli: Any) -> None:
    """When the reader of the output leaves, so does the client, without a traceback."""
    cli.write("train.py", "for i in range(20000): print('line', i)")
    name = cli("fit", "train.py", "--no-wait", "--quiet").out.strip()
    cli("attach", name, "--quiet")
    client = cli.start("logs", name)
    assert client.stdout.readline() == "line 0\n"

    client.stdout.close()
    err = client.stderr.read()
    client.stderr.close()

    assert (client.wait(timeout=60), err) == (141, "")


def test_init_writes_a_job_that_runs(cli: Any) -> None:
    """What `init` writes can be fitted as it is, and learns."""
    written = cli("init", "new")
    again = cli("init", "new")
    done = cli("fit", "new", "--json")

    assert written.out == "new/job.toml\nnew/train.py\nnew/inference.py\n"
    assert written.err == "anyfit: next: anyfit fit new/job.toml\n"
    assert again.code == 2
    assert "there is already job.toml, train.py, inference.py" in again.err
    assert done.json()["metrics"]["loss"] < 0.02


def test_every_field_of_an_estimator(cli: Any) -> None:
    """All fields can stand in a job file and be overridden; the plan shows them."""
    project(cli)
    job = Path(cli.folder, "job.toml")
    job.write_text('instance_count = 2\nmax_run = 60\ndescription = "a"\nconvention = "ti"\n' + JOB)

    plan = cli("plan", "--json", "--set", "max_run=90", "--set", "description=1.50", "--set", "tags.team=7").json()

    spec = plan["spec"]
    assert (spec["instance_count"], spec["max_run"], spec["description"]) == (2, 90, "1.50")
    assert (spec["convention"], spec["tags"]) == ("ti", {"team": "7"})
    assert json.dumps(plan)


def test_a_script_of_a_folder(cli: Any) -> None:
    """A script goes alone, with a note on what it would miss, and with its folder where that is named."""
    cli.write("src/train.py", "import json, helper\n")
    cli.write("src/helper.py", "print('helped')")
    cli.write("src/json.txt", "")

    alone = cli("fit", "src/train.py")
    planned = cli("plan", "src/train.py")
    whole = cli("fit", "src/train.py", "--set", "source_dir=src")
    above = cli("fit", "src/train.py", "--set", "source_dir=.")

    told = "source_dir: src/train.py goes alone, and helper beside it not: source_dir = 'src' takes them along"
    assert alone.code == 100 and f"anyfit: note: {told}\n" in alone.err
    assert f"note     {told} [none]" in planned.out
    assert (whole.code, whole.out, above.code, above.out) == (0, "helped\n", 0, "helped\n")
    assert "goes alone" not in whole.err + above.err
