"""Every wrong input is answered with one clear message and a hint, never with a traceback."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import pytest

GOOD = 'entry_point = "train.py"\n'

CASES: dict[str, tuple[str, list[str], int, list[str]]] = {
    "missing entry point": ('entry_point = "trian.py"\n', [], 2, ["trian.py", "did you mean 'train.py'?"]),
    "no entry point": ('description = "x"\n', [], 2, ["job.toml: entry_point: missing"]),
    "entry point outside source_dir": (
        'entry_point = "../other.py"\nsource_dir = "src"\n', [], 2, ["entry_point", "../other.py"],
    ),
    "source_dir that is not there": ('entry_point = "a.py"\nsource_dir = "scr"\n', [], 2, ["did you mean 'src'?"]),
    "hyperparameter that is not JSON": (
        f"{GOOD}[hyperparameters]\nday = 2026-01-01\n", [], 2, ["job.toml:3: hyperparameters.day: date is not a JSON"],
    ),
    "unknown backend": (GOOD, ["-b", "locla"], 2, ["no backend 'locla'", "did you mean 'local'?", "installed"]),
    "unknown profile": (GOOD, ["-p", "nobody"], 2, ["profile", "nobody"]),
    "malformed TOML": ("entry_point = \n", [], 2, ["job.toml:1:15: ", "hint: the line is: entry_point ="]),
    "unknown key": ('entry_pont = "x"\n', [], 2, ["job.toml:1: entry_pont: unknown, did you mean 'entry_point'?"]),
    "hyperparameter at the top": (f"{GOOD}epochs = 3\n", [], 2, ["job.toml:2: epochs: unknown", "[hyperparameters]"]),
    "unknown key of deploy": (f"{GOOD}[deploy]\nmodel = 'x'\n", [], 2, ["job.toml:3: deploy.model: unknown"]),
    "wrong type": (f'{GOOD}instance_count = "two"\n', [], 2, ["job.toml:2: instance_count: expected a whole number"]),
    "no nodes": (f"{GOOD}instance_count = 0\n", [], 2, ["job.toml:2: instance_count", "1 or more, got 0"]),
    "no nodes by override": (GOOD, ["--set", "instance_count=0"], 2, ["--set instance_count", "1 or more, got 0"]),
    "unknown field to set": (GOOD, ["--set", "max_rum=3"], 2, ["--set max_rum", "did you mean 'max_run'?"]),
    "nothing to set": (GOOD, ["--set", "max_run"], 2, ["expected KEY=VALUE"]),
    "resources nobody offers": (GOOD, ["--set", "instance_type=A100:8"], 2, ["A100:8", "the nearest are: local ("]),
    "unreadable resources": (GOOD, ["--set", "instance_type=cpu:many"], 2, ["cannot read 'cpu:many'", "hint: write"]),
    "input that does not exist": (GOOD, ["--input", "train=nowhere"], 2, ["inputs.train: nowhere does not exist"]),
    "output that cannot be written": (GOOD, ["--set", "output_path=train.py/x"], 2, ["output_path", "train.py/x"]),
    "input that nobody has keys for": (
        GOOD, ["--input", "train=obs://b/x/"], 3, ["inputs.train: obs://b: no credentials", "hint: give access_key"],
    ),
    "output that nobody has keys for": (
        GOOD, ["--set", "output_path=cos://b-1/x/"], 3, ["output_path: cos://b-1: no credentials", "[storage.cos]"],
    ),
    "checkpoints that nobody has keys for": (
        GOOD, ["--set", "checkpoint_path=obs://b/x/"], 3, ["checkpoint_path: obs://b: no credentials"],
    ),
    "illegal job name": (GOOD, ["--name", "a b/c"], 2, ["job_name: 'a b/c' is no valid name", "hint: names here are"]),
    "unknown option of the backend": (
        f"{GOOD}[options.local]\npyhton = 'x'\n", [], 2, ["options.local.pyhton: unknown, did you mean 'python'?"],
    ),
    "machine of an unknown backend": (
        GOOD, ["--set", "instance_type.lokal=cpu:1"], 2, ["instance_type.lokal: there is no backend", "'local'?"],
    ),
    "output with one slash": (
        GOOD, ["--set", "output_path=s3:/b/x"], 2, ["output_path: 's3:/b/x' is no URI", "hint: write s3://b/x"],
    ),
    "output without a bucket": (GOOD, ["--set", "output_path=s3://"], 2, ["output_path: 's3://' names no bucket"]),
    "input with one slash": (GOOD, ["--input", "train=obs:/b/x"], 2, ["inputs.train: ", "hint: write obs://b/x"]),
    "fewer servers than one": (
        f"{GOOD}[deploy]\ninitial_instance_count = 0\n", ["--deploy"], 2, ["instance_count: ", "1 or more, got 0"],
    ),
    "illegal name of an endpoint": (
        f"{GOOD}[deploy]\nendpoint_name = 'a b'\n", ["--deploy"], 2, ["endpoint_name: 'a b' is no valid name"],
    ),
    "less than an option can be": (
        GOOD, ["--set", "options.local.grace_seconds=-1"], 2, ["grace_seconds: expected 0 or more, got -1"],
    ),
    "unknown convention": (f"{GOOD}convention = 'sagmaker'\n", [], 2, ["job.toml:2", "did you mean 'sagemaker'?"]),
    "two ways to wait": (GOOD, ["--no-wait", "--tensorboard"], 2, ["--tensorboard", "--no-wait"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_fit_refuses(cli: Any, case: str) -> None:
    """Nothing is submitted, and the message says what was wrong and where."""
    text, words, code, expected = CASES[case]
    cli.write("train.py", "print('hello')")
    cli.write("other.py", "print('hello')")
    cli.write("src/a.py", "print('hello')")
    cli.write("job.toml", text)

    done = cli("fit", *words)

    assert done.out == ""
    assert "anyfit: error: " in done.err
    assert [each for each in expected if each not in done.err] == [], done.err
    assert "Traceback" not in done.err
    assert done.code == code


@pytest.mark.parametrize("name", ["job.toml", "elsewhere/job.toml", "train.py"])
def test_missing_file(cli: Any, name: str) -> None:
    """A file that is not there is named, and what could be done is said."""
    done = cli("fit", name)

    assert done.code == 2
    assert done.err.startswith(f"anyfit: error: {name} does not exist\nhint: ")


def test_a_path_that_cannot_be_looked_at(cli: Any) -> None:
    """What the system refuses to look at, such as a name too long for it, is told with the system's word."""
    long = "x" * 300
    cli.write("train.py", "pass")

    file = cli("plan", f"{long}/job.toml")
    channel = cli("plan", "train.py", "--input", f"train={long}")
    source = cli("plan", "train.py", "--set", f"source_dir={long}")

    assert (file.code, file.err) == (2, f"anyfit: error: {long}/job.toml: cannot be read: File name too long\n")
    assert (channel.code, f"inputs.train: {long} cannot be read: File name too long" in channel.err) == (2, True)
    assert (source.code, "source_dir" in source.err, "Traceback" in source.err) == (2, True, False)


