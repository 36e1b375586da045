"""`python -m anyfit_emulator`: in the foreground, until it is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from emulated import emulated
from waiting import within


def s3(keys: dict[str, str]) -> Any:
    """A client made of the ready file."""
    return boto3.client(
        "s3",
        endpoint_url=keys["s3_endpoint"],
        aws_access_key_id=keys["access_key"],
        aws_secret_access_key=keys["secret_key"],
        region_name=keys["region"],
    )


def test_objects_and_keys_outlive_the_process(tmp_path: Path) -> None:
    """With --data the next start finds everything, and SIGTERM ends it in time."""
    data = str(tmp_path / "data")
    with emulated("storage", tmp_path, "--data", data) as (process, keys):
        client = s3(keys)
        client.put_object(Bucket=keys["bucket"], Key="a/b", Body=b"1")
        client.close()
        with within(3):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert keys["s3_endpoint"] in (tmp_path / "output.txt").read_text()
    with emulated("storage", tmp_path, "--data", data) as (process, again):
        client = s3(again)
        assert client.get_object(Bucket=keys["bucket"], Key="a/b")["Body"].read() == b"1"
        client.close()
        assert (again["access_key"], again["secret_key"]) == (keys["access_key"], keys["secret_key"])
        assert keys["bucket"].rpartition("-")[2] == keys["app_id"]


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """What was answered is there after kill -9."""
    data = str(tmp_path / "data")
    with emulated("storage", tmp_path, "--data", data) as (process, keys):
        client = s3(keys)
        for number in range(50):
            client.put_object(Bucket=keys["bucket"], Key=f"{number}", Body=b"1")
        client.close()
        process.kill()
    with emulated("storage", tmp_path, "--data", data) as (process, keys):
        client = s3(keys)
        assert len(client.list_objects_v2(Bucket=keys["bucket"])["Contents"]) == 50
        client.close()


def test_a_directory_in_use_is_one_line(tmp_path: Path) -> None:
    """The second emulator on a directory says so and ends."""
    data = str(tmp_path / "data")
    with emulated("storage", tmp_path, "--data", data):
        command = [sys.executable, "-m", "anyfit_emulator", "storage", "--data", data]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert second.returncode == 4
    assert second.stderr.startswith("anyfit: error: another emulator is using")


@pytest.mark.parametrize("arguments", [["moon"], ["--faults", "boom=1"]])
def test_wrong_arguments_are_usage_errors(arguments: list[str]) -> None:
    """Exit code 2 and the word that is wrong."""
    command = [sys.executable, "-m", "anyfit_emulator", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert arguments[-1] in done.stderr
