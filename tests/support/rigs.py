"""A cloud's emulator in this process, as the tests of every emulator use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import boto3
import requests

from anyfit_emulator.service import Room
from waiting import until


class Rig:
    """A room with the service in it, and short words for what tests do; a cloud's own rig adds the cloud's calls.

    Attributes:
        service_class: The cloud's service.
        store_keys: What of `keys` opens the store: access key and secret.
        keys: What a client needs to be pointed at the service.
    """

    service_class: ClassVar[Callable[..., Any]]
    store_keys: ClassVar[tuple[str, str]] = ("access_key", "secret_key")
    until = staticmethod(until)

    def __init__(self, data_dir: Path, faults: str = "", **options: Any) -> None:
        self.room = Room(data_dir, faults=faults)
        self.room.__enter__()
        self.service = type(self).service_class(self.room, **options)
        self.service.start()
        self.keys: dict[str, str] = self.service.ready()
        self.bucket = self.keys["bucket"]
        self.http = requests.Session()
        access, secret = (self.keys[name] for name in self.store_keys)
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=self.room.storage.s3_endpoint,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            region_name=self.keys["region"],
        )
        self._names = 0

    def close(self) -> None:
        """End everything."""
        self.http.close()
        self.s3.close()
        self.service.stop()
        self.room.__exit__()

    def name(self, stem: str = "job") -> str:
        """A name that nothing has yet."""
        self._names += 1
        return f"{stem}-{self._names}"

    def put(self, key: str, content: str | bytes) -> None:
        """An object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def put_files(self, prefix: str, **files: str | bytes) -> Any:
        """Objects below a prefix by name, dots written as `__`, slashes as `___`; answers their place."""
        for name, content in files.items():
            self.put(f"{prefix}/{name.replace('___', '/').replace('__', '.')}", content)
        return self.place(prefix)

    def place(self, prefix: str) -> Any:
        """A folder of the bucket as the cloud's calls write it."""
        raise NotImplementedError

    def objects(self, prefix: str) -> dict[str, bytes]:
        """What lies below a prefix, by relative key."""
        found = self.s3.list_objects(Bucket=self.bucket, Prefix=f"{prefix}/").get("Contents", [])
        keys = [item["Key"] for item in found]
        return {key[len(prefix) + 1 :]: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}
