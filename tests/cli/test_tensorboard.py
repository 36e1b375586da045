"""TensorBoard beside a job: a program of that name is started on the job's outputs and ends with the watching."""

from __future__ import annotations

from typing import Any

STAND_IN = """
    import pathlib, sys, time
    folder = pathlib.Path(sys.argv[sys.argv.index("--logdir") + 1])
    while not (folder / "events").exists():
        time.sleep(0.01)
    pathlib.Path("seen.txt").write_text((folder / "events").read_text())
    time.sleep(60)
"""
SCRIPT = """
    import os, pathlib, time
    pathlib.Path(os.environ["ANYFIT_OUTPUT_DIR"], "events").write_text("from the job")
    while not pathlib.Path(os.environ["SEEN"]).exists():
        time.sleep(0.01)
"""


def test_tensorboard_follows_the_outputs(cli: Any) -> None:
    """It sees what the running job writes, and `fit` ends although it would go on."""
    cli.write("modules/tensorboard/__init__.py", "")
    cli.write("modules/tensorboard/main.py", STAND_IN)
    cli.write("train.py", SCRIPT)
    cli.environ["PYTHONPATH"] = str(cli.folder / "modules")
    cli.environ["SEEN"] = str(cli.folder / "seen.txt")

    done = cli("fit", "train.py", "--tensorboard", "--set", "max_run=30")

    assert done.code == 0, done.err
    assert (cli.folder / "seen.txt").read_text() == "from the job"
    assert "tensorboard follows" in done.err


def test_a_missing_tensorboard_is_named(cli: Any) -> None:
    """Without it the job runs all the same, and a line says what to install."""
    cli.write("modules/sitecustomize.py", "import sys; sys.modules['tensorboard'] = None  # as if not installed")
    cli.write("train.py", "print('trained')")
    cli.environ["PYTHONPATH"] = str(cli.folder / "modules")

    done = cli("fit", "train.py", "--tensorboard")

    assert done.code == 0, done.err
    assert "pip install tensorboard" in done.err
