"""`anyfit emulate`: clouds on this machine, and the profile that it prints."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from terminal import on_terminal
from waiting import within


@contextmanager
def emulated(cli: Any, *words: str) -> Iterator[subprocess.Popen[str]]:
    """An emulator that is ready; what it printed is in anyfit.toml."""
    ready = cli.folder / "ready.json"
    ready.unlink(missing_ok=True)
    config = cli.folder / "anyfit.toml"
    with config.open("w") as out:
        config.chmod(0o600)
        command = cli.command("emulate", *words, "--ready-file", str(ready))
        process = subprocess.Popen(
            command, cwd=cli.folder.parent, env=cli.environ, stdout=out, stderr=subprocess.PIPE, text=True
        )
    with process:
        try:
            deadline = time.monotonic() + 60
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def test_the_printed_profile_works(cli: Any) -> None:
    """What it prints, saved as anyfit.toml, is all that is needed; SIGTERM ends it."""
    with emulated(cli, "storage") as process:
        text = (cli.folder / "anyfit.toml").read_text()
        assert text.splitlines()[0] == "# for anyfit.toml; keep it to yourself: chmod 600 anyfit.toml"
        [example] = re.findall(r"(?m)^# anyfit (ls -p emulator s3://\S+)$", text)
        listed = cli(*example.split())
        bucket = example.partition("s3://")[2]
        for scheme in ("s3", "obs", "cos"):
            assert cli("cp", "-", f"{scheme}://{bucket}{scheme}", "-p", "emulator", stdin=scheme).code == 0
        printed = cli("cat", "-p", "emulator", *(f"s3://{bucket}{scheme}" for scheme in ("s3", "obs", "cos")))
        shown = cli("config", "show", "--json", "-p", "emulator").json()
        process.send_signal(signal.SIGTERM)
        with within(3):
            assert process.wait(60) == 0

    assert (listed.code, listed.out, listed.err) == (0, "", "")
    assert printed.out == "s3obscos"
    assert shown["storage.cos.secret_key"] == "****"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["moon"], "invalid choice: 'moon'"),
        (["storage", "--faults", "boom=1"], "boom"),
        (["storage", "--dta", "x"], "did you mean '--data'?"),
        (["storage", "--port", "99999"], "'99999' is no port from 0 to 65535"),
        (["storage", "--port", "http"], "'http' is no port from 0 to 65535"),
    ],
)
def test_usage(cli: Any, words: list[str], message: str) -> None:
    """What is misspelt is named, as with every command."""
    done = cli("emulate", *words)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("anyfit: error: ") and message in done.err


def asked_for(cli: Any) -> dict[str, int]:
    """How often the object store was asked for what."""
    place = json.loads((cli.folder / "ready.json").read_text())["modelmaker"]["s3_endpoint"]
    with urllib.request.urlopen(f"{place}/_emulator/requests") as answer:
        counts: dict[str, int] = json.load(answer)["counts"]
    return counts


def test_inputs_on_their_way(cli: Any) -> None:
    """While `fit` uploads inputs a terminal tells how far it is; when that is interrupted, there is no job."""
    cli.write("train.py", "pass")
    (cli.folder / "data").mkdir()
    (cli.folder / "data" / "large").write_bytes(bytes(30 << 20))
    words = ("fit", "train.py", "--input", "train=data", "-p", "emulator", "-b", "modelmaker", "--name", "mine")
    with emulated(cli, "modelmaker", "--faults", "error=503:1,only=UploadPart"):
        with cli.start(*words) as process:
            while not asked_for(cli).get("CreateMultipartUpload"):
                assert process.poll() is None
            with within(15):
                process.send_signal(signal.SIGINT)
                out, err = process.communicate()
        jobs = cli("jobs", "--all").err
    with emulated(cli, "modelmaker"):
        code, drawn = on_terminal(cli, *words, "--no-wait")

    assert (process.returncode, out) == (130, "")
    told = "anyfit: interrupted; nothing was submitted. The same again goes on with what is left to upload\n"
    assert err.endswith(told) and jobs.startswith("anyfit: no jobs")
    assert code == 0, drawn
    assert re.search(r"\r\033\[Kupload [\d.]+ MB of 31.5 MB, 0 of 1 files, ", drawn), drawn


def test_what_cannot_be_had(cli: Any) -> None:
    """A port in use, a file in the way of the data and a ready file that has no folder are told in one line."""
    cli.write("file", "")
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        port = str(used.getsockname()[1])
        taken = cli("emulate", "storage", "--port", port)
        behind = cli("emulate", "storage", "--port", "65535")
    no_folder = cli("emulate", "storage", "--data", "file")
    unready = cli("emulate", "storage", "--ready-file", "none/ready.json")

    assert [done.code for done in (taken, behind, no_folder, unready)] == [4, 4, 4, 4]
    assert taken.err == f"anyfit: error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert behind.err.startswith("anyfit: error: ") and behind.err.count("\n") == 1
    assert no_folder.err == f"anyfit: error: {cli.folder}/file/.emulator: Not a directory\n"
    assert unready.err == "anyfit: error: cannot write none/ready.json: No such file or directory\n"


def test_the_backend_in_force_opens_its_own_store(cli: Any) -> None:
    """Without a table of the scheme the credentials of the profile's backend count; a table is stronger."""
    with emulated(cli, "modelmaker"):
        bucket = re.findall(r'(?m)^bucket = "(.*)"$', (cli.folder / "anyfit.toml").read_text())[0]
        chosen = ("-p", "emulator", "-b", "modelmaker")
        put = cli("cp", "-", f"s3://{bucket}/k", *chosen, stdin="hello")
        got = cli("cat", f"s3://{bucket}/k", *chosen)
        cli.environ["ANYFIT_STORAGE_S3_ACCESS_KEY"] = cli.environ["ANYFIT_STORAGE_S3_SECRET_KEY"] = "another"
        cli.environ["ANYFIT_STORAGE_S3_ENDPOINT"] = "http://127.0.0.1:1"
        refused = cli("cat", f"s3://{bucket}/k", *chosen)

    assert (put.code, got.out) == (0, "hello")
    assert (refused.code, "127.0.0.1:1" in refused.err) == (4, True)
