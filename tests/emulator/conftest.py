"""A running object store, a client that signs by hand, and the rigs of clouds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from anyfit_emulator import ObjectStoreServer
from rigs import Rig


class Client:
    """Sends requests that botocore's own signer signed; `key` and `secret` may be spoilt."""

    def __init__(self, server: ObjectStoreServer) -> None:
        self.server = server
        self.key = server.access_key
        self.secret = server.secret_key
        self.token: str | None = None
        self.claimed: bytes | None = None  # sign this body and send another
        self.payload = ""  # sign this instead of the body's hash
        self.session = requests.Session()

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> requests.Response:
        """Ask; `path` begins behind the bucket and is sent as it stands."""
        url = f"{self.server.s3_endpoint}/{self.server.bucket}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, url, data=body if self.claimed is None else self.claimed, headers=named)
        signer: Any = S3SigV4Auth(Credentials(self.key, self.secret, self.token), "s3", "us-east-1")
        if self.payload:
            signer.payload = lambda request: self.payload
        signer.add_auth(request)
        prepared = requests.Request(method, url, data=body, headers=dict(request.headers.items())).prepare()
        prepared.url = url  # requests would normalise it
        return self.session.send(prepared, timeout=30)


def code_of(response: requests.Response) -> str:
    """The error code of a refusal."""
    return response.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObjectStoreServer]:
    """A server with an empty bucket."""
    with ObjectStoreServer(tmp_path / "data") as running:
        yield running


@pytest.fixture
def client(server: ObjectStoreServer) -> Iterator[Client]:
    """A client that is let in."""
    one = Client(server)
    yield one
    one.session.close()


@pytest.fixture
def error_code() -> Any:
    """Reads the code of an error document."""
    return code_of


@pytest.fixture(scope="module")
def rig(rig_class: type[Rig], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A cloud's emulator that the tests of a file share."""
    one = rig_class(tmp_path_factory.mktemp("rig"))
    yield one
    one.close()


@pytest.fixture
def make_rig(rig_class: type[Rig], tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes emulators of a test's own, on one directory unless told otherwise."""
    made: list[Rig] = []

    def make(data_dir: Path | None = None, **options: Any) -> Rig:
        made.append(rig_class(data_dir or tmp_path / "data", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
