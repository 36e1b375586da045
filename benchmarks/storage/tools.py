"""The command lines that are compared; each is one process from shell to prompt."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

__all__ = ["Service", "Tool", "tools"]

HERE = Path(__file__).parent


@frozen
class Service:
    """Where and as whom."""

    s3_endpoint: str
    cos_endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    home: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What every tool is told; none of them looks for anything else."""
        return {
            **self._configuration("S3", self.s3_endpoint, "us-east-1"),
            **self._configuration("OBS", self.s3_endpoint, "cn-north-4"),
            **self._configuration("COS", self.cos_endpoint, "ap-guangzhou"),
            "ANYFIT_HOME": self.home,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "BENCH_S3": self.s3_endpoint,
            "BENCH_COS": self.cos_endpoint,
        }

    def _configuration(self, scheme: str, endpoint: str, region: str) -> dict[str, str]:
        values = {"ENDPOINT": endpoint, "REGION": region, "ACCESS_KEY": self.access_key, "SECRET_KEY": self.secret_key}
        return {f"ANYFIT_STORAGE_{scheme}_{name}": value for name, value in values.items()}


@frozen
class Tool:
    """One competitor: makes the command for a way, a local directory and a prefix."""

    name: str
    command: Callable[[str, Path, str], list[str]]


def tools(service: Service, scheme: str = "s3") -> list[Tool]:
    """All competitors; the first is what the others are measured against, and speaks S3 to the same server."""
    place = f"s3://{service.bucket}"
    ours = f"{scheme}://{service.bucket}"

    def s5cmd(way: str, local: Path, prefix: str) -> list[str]:
        base = ["s5cmd", "--log", "error", "--endpoint-url", service.s3_endpoint]
        remote = f"{place}/{prefix}/"
        return {
            "up": [*base, "cp", f"{local}/", remote],
            "down": [*base, "cp", f"{remote}*", f"{local}/"],
            "same": [*base, "sync", f"{local}/", remote],
        }[way]

    def anyfit(way: str, local: Path, prefix: str) -> list[str]:
        return _script("client.py", way, local, f"{ours}/{prefix}/")

    def command_line(way: str, local: Path, prefix: str) -> list[str]:
        ends = [f"{local}/", f"{ours}/{prefix}/"]
        verb = ["sync"] if way == "same" else ["cp", "-r"]
        command = str(Path(sys.executable).with_name("anyfit"))
        return [command, *verb, "-q", *(reversed(ends) if way == "down" else ends)]

    def library(way: str, local: Path, prefix: str) -> list[str]:
        return _script("client.py", way, local, f"{ours}/{prefix}/", "library")

    def awscli(way: str, local: Path, prefix: str) -> list[str]:
        base = ["aws", "--endpoint-url", service.s3_endpoint, "s3", "sync", "--only-show-errors"]
        ends = [f"{place}/{prefix}/", f"{local}/"]
        return [*base, *(ends if way == "down" else reversed(ends))]

    def boto3(way: str, local: Path, prefix: str) -> list[str]:
        return _script("boto3_pool.py", way, local, f"{service.bucket}/{prefix}/")

    def cos_sdk(way: str, local: Path, prefix: str) -> list[str]:
        return _script("cos_sdk.py", way, local, f"{service.bucket}/{prefix}/")

    rivals = [Tool("aws-s3-sync", awscli), Tool("boto3-pool", boto3)]
    return [
        Tool("s5cmd", s5cmd),
        Tool("anyfit", anyfit),
        Tool("anyfit-cli", command_line),
        Tool("anyfit-library", library),
        *([Tool("cos-sdk", cos_sdk)] if scheme == "cos" else rivals),
    ]


def _script(name: str, way: str, local: Path, remote: str, *more: str) -> list[str]:
    return [sys.executable, str(HERE / name), way, str(local), remote, *more]
