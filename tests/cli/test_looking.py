"""Looking at jobs, fetching what they left, removing them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import JobRef, JobState, Status
from anyfit.journal import Journal

METRICS = """\
import os, time
for i in range(5):
    print(f"loss={5 - i}", flush=True)
open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "weights.txt"), "w").write("w")
"""


def test_jobs(cli: Any) -> None:
    """Jobs are listed newest first, with their status."""
    cli.job("print('hello')", "--name", "good")
    cli.job("import sys; sys.exit(3)", "--name", "bad")

    lines = cli("jobs").out.splitlines()
    listed = cli("jobs", "--json").json()

    assert [line.split()[:3] for line in lines] == [
        ["NAME", "STATUS", "BACKEND"], ["bad", "FAILED", "local"], ["good", "SUCCEEDED", "local"],
    ]  # fmt: skip
    assert [(job["name"], job["status"]) for job in listed] == [("bad", "FAILED"), ("good", "SUCCEEDED")]
    assert [job["name"] for job in cli("jobs", "--status", "failed", "--json").json()] == ["bad"]
    assert cli("jobs", "-b", "elsewhere", "--json").json() == []
    assert "-n: expected a whole number of 0 or more, got '-1'" in cli("jobs", "-n", "-1").err
    assert cli("jobs", "-n", "1").err == "anyfit: 1 older ones are not shown; --all shows them\n"


def test_jobs_asks_for_those_that_run(cli: Any) -> None:
    """A job that ended while nobody watched is listed as it is now."""
    cli.write("train.py", "print('hello')")
    cli("fit", "train.py", "--no-wait", "--quiet")
    while cli("jobs", "--json").json()[0]["status"] != "SUCCEEDED":
        pass
    cli.write("train.py", "import time; time.sleep(600)")
    cli("fit", "train.py", "--no-wait", "--name", "sleeper")

    found = {job["name"]: job["status"] for job in cli("jobs", "-n", "0", "--json").json()}

    assert found.keys() == {"sleeper"}
    assert found["sleeper"] in ("PENDING", "PREPARING", "RUNNING")


def test_jobs_of_the_backend(cli: Any, tmp_path: Path) -> None:
    """A machine whose journal knows nothing lists what the backend has, and may attach to it."""
    cli.write("train.py", "print('hello')")
    cli("fit", "train.py", "--quiet", "--name", "first")
    cli("fit", "train.py", "--quiet", "--name", "second")
    for journal in Path(cli.environ["ANYFIT_HOME"]).glob("journal.sqlite3*"):
        journal.unlink()

    assert cli("jobs", "--json").json() == []
    listed = cli("jobs", "--remote", "--json").json()
    assert [(job["name"], job["status"]) for job in listed] == [("second", "SUCCEEDED"), ("first", "SUCCEEDED")]
    assert cli("jobs", "--remote", "-n", "1").out.splitlines()[1].split()[:2] == ["second", "SUCCEEDED"]
    assert cli("jobs", "--remote", "--status", "failed").err == "anyfit: no jobs on local\n"
    assert "hello" in cli("logs", "first").out


def test_statuses(cli: Any) -> None:
    """A status is filtered by, with as many jobs as are wanted; one that does not exist is told with those that do."""
    cli.write("train.py", "pass")
    for name in ("one", "two"):
        cli("fit", "train.py", "--quiet", "--name", name)

    listed = cli("jobs", "--status", "succeeded", "-n", "1", "--json").json()
    assert [job["name"] for job in listed] == ["two"]
    assert cli("jobs", "--status", "failed").err == "anyfit: no jobs with the status FAILED\n"
    wrong = cli("jobs", "--status", "runing")
    assert wrong.code == 2 and "did you mean 'RUNNING'?" in wrong.err


def test_a_node_that_is_not_there(cli: Any) -> None:
    """The log of a node that the job does not have is asked for in vain, and told so."""
    cli.write("train.py", "print('hello')")
    cli("fit", "train.py", "--quiet", "--name", "one")
    done = cli("logs", "one", "--node", "7")

    assert done.code == 2 and "job one has no node 7" in done.err and "0 to 0" in done.err
    assert cli("logs", "one", "--node", "0").out == "hello\n"


def test_a_job_that_somebody_else_removed(cli: Any) -> None:
    """Its name is told, and how to make the journal forget it; a job that is adopted keeps its own times."""
    cli.write("train.py", "pass")
    cli("fit", "train.py", "--quiet", "--name", "mine")
    for journal in Path(cli.environ["ANYFIT_HOME"]).glob("journal.sqlite3*"):
        journal.unlink()
    before = datetime.now(timezone.utc).isoformat()
    cli("status", "mine")
    adopted = cli("jobs", "--json").json()[0]
    assert adopted["status"] == "SUCCEEDED" and adopted["created_at"] < adopted["ended_at"] < before

    shutil.rmtree(Path(cli.environ["ANYFIT_HOME"]) / "local" / "jobs" / "mine")
    for words in (("logs", "mine"), ("metrics", "mine"), ("stop", "mine")):
        done = cli(*words)
        assert done.code == 102 and "job mine is in the journal, but no longer on local" in done.err
        assert "anyfit rm mine" in done.err


def test_no_jobs(cli: Any) -> None:
    """An empty list is no error, and says how to begin."""
    assert cli("jobs", "--json").out == "[]\n"
    assert cli("jobs").err == "anyfit: no jobs; anyfit init writes one to begin with\n"


def test_status(cli: Any) -> None:
    """A job is shown with its phases, metrics and model."""
    name = cli.job(METRICS, "--set", "metric_definitions.loss=loss=([0-9.]+)")

    shown = dict(line.split(maxsplit=1) for line in cli("status", name).out.splitlines() if "code" not in line)

    assert shown["job"] == name
    assert shown["status"] == "SUCCEEDED"
    assert shown["metrics"] == "loss 1"
    assert Path(shown["model"]).is_dir()
    assert "train" in shown["phases"]
    assert cli("status", name).err == f"anyfit: next: anyfit deploy {name}\n"
    assert cli("status", name, "--plan", "--json").json()["spec"]["name"] == name
    assert cli("status", name, "--plan").out.startswith(f"job      {name}\nbackend  local")


def test_logs(cli: Any) -> None:
    """The whole log, its end, or what is not older."""
    name = cli.job("for i in range(5): print('line', i)")

    assert cli("logs", name).out == "".join(f"line {i}\n" for i in range(5))
    assert cli("logs", name, "--tail", "2").out == "line 3\nline 4\n"
    assert cli("logs", name, "--tail", "0").out == ""
    assert cli("logs", name, "--since", "1h", "--tail", "1").out == "line 4\n"
    assert cli("logs", name, "--since", "2999-01-01").out == ""
    assert json.loads(cli("logs", name, "--tail", "1", "--json").out)["text"] == "line 4"
    for words in (["--tail", "-1"], ["--since=-5m"], ["--node", "-1"]):
        assert cli("logs", name, *words).code == 2
    assert cli("logs", name, "--since", "yesterday").code == 2


def test_logs_of_several_nodes(cli: Any) -> None:
    """With several nodes a line says which it is of; one node's lines are as they are."""
    name = cli.job("import os; print('rank', os.environ['ANYFIT_NODE_RANK'])", "--set", "instance_count=2")

    assert sorted(cli("logs", name).out.splitlines()) == ["[0] rank 0", "[1] rank 1"]
    assert cli("logs", name, "--node", "1").out == "rank 1\n"


