"""From a job to an endpoint and back, in the shell."""

from __future__ import annotations

import json
import signal
from typing import Any

INFERENCE = """\
def model_fn(model_dir):
    return 2

def input_fn(body, content_type):
    from anyfit_inference import decode
    rows = decode(body, content_type)
    if rows == "bad":
        raise ValueError("rows, not bad ones")
    return rows

def predict_fn(rows, model):
    if rows == "crash":
        raise RuntimeError("crashed on purpose")
    return [[value * model for value in row] for row in rows]
"""
TELLS = """\
def predict_fn(names, model):
    return [os.environ.get(name) for name in names]
"""
SCRIPT = """\
import os
open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "m.txt"), "w").write("m")
"""


def deployed(cli: Any, *words: str) -> None:
    """A project whose job was fitted and deployed as the endpoint `double`."""
    cli.write("src/inference.py", INFERENCE)
    cli.write("src/train.py", SCRIPT)
    cli.write(
        "job.toml",
        """\
        entry_point = "train.py"
        source_dir = "src"
        [deploy]
        endpoint_name = "double"
        """,
    )
    done = cli("fit", "--deploy", "--name", "first", *words)

    assert done.code == 0, done.err
    assert done.out == "double\n"
    assert "anyfit: next: anyfit predict double " in done.err


def test_life_of_an_endpoint(cli: Any) -> None:
    """Deploy, predict in several forms, look, stop, start, delete."""
    deployed(cli)
    rows = cli.write("rows.csv", "1,2\n3,4\n")

    assert cli("endpoints", "delete", "").code == 2

    assert cli("predict", "double", "--data", "[[1, 2]]").out == "[[2, 4]]\n"
    assert cli("predict", "double", "--file", str(rows)).out == "[[2, 4], [6, 8]]\n"
    assert cli("predict", "double", "--file", "-", stdin="[[5]]").out == "[[10]]\n"
    assert cli("predict", "double", "--file", str(rows), "--accept", "text/csv").out.split() == ["2,4", "6,8"]
    refused = cli("predict", "double", "--data", '"bad"')
    assert (refused.code, "rows, not bad ones" in refused.err) == (2, True)
    crashed = cli("predict", "double", "--data", '"crash"')
    assert (crashed.code, "crashed on purpose" in crashed.err) == (4, True)
    assert cli("predict", "double", "--data", "[[1, 2]]").out == "[[2, 4]]\n"
    assert "crashed on purpose" in cli("endpoints", "logs", "double").out
    records = [json.loads(line) for line in cli("endpoints", "logs", "double", "--json").out.splitlines()]
    assert any("crashed on purpose" in record["text"] for record in records)

    listed = cli("endpoints", "--json").json()
    assert [(e["name"], e["status"]) for e in listed] == [("double", "READY")]
    assert "serves     first:1 (local://localhost/first/1) x 1, weight 1" in cli("endpoints", "double").out
    assert cli("endpoints", "stop", "double").out == "double STOPPED\n"
    assert cli("endpoints", "start", "double").out == "double READY\n"
    assert cli("endpoints", "update", "double", "--model", "first:1=0.5").out == "double READY\n"
    assert cli("endpoints", "delete", "double").err == "anyfit: endpoint double is gone\n"
    assert cli("endpoints", "--json").json() == []


def test_ctrl_c_while_deploying(cli: Any) -> None:
    """Who no longer waits for an endpoint is told that it goes on, and where it is seen."""
    cli.write("inference.py", "import time\ndef model_fn(model_dir):\n    time.sleep(600)\n")
    name = cli.job(SCRIPT, "--set", "source_dir=.")
    client = cli.start("deploy", name, "--name", "slow")
    while not cli("endpoints", "--json").json():
        assert client.poll() is None, client.communicate()

    client.send_signal(signal.SIGINT)
    _, talk = client.communicate(timeout=60)

    assert client.returncode == 130
    assert talk.endswith("an endpoint that was asked for goes on, and may cost: anyfit endpoints lists it\n"), talk
    assert cli("endpoints", "delete", "slow").code == 0


def test_variables_of_the_servers(cli: Any) -> None:
    """`deploy` and `register` pass variables on, over those of a job file."""
    cli.write("src/inference.py", "import os\n\ndef model_fn(d):\n    return None\n\n" + TELLS)
    cli.write("src/train.py", SCRIPT)
    cli.write(
        "job.toml",
        """\
        entry_point = "train.py"
        source_dir = "src"
        [deploy]
        endpoint_name = "told"
        tags = {team = "vision"}
        description = "tells"
        environment = {A = "file", B = "file"}
        """,
    )
    assert cli("fit", "--name", "first").code == 0
    done = cli("deploy", "first", "--file", "job.toml", "--environment", "B=given", "--environment", "C=x=y")

    assert done.code == 0, done.err
    assert cli("predict", "told", "--data", '["A", "B", "C"]').out == '["file", "given", "x=y"]\n'
    state = cli("endpoints", "told", "--json").json()
    assert (state["spec"]["tags"], state["spec"]["description"]) == ({"team": "vision"}, "tells")
    assert cli("register", "first", "--environment", "A=1", "--name", "other").code == 0
    assert cli("endpoints", "update", "told", "--model", "other").code == 0
    assert cli("predict", "told", "--data", '["A", "B", "C"]').out == '["1", null, null]\n'
    refused = cli("register", "first", "--environment", "A")
    assert (refused.code, "--environment A: there is no KEY=" in refused.err) == (2, True)