def test_job_name_in_use(cli: Any) -> None:
    """A name can be used once."""
    cli.job("print('hello')", "--name", "mine")

    done = cli("fit", "train.py", "--name", "mine")

    assert done.code == 2
    assert "there is already a job 'mine' on local" in done.err
    assert "hint: choose another job_name" in done.err


def test_syntax_error_in_the_script(cli: Any) -> None:
    """The job fails, not the client, and the log holds the traceback."""
    cli.write("train.py", "def broken(:\n    pass\n")

    done = cli("fit", "train.py")

    assert done.code == 100
    assert "SyntaxError" in done.out
    assert "syntax error" in done.err


def test_missing_extra(cli: Any) -> None:
    """A backend whose library is not installed says what to install."""
    site = cli.folder / "site"
    cli.write("site/acme_anyfit.py", "import acme_sdk_that_is_not_there")
    cli.write("site/acme_anyfit-1.0.dist-info/METADATA", "Name: acme-anyfit\nVersion: 1.0\nProvides-Extra: acme\n")
    cli.write("site/acme_anyfit-1.0.dist-info/entry_points.txt", "[anyfit.backends]\nacme = acme_anyfit\n")
    cli.environ["PYTHONPATH"] = str(site)

    done = cli("specs", "-b", "acme")
    listed = cli("backends", "--json").json()

    assert done.code == 2
    assert "acme_sdk_that_is_not_there" in done.err
    assert "hint: pip install 'acme_anyfit[acme]'" in done.err
    assert [backend["name"] for backend in listed if backend["fault"]] == ["acme"]


def test_broken_configuration(cli: Any) -> None:
    """A fault of anyfit.toml is named with its line by every command that needs it, and by doctor."""
    cli.write("anyfit.toml", 'backend = "local"\nlanguge = "en"\n')

    done = cli("specs")
    checked = cli("doctor")

    assert done.code == 2
    assert "anyfit.toml:2: languge: unknown, did you mean 'language'?" in done.err
    assert checked.code == 2
    assert "broken" in checked.out