def test_following_logs(cli: Any) -> None:
    """`logs -f` prints lines as they are written, and ends with the job."""
    flag = cli.folder / "go"
    cli.write(
        "train.py",
        f"""\
        import os, time
        print('first', flush=True)
        while not os.path.exists({str(flag)!r}):
            time.sleep(0.01)
        print('last')
        """,
    )
    name = cli("fit", "train.py", "--no-wait", "--quiet").out.strip()
    reader = cli.start("logs", "-f", name)

    first = reader.stdout.readline()
    flag.touch()
    rest, err = reader.communicate(timeout=60)

    assert (first, rest, err, reader.returncode) == ("first\n", "last\n", "", 0)


def test_metrics(cli: Any) -> None:
    """Metrics are a table for people and points for programs."""
    name = cli.job(METRICS, "--set", "metric_definitions.loss=loss=([0-9.]+)")

    shown = cli("metrics", name).out.splitlines()[1].split()
    series = cli("metrics", name, "--json").json()

    assert shown == ["loss", "1", "1", "5", "5", "█▆▅▃▁"]
    assert [point["value"] for point in series[0]["points"]] == [5, 4, 3, 2, 1]
    plain = cli.job("print('hello')")
    assert "defines no metrics" in cli("metrics", plain).err


def test_download(cli: Any) -> None:
    """What a job left comes into a folder of its name, which is printed."""
    name = cli.job(METRICS)

    folder = cli("download", name, "--to", "got", "--kind", "model").out.strip()

    assert folder == f"got/{name}"
    assert (cli.folder / folder / "model" / "weights.txt").read_text() == "w"
    assert cli("download", name, "--kind", "checkpoint").code == 102


def test_rm(cli: Any) -> None:
    """Without a terminal nothing is removed unless -y is given; what would go is shown."""
    name = cli.job("print('hello')")

    asked = cli("rm", name)
    kept = cli("jobs", "--json").json()
    done = cli("rm", "-y", name)

    assert asked.code == 2
    assert asked.err.startswith(f"job {name} (SUCCEEDED), its log and ")
    assert "give -y" in asked.err
    assert [job["name"] for job in kept] == [name]
    assert (done.code, done.err) == (0, f"anyfit: removed {name}\n")
    assert cli("status", name).code == 102


