"""The roads to a service: bucket in the host, TLS, the older signature, and keys that boto3 finds by itself."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from attrs import evolve

from anyfit.errors import AuthError, StorageError
from anyfit.storage import StoreSettings, Uri, open_store, sync
from anyfit_emulator.storage import ObjectStoreServer

SettingsOf = Callable[..., StoreSettings]
TREE = {f"small/{n}": os.urandom(3000 + n) for n in range(30)} | {"middle": os.urandom(300_000), "空 a+b%": b""}


@pytest.fixture
def names_below_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names below localhost resolve, which plain glibc does not do."""
    resolve = socket.getaddrinfo

    def local(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", local)


class Front:
    """Takes TLS connections and passes what they carry to a server."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, raw: socket.socket) -> None:
        with (
            raw,
            suppress(OSError),
            self._context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._behind)) as server,
            selectors.DefaultSelector() as poll,
        ):
            poll.register(client, selectors.EVENT_READ, server)
            poll.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in poll.select():
                    data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)
                    while key.fileobj is client and client.pending():
                        server.sendall(client.recv(client.pending()))

    def close(self) -> None:
        """Take no more connections; those that clients close are gone soon."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that nobody trusts."""
    return trustme.CA()


@pytest.fixture
def front(server: ObjectStoreServer, bucket: str, authority: trustme.CA) -> Iterator[Callable[[str], int]]:
    """Gives the port of a TLS front of the endpoint of a scheme."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", f"{bucket}.localhost").configure_cert(context)
    fronts: list[Front] = []

    def start(scheme: str) -> int:
        fronts.append(Front(context, server.cos_port if scheme == "cos" else server.s3_port))
        return fronts[-1].port

    yield start
    for one in fronts:
        one.close()


def _goes_there_and_back(settings: StoreSettings, scheme: str, bucket: str, directory: Path) -> None:
    """Small files in batches, large ones in parts, listings and control calls arrive by this road."""
    tree = TREE | {"large": os.urandom(9 << 20)}
    for name, data in tree.items():
        path = directory / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    remote = Uri(scheme, bucket, "data/")
    for source, target in ((directory / "source", remote), (remote, directory / "back")):
        report = sync(source, target, settings=settings, state_dir=directory / "state")
        assert (report.failures, report.copied, report.unproven) == ((), len(tree), 0)
    for name, data in tree.items():
        assert (directory / "back" / name).read_bytes() == data
    with closing(open_store(remote, settings)) as store:
        store.copy(store, "data/middle", "data/copy")
        assert store.read("data/copy") == tree["middle"]
        assert list(store.delete_many(["data/copy", "data/middle"])) == []
        assert len(list(store.list("data/"))) == len(tree) - 1


@pytest.mark.usefixtures("names_below_localhost")
@pytest.mark.parametrize("scheme", ["s3", "obs"])
@pytest.mark.parametrize("fast", [True, False], ids=["direct", "library"])
def test_the_bucket_in_the_host(
    server: ObjectStoreServer, bucket: str, settings_of: SettingsOf, tmp_path: Path, scheme: str, fast: bool
) -> None:
    """With virtual addressing the host names the bucket, and everything goes to it."""
    settings = evolve(
        settings_of(server, scheme, fast=fast), endpoint=f"http://localhost:{server.s3_port}", addressing="virtual"
    )
    _goes_there_and_back(settings, scheme, bucket, tmp_path)
    with closing(open_store(Uri(scheme, bucket), settings)) as store:
        assert store.presign("data/large").startswith(f"http://{bucket}.localhost:{server.s3_port}/data/large?")


_TLS = [
    ("s3", True, "path"),
    ("s3", False, "path"),
    ("s3", True, "virtual"),
    ("s3", False, "virtual"),
    ("cos", True, "auto"),
    ("cos", False, "auto"),
]


@pytest.mark.usefixtures("names_below_localhost")
@pytest.mark.parametrize(("scheme", "fast", "addressing"), _TLS)
def test_tls(
    server: ObjectStoreServer,
    bucket: str,
    settings_of: SettingsOf,
    front: Callable[[str], int],
    authority: trustme.CA,
    tmp_path: Path,
    scheme: str,
    fast: bool,
    addressing: Any,
) -> None:
    """A certificate of an authority that the settings name is good; without that name it is refused at once."""
    host = "localhost" if addressing == "virtual" else "127.0.0.1"
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    plain = settings_of(server, scheme, fast=fast)
    settings = evolve(plain, endpoint=f"https://{host}:{front(scheme)}", addressing=addressing)
    _goes_there_and_back(evolve(settings, verify=str(tmp_path / "authority.pem")), scheme, bucket, tmp_path)
    with closing(open_store(Uri(scheme, bucket), settings)) as store:
        with pytest.raises(StorageError, match="certificate is not trusted") as caught:
            store.read("data/large")
        assert "verify" in caught.value.hint


@pytest.mark.usefixtures("names_below_localhost")
def test_a_certificate_of_another_host(
    server: ObjectStoreServer,
    bucket: str,
    settings_of: SettingsOf,
    front: Callable[[str], int],
    authority: trustme.CA,
    tmp_path: Path,
) -> None:
    """The direct path refuses a certificate that is not for the host, and takes any when told not to verify."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    settings = evolve(settings_of(server), endpoint=f"https://localhost:{front('s3')}", addressing="virtual")
    strict = evolve(settings, verify=str(tmp_path / "authority.pem"))
    place = Uri("s3", server.bucket)
    with closing(open_store(place, strict)) as store, pytest.raises(StorageError, match="certificate is not trusted"):
        store.put("key", b"content")
    with closing(open_store(place, evolve(settings, verify=False))) as store:
        store.put("key", b"content")
        assert store.read("key") == b"content"


def test_the_older_signature(server: ObjectStoreServer, bucket: str, settings_of: SettingsOf, tmp_path: Path) -> None:
    """An OBS service that knows version 2 alone is served by the library, with the same results."""
    settings = evolve(settings_of(server, "obs"), signature="v2", fast=None)
    _goes_there_and_back(settings, "obs", bucket, tmp_path)
    with closing(open_store(Uri("obs", bucket), settings)) as store:
        url = store.presign("data/small/1")
    assert "AWSAccessKeyId=" in url and "X-Amz" not in url
    assert requests.get(url, timeout=60).content == TREE["small/1"]
    wrong = evolve(settings, secret_key="wrong")
    with closing(open_store(Uri("obs", bucket), wrong)) as store, pytest.raises(AuthError, match="DoesNotMatch"):
        store.put("key", b"content")


def test_keys_of_the_environment(
    server: ObjectStoreServer, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without settings s3 takes keys, token, region and endpoint from where boto3 finds them."""
    server.add_credential("CHAINED", "secret", token="of-the-chain", expires_in=600)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.s3_endpoint)
    with closing(open_store(f"s3://{bucket}/")) as store, pytest.raises(AuthError, match="no credentials"):
        store.put("key", b"content")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "CHAINED")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-chain")
    with closing(open_store(f"s3://{bucket}/")) as store:
        store.put("key", b"content")
        assert store.read("key") == b"content"