def test_config_check(cli: Any) -> None:
    """Every fault of the file is told at once, whichever backend it is about, and by doctor once only."""
    cli.write("anyfit.toml", "[local]\ngrace_secnds = 3\n[profiles.p.ti]\nregoin = 'x'\n")

    wrong = cli("config", "check")
    told = cli("config", "check", "--json")
    checked = cli("doctor")
    assert (wrong.code, told.code, checked.code) == (2, 2, 2)
    for fault in ("anyfit.toml:2: local.grace_secnds: unknown", "anyfit.toml:4: profiles.p.ti.regoin: unknown"):
        assert fault in wrong.err and fault in told.json()["message"]
        assert checked.out.count(fault) == 1

    cli.write("anyfit.toml", "backend = 'locl'\n[profiles.p]\nbackend = 'x'\n")
    missing = cli("config", "check")
    assert "anyfit.toml:1: backend: there is no backend 'locl', did you mean 'local'?\n" in missing.err
    assert "anyfit.toml:3: profiles.p.backend: there is no backend 'x', installed: local, " in missing.err
    assert "there is no backend 'locl'" in cli("doctor").out

    cli.write("anyfit.toml", "[local]\ngrace_seconds = 3\n")
    right = cli("config", "check")
    assert (right.code, right.out, right.err) == (0, "", "anyfit: nothing is wrong in anyfit.toml\n")
    assert cli("config", "check", "--json").json() == {"read": [str(cli.folder / "anyfit.toml")]}


def test_config(cli: Any) -> None:
    """The configuration is shown with where each value comes from."""
    cli.write("anyfit.toml", "tags = {team = 'vision'}\n[local]\ngrace_seconds = 3\npython = {env = 'PYTHON'}\n")

    shown = cli("config", "show", "--origin", "--json").json()

    assert shown["local.grace_seconds"] == {"value": 3, "origin": "anyfit.toml:3 [local]"}
    assert shown["backend"] == {"value": "local", "origin": "default"}
    values = cli("config", "show", "--json").json()
    assert values["tags"] == {"team": "vision"}
    assert values["allow_secrets"] == []
    assert values["local.python"] == {"env": "PYTHON"}
    assert values["local.install_requirements"] is False
    assert re.search(r"(?m)^local.python +\{env = \"PYTHON\"\}$", cli("config", "show").out)
    assert cli("config", "path").out == f"{cli.folder / 'anyfit.toml'}\n"
    (cli.folder / "anyfit.toml").unlink()
    assert cli("config", "path").out == ""


def test_home_that_cannot_be_used(cli: Any) -> None:
    """A home that is no folder, or a journal that is none, is told without a traceback."""
    home = cli.write("a-file", "x")
    cli.environ["ANYFIT_HOME"] = str(home)
    first = cli("jobs")
    cli.environ["ANYFIT_HOME"] = str(cli.folder / "other")
    cli.write("other/journal.sqlite3", "this is no database" * 100)
    second = cli("jobs")

    for done in (first, second):
        assert done.code == 4
        assert done.err.startswith("anyfit: error: the journal in ")
        assert "ANYFIT_HOME" in done.err
    cli.environ["ANYFIT_HOME"] = str(home)
    cli.write("train.py", "pass")
    planned = cli("plan", "train.py")
    assert planned.code == 4 and "cannot be packed into" in planned.err and "ANYFIT_HOME" in planned.err
    cli.environ["ANYFIT_HOME"] = str(cli.folder / "none")


def test_words_that_are_no_text(cli: Any) -> None:
    """Bytes that are no UTF-8, as in names from other systems, are shown and refused."""
    word = os.fsdecode(b"\xd6\xd0.py")
    cli.write("train.py", "pass")
    cli.write(word, "pass")

    for words in (("fit", word), ("fit", "train.py", "--", word), ("status", word), ("predict", word, "--data", "1")):
        done = cli(*words)
        assert done.code == 2, done.err
        assert "anyfit: error: \\udcd6\\udcd0.py holds bytes that are no UTF-8\nhint: rename" in done.err


def test_predict_refuses_what_is_no_data(cli: Any) -> None:
    """What cannot be sent is refused before anybody is asked."""
    assert "--data: is not JSON" in cli("predict", "x", "--data", "[1,").err
    assert "cannot read nothing.csv" in cli("predict", "x", "--file", "nothing.csv").err
    assert "one of the arguments" in cli("predict", "x").err


