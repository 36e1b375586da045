"""The object store as a server that can be started and stopped."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from anyfit_emulator.http import HttpServer
from anyfit_emulator.storage.app import StorageApp
from anyfit_emulator.storage.call import Options
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.dialects import COS, S3
from anyfit_emulator.storage.faults import FaultPlan, Faults
from anyfit_emulator.storage.requestlog import RequestLog
from anyfit_emulator.storage.store import SYSTEM_DIRECTORY, ObjectStore
from anyfit_emulator.storage.uploads import Uploads

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["APP_ID", "ObjectStoreServer"]

APP_ID = "1250000000"
HOST = "127.0.0.1"
BUCKET = f"anyfit-{APP_ID}"


class ObjectStoreServer:
    """An S3/OBS endpoint and a COS endpoint over one directory.

        with ObjectStoreServer(tmp_path) as server:
            boto3.client("s3", endpoint_url=server.s3_endpoint,
                         aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key)

    Both endpoints show the same buckets and objects. A request's dialect is told from its signature; the endpoint
    decides only for requests that do not show it. Without `data_dir` everything is gone when the server stops.

    Args:
        data_dir: Where objects are kept, as plain files; may hold those of an earlier server.
        buckets: Made at the start, unless they exist.
        access_key: Made up, and kept in `data_dir`, unless given; so is `secret_key`.
        s3_port: 0 for any free port; so is `cos_port`.
        faults: A `Faults` or a specification of some.
        options: How the service is set up.
        http: A running server to listen with; else an own one.

    Attributes:
        access_key: Of the keys that are valid for ever; `secret_key` goes with it.
        bucket: The first of the buckets; its name has an APPID suffix, as COS needs it.
        credentials: All keys that are let in; temporary ones may be added at any time.
        requests: What was asked so far.
        store: The objects themselves, for the owning process.
    """

    def __init__(
        self,
        data_dir: Path | str | None = None,
        *,
        buckets: Iterable[str] = (BUCKET,),
        access_key: str = "",
        secret_key: str = "",
        host: str = HOST,
        s3_port: int = 0,
        cos_port: int = 0,
        faults: Faults | str = "",
        options: Options | None = None,
        http: HttpServer | None = None,
    ) -> None:
        self._temporary = None if data_dir else tempfile.mkdtemp(prefix="anyfit-emulator-")
        self.data_dir = Path(data_dir or self._temporary or ".")
        self._host = host
        self._ports = (s3_port, cos_port)
        self.options = options or Options()
        self._plan = FaultPlan(Faults.parse(faults) if isinstance(faults, str) else faults)
        self.requests = RequestLog()
        self.store = ObjectStore(self.data_dir)
        self.uploads = Uploads(self.store)
        self.access_key, self.secret_key = _keys(self.data_dir, access_key, secret_key)
        self.credentials = CredentialTable(Credential(self.access_key, self.secret_key))
        names = list(buckets)
        for name in names:
            self.store.create_bucket(name)
        self.bucket = names[0] if names else ""
        self._own_http = http is None
        self._http = http or HttpServer()
        self.s3_port = self.cos_port = 0
        self._stopped = False

    @property
    def s3_endpoint(self) -> str:
        """Where S3 and OBS clients are pointed."""
        return f"http://{self._host}:{self.s3_port}"

    @property
    def cos_endpoint(self) -> str:
        """Where COS clients are pointed."""
        return f"http://{self._host}:{self.cos_port}"

    @property
    def faults(self) -> Faults:
        """What goes wrong; assign a `Faults` or a specification to change that at once."""
        return self._plan.faults

    @faults.setter
    def faults(self, faults: Faults | str) -> None:
        self._plan.replace(Faults.parse(faults) if isinstance(faults, str) else faults)

    def add_credential(
        self, access_key: str, secret_key: str, *, token: str = "", expires_in: float | None = None
    ) -> Credential:
        """Let further keys in, for so many seconds or for ever."""
        expires = None if expires_in is None else self.credentials.clock() + expires_in
        credential = Credential(access_key, secret_key, token, expires)
        self.credentials.add(credential)
        return credential

    def start(self) -> Self:
        """Accept connections."""
        if self._own_http:
            self._http.start()
        s3_port, cos_port = self._ports
        self.s3_port = self._listen("s3", s3_port)
        self.cos_port = self._listen("cos", cos_port)
        return self

    def stop(self) -> None:
        """Close everything; transfers under way are cut off. With a shared HTTP server, stop that one first."""
        if self._stopped:
            return
        self._stopped = True
        if self._own_http:
            self._http.stop()
        self.store.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self, name: str, port: int) -> int:
        app = StorageApp(
            self.store,
            self.uploads,
            self.credentials,
            self._plan,
            self.requests,
            self.options,
            COS if name == "cos" else S3,
        )
        return self._http.listen(app, host=self._host, port=port)


def _keys(data_dir: Path, access_key: str, secret_key: str) -> tuple[str, str]:
    """The keys that were given, or those of this directory, which are made up the first time."""
    if access_key and secret_key:
        return access_key, secret_key
    file = data_dir / SYSTEM_DIRECTORY / "credentials.json"
    if not file.exists():
        keys = {"access_key": f"EMU{secrets.token_hex(8).upper()}", "secret_key": secrets.token_urlsafe(30)}
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as stream:
            json.dump(keys, stream)
    known = json.loads(file.read_text())
    return access_key or known["access_key"], secret_key or known["secret_key"]