def test_removing_everything_of_a_job(cli: Any) -> None:
    """`rm --all` takes the endpoints and models of the job along."""
    deployed(cli)
    registered = cli("register", "first", "--quiet").out.strip()
    models = [model["ref"] for model in cli("models", "--json").json()]

    done = cli("rm", "--all", "-y", "first", "--json")

    assert registered in models
    assert len(models) == 2
    assert done.json()[0]["removed"][1:] == ["endpoint double", "model first:2", "model first:1"]
    assert [cli(command, "--json").json() for command in ("jobs", "endpoints", "models")] == [[], [], []]


def test_deploy_of_what_cannot_be_served(cli: Any) -> None:
    """A failed job is told as it failed; a job without a model, and unknown names, are named."""
    failed = cli.job("raise SystemExit(3)", "--name", "failed")
    empty = cli.job("print('no model')", "--name", "empty")

    assert cli("deploy", failed).code == 100
    assert "has left no model" in cli("deploy", empty).err
    assert cli("status", empty).err == f"anyfit: next: anyfit logs {empty}\n"
    assert cli("deploy", "nobody").code == 102
    cli.write("train.py", "import time; time.sleep(600)")
    cli("fit", "train.py", "--no-wait", "--name", "sleeper")
    assert "hint: latest_job.wait(), or anyfit attach sleeper" in cli("deploy", "sleeper").err
    assert cli("predict", "nobody", "--data", "[]").code == 102


def test_models(cli: Any) -> None:
    """Model versions are listed and deleted."""
    cli.job(SCRIPT, "--name", "first")
    cli("register", "first", "--name", "thing", "--version", "a")

    assert cli("models", "thing").out.splitlines()[1].split()[:3] == ["thing", "a", "READY"]
    assert cli("models", "delete", "thing:a").err == "anyfit: model thing:a is gone\n"
    assert cli("models", "delete", "thing:a").code == 102
    assert cli("models", "thing").err == "anyfit: no model is called 'thing' on local; anyfit models lists them\n"

    for version in ("a:b", "-1", "a b"):
        done = cli("register", "first", "--name", "thing", "--version", version)
        assert done.code == 2 and f"model_version: {version!r} is no valid version" in done.err
    for version in "bc":
        cli("register", "first", "--name", "thing", "--version", version)
    assert "--all means every one" in cli("models", "delete", "thing").err
    assert "-n: expected a whole number of 0 or more, got '-1'" in cli("models", "-n", "-1").err
    few = cli("models", "-n", "1")
    assert few.out.splitlines()[1].split()[:2] == ["thing", "c"]
    assert few.err == "anyfit: 1 older ones are not shown; --all shows them\n"
    assert [model["version"] for model in cli("models", "thing", "--all", "--json").json()] == ["c", "b"]
    some = cli("models", "delete", "nope:1", "thing:b", "thing")
    assert (some.code, some.err.splitlines()[0]) == (102, "anyfit: model thing:b is gone")
    assert "2 faults:" in some.err and "'nope:1'" in some.err and "'thing' names no version" in some.err
    cli("register", "first", "--name", "thing", "--version", "d")
    done = cli("models", "delete", "thing", "--all")
    assert done.err == "anyfit: model thing:d is gone\nanyfit: model thing:c is gone\n"
    assert cli("models", "--json").json() == []


def test_model_of_files(cli: Any) -> None:
    """Files that no job has left are registered and deployed too, and what cannot be is refused in words."""
    cli.write("src/inference.py", INFERENCE)
    cli.write("model/m.txt", "m")
    words = ("register", "--from", "model", "--name", "files", "--source-dir", "src")
    done = cli(*words)
    ref = done.out.strip()

    assert done.code == 0, done.err
    assert ref.startswith("local://")
    assert "anyfit: next: anyfit deploy --model files:1" in done.err
    assert cli("deploy", "--model", "files:1", "--name", "double").out == "double\n"
    assert cli("predict", "double", "--data", "[[1, 2]]").out == "[[2, 4]]\n"

    for wrong, told in (
        (("register", "first", *words[1:]), "--from and job first"),
        (("register", "--from", "model"), "--name: missing"),
        (("register", "--from", "nowhere", "--name", "files"), "nowhere"),
        (("register", "first", "--framework", "pytorch"), "--framework: a job brings its own"),
        (("deploy", "first", "--model", "files"), "--model and first"),
        (("deploy", "--model", "other"), "there is no model 'other'"),
    ):
        refused = cli(*wrong)
        assert refused.code != 0
        assert told in refused.err
        assert "Traceback" not in refused.err