def test_two_clients_at_once(cli: Any) -> None:
    """Any number of clients may share a fresh home; each job is journalled once."""
    cli.write("train.py", "print('hello')")
    clients = [cli.start("fit", "train.py", "--name", f"job-{number}", "--quiet") for number in range(4)]

    ends = [(client.communicate(timeout=60), client.returncode) for client in clients]

    assert ends == [(("hello\n", ""), 0)] * 4
    assert sorted(job["name"] for job in cli("jobs", "--json").json()) == [f"job-{number}" for number in range(4)]


def test_the_same_name_at_once(cli: Any) -> None:
    """Of clients that want one name, one gets it."""
    cli.write("train.py", "print('hello')")
    clients = [cli.start("fit", "train.py", "--name", "mine", "--quiet") for _ in range(3)]

    codes = []
    for client in clients:
        client.communicate(timeout=60)
        codes.append(client.returncode)

    assert sorted(codes) == [0, 2, 2]


def test_a_terminal_without_unicode(cli: Any) -> None:
    """What the terminal cannot show is written in another way, and is no fault."""
    cli.write("train.py", "import sys; sys.stdout.buffer.write('\\u00e9\\u4e2d\\n'.encode())")
    environ = {**cli.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        cli.command("fit", "train.py"), cwd=cli.folder, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert done.stdout == "\\xe9\\u4e2d\n"


@pytest.mark.parametrize("folder", ["file/new", "x" * 300])
def test_init_where_nothing_can_be(cli: Any, folder: str) -> None:
    """A folder that cannot be made, or whose name no disk takes, is named with the system's word."""
    cli.write("file", "")

    done = cli("init", folder)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"anyfit: error: {folder}") and "cannot be written: " in done.err


def test_the_configuration_is_no_job_file(cli: Any) -> None:
    """It is not read as one, nor thought to be meant where a job file is misspelt."""
    cli.write("anyfit.toml", "[profiles.far]\n")

    assert "anyfit.toml is the configuration, and no job file" in cli("fit", "anyfit.toml").err
    assert "did you mean" not in cli("fit", "fit.toml").err


def test_doctor_of_a_profile(cli: Any) -> None:
    """The backend and the profile that are asked for are looked at."""
    cli.write("anyfit.toml", "[profiles.far]\nbackend = 'ti'\n")

    assert "anyfit.toml; backend ti" in cli("doctor", "-p", "far").out
    assert "anyfit.toml; backend modelarts" in cli("doctor", "-p", "far", "-b", "modelarts").out
    assert "there is no profile 'near'" in cli("doctor", "-p", "near").out


def test_credentials_that_a_profile_has(cli: Any) -> None:
    """Whoever forgets the profile is told of those that have settings of the backend, and of no others."""
    cli.write("anyfit.toml", "[profiles.far.ti]\nsecret_id = 'x'\n[profiles.near.local]\nhost = 'x'\n")
    cli.write("train.py", "")

    done = cli("fit", "train.py", "-b", "ti")

    assert done.code == 3
    assert "ti: secret_id and secret_key are not set" in done.err
    assert done.err.endswith("; or choose a profile that has them: -p far\n")


def test_doctor_of_an_account_that_is_not_set(cli: Any) -> None:
    """A backend that is installed is not said to be ready as long as nobody has an account for it."""
    cli.write("anyfit.toml", "[profiles.far.ti]\nsecret_id = {env = 'ID'}\nsecret_key = {env = 'KEY'}\n")
    cli.environ |= {"ID": "id", "KEY": "key"}
    row = r"(?m)^ok +backend ti +Tencent TI, both generations"

    assert re.search(f"{row}; no account is set, which all but plan needs$", cli("doctor").out)
    assert re.search(f"{row}$", cli("doctor", "-p", "far").out)
    assert re.search(r"(?m)^ok +backend local +processes of this machine, no account needed$", cli("doctor").out)


def test_numbers_of_a_backend_that_cannot_be(cli: Any) -> None:
    """They are told with their line by whatever reads the configuration."""
    cli.write("anyfit.toml", "[local]\ngrace_seconds = -1\n\n[ti]\npoll_seconds = -1\n")

    done = cli("config", "check")

    assert done.code == 2
    assert "anyfit.toml:2: local.grace_seconds: expected 0 or more, got -1" in done.err
    assert "anyfit.toml:5: ti.poll_seconds: expected 0 or more, got -1" in done.err