def test_rm_of_a_vanished_job(cli: Any) -> None:
    """A job that its backend no longer has can be stopped with a sensible answer, removed, and made again."""
    for words in ([], ["--all"]):
        name = cli.job("print('hello')", "--name", "mine")
        shutil.rmtree(Path(cli.environ["ANYFIT_HOME"]) / "local" / "jobs" / name)
        stopped = cli("stop", name)
        asked = cli("rm", name, *words)
        done = cli("rm", "-y", name, *words)

        assert stopped.code == 102
        assert "job mine is in the journal, but no longer on local" in stopped.err
        assert "anyfit rm mine" in stopped.err
        assert asked.err.startswith("job mine from the journal; it is no longer on local\n")
        assert (done.code, done.err) == (0, "anyfit: removed mine\n")
        assert cli("jobs", "--json").json() == []


def test_rm_of_a_reference_to_elsewhere(cli: Any) -> None:
    """A reference into another region means no job of this one, whatever its id."""
    name = cli.job("print('hello')")
    done = cli("rm", "-y", f"local://other/{name}")

    assert done.code == 102
    assert f"local://other/{name} is not on this machine" in done.err
    assert cli("logs", name).out == "hello\n"


def test_names_with_a_typo(cli: Any) -> None:
    """An unknown job is not found, and the nearest is named."""
    name = cli.job("print('hello')", "--name", "digits")

    done = cli("logs", "digts")

    assert done.code == 102
    assert done.err.endswith(f"hint: did you mean {name!r}?\n")


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["rm", "-y"],
        ["endpoints"],
        ["predict", "--data", "1"],
        ["deploy", "--model"],
        ["attach"],
        ["models", "delete", "--all"],
    ],
)
def test_names_that_are_too_long_for_a_disk(cli: Any, words: list[str]) -> None:
    """They are names of nothing, like others that are not there."""
    done = cli(*words, "x" * 300)

    assert done.code == 102
    assert "Traceback" not in done.err and "x" * 300 in done.err


def test_completion(cli: Any) -> None:
    """Commands, options, jobs and backends are completed."""
    cli.job("print('hello')", "--name", "digits")

    def candidates(*words: str) -> list[str]:
        return list(cli("__complete", *words).out.split())

    assert candidates("at") == ["attach"]
    assert candidates("logs", "di") == ["digits"]
    assert candidates("logs", "--f") == ["--follow"]
    assert candidates("fit", "-b", "lo") == ["local"]
    assert candidates("endpoints", "st") == ["start", "stop"]
    assert candidates("endpoints", "me") == ["metrics"]
    assert candidates("config", "c") == ["check"]
    assert candidates("no-such-command", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(cli: Any, shell: str) -> None:
    """Each shell gets a script; bash's is run here."""
    script = cli("completion", shell).out

    assert "__complete" in script
    if shell == "bash":
        asked = f"{script}\nCOMP_WORDS=(anyfit conf); COMP_CWORD=1; _anyfit; echo $COMPREPLY"
        path = f"{Path(sys.executable).parent}:{cli.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", asked], capture_output=True, text=True, env={**cli.environ, "PATH": path}, check=True
        )
        assert done.stdout == "config\n"


def test_jobs_of_one_name_on_two_backends(cli: Any) -> None:
    """A job that runs is not hidden behind a newer one of the same name on another backend."""
    cli.write("train.py", "import time; time.sleep(60)")
    cli("fit", "train.py", "--no-wait", "--quiet", "--name", "twin")
    journal = Journal(cli.environ["ANYFIT_HOME"])
    (row,) = journal.jobs()
    ref = JobRef("elsewhere", "r", "twin")
    journal.adopt(journal.spec(row), ref, "", "")
    journal.observed(ref, JobState(status=Status.SUCCEEDED), "")
    journal.close()
    shown = cli("jobs", "-n", "1", "--json").json()

    assert [(each["backend"], each["name"]) for each in shown] == [("elsewhere", "twin"), ("local", "twin")]


def test_jobs_whose_profile_is_gone(cli: Any) -> None:
    """They are shown as they were last seen, and the profile that is missing is named."""
    cli.write("anyfit.toml", "[profiles.far]\n")
    cli.write("train.py", "import time; time.sleep(600)")
    cli("fit", "train.py", "--no-wait", "-p", "far", "--name", "sleeper")
    cli.write("anyfit.toml", "")

    done = cli("jobs")
    cli.write("anyfit.toml", "[profiles.far]\n")

    assert cli("rm", "-y", "sleeper").code == 0
    assert done.out.splitlines()[1].startswith("sleeper ")
    assert "the jobs on local are shown as they were last seen: there is no profile 'far'" in done.err


def test_a_backend_that_lists_no_frameworks(cli: Any) -> None:
    """An empty table is no answer for a person."""
    assert cli("backends", "local", "--frameworks").err == "anyfit: local lists no frameworks\n"
    assert cli("backends", "local", "--frameworks", "--json").json() == []
