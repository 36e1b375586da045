"""Endpoints: real servers, real workers, real requests."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import EndpointRef, EndpointState, EndpointStatus, Named, Payload
from anyfit.codec import dumps
from anyfit.errors import Conflict, NotFound, PredictionError, ServiceError, SpecError
from anyfit.spec import EndpointSpec, ModelSpec, Variant

HANDLER = """
    import os, time
    from anyfit_inference import BadRequest

    def model_fn(model_dir):
        if os.environ.get("BROKEN"):
            raise RuntimeError("the weights are gone")
        with open(os.path.join(model_dir, "factor.txt")) as file:
            return float(file.read())

    def predict_fn(data, model):
        if data == "crash":
            return 1 / 0
        if data == "refuse":
            raise BadRequest("I do not like this")
        if data == "die":
            os.kill(os.getpid(), 9)
        if data == "pid":
            return os.getpid()
        if data == "colour":
            return os.environ.get("COLOUR", "none")
        if isinstance(data, dict):
            open(data["began"], "w").close()
            while not os.path.exists(data["until"]):
                time.sleep(0.005)
            return "waited"
        print("scaling", data)
        if isinstance(data[0], list):
            return [[model * value for value in row] for row in data]
        return [model * value for value in data]
"""


class Served:
    """What tests do with endpoints."""

    def __init__(self, rig: Any, folder: Path) -> None:
        self.rig = rig
        self.backend = rig.backend
        self._folder = folder
        self._code = rig.code(HANDLER, "inference.py")

    def model(self, factor: float = 2, name: str = "scaler", **fields: Any) -> str:
        """The text reference of a new model version that multiplies by `factor`."""
        folder = self._folder / f"factor-{name}-{factor}"
        folder.mkdir(exist_ok=True)
        (folder / "factor.txt").write_text(str(factor))
        spec = ModelSpec(name=name, artifact=folder.as_uri(), code=self._code, **fields)
        return str(self.backend.register(spec))

    def deploy(self, *variants: Variant, name: str = "e") -> EndpointRef:
        """A new endpoint that is ready."""
        spec = EndpointSpec(name=name, variants=variants or (Variant(model=self.model()),))
        ref: EndpointRef = self.backend.deploy(spec)
        state = self.rig.wait_endpoint(ref)
        assert state.status is EndpointStatus.READY, state.reason
        return ref

    def ask(self, ref: EndpointRef, data: Any, client: Any = None) -> Any:
        """One prediction."""
        answer = (client or self.backend).invoke(ref, Payload(json.dumps(data).encode(), "application/json"))
        return json.loads(answer.body)

    def http(self, ref: EndpointRef, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        """One bare request."""
        host = self.backend.endpoint(ref).url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else {**answer.headers}


@pytest.fixture
def served(rig: Any, tmp_path: Path) -> Iterator[Served]:
    """Endpoints of a fresh backend."""
    yield Served(rig, tmp_path)


def test_a_model_is_served(served: Served) -> None:
    """Deploy answers with a reference at once; the endpoint tells where it is and what it serves."""
    model = served.model()
    spec = EndpointSpec(name="e", variants=(Variant(model=model),), tags={"team": "a"})
    ref = served.backend.deploy(spec)
    state = served.rig.wait_endpoint(ref)

    assert EndpointRef.parse(str(ref)) == ref
    assert (state.status, state.spec, state.reason) == (EndpointStatus.READY, spec, "")
    assert state.url.startswith("http://127.0.0.1:") and state.created_at is not None
    assert served.ask(ref, [1, 2]) == [2.0, 4.0]
    assert served.backend.endpoints() == [Named("e", ref)]
    assert served.backend.find_endpoint("e") == ref and served.backend.find_endpoint("f") is None


def test_other_content_types_work(served: Served) -> None:
    """CSV in, CSV out; what nobody knows is refused."""
    ref = served.deploy()
    answer = served.backend.invoke(ref, Payload(b"1,2\n3,4\n", "text/csv", "text/csv"))

    assert (answer.content_type, answer.body.split()) == ("text/csv", [b"2.0,4.0", b"6.0,8.0"])
    with pytest.raises(PredictionError, match="415") as fault:
        served.backend.invoke(ref, Payload(b"x", "image/png"))
    assert fault.value.status == "415" and fault.value.exit_code == 2


def test_the_server_survives_its_client(served: Served) -> None:
    """A client killed after deploy leaves a server that others use."""
    spec = EndpointSpec(name="orphan", variants=(Variant(model=served.model()),))
    program = """
import os, signal, sys
from pathlib import Path
from anyfit.codec import loads
from anyfit.spec import EndpointSpec
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
LocalBackend(Settings(), Path(sys.argv[1])).deploy(loads(EndpointSpec, sys.stdin.read()))
os.killpg(0, signal.SIGKILL)
"""
    home = str(served.rig.folder / "home")
    command = [sys.executable, "-c", program, home]
    done = subprocess.run(command, input=dumps(spec), text=True, start_new_session=True, check=False)
    ref = served.backend.find_endpoint("orphan")

    assert done.returncode == -signal.SIGKILL
    assert served.rig.wait_endpoint(ref).status is EndpointStatus.READY
    assert served.ask(ref, [1]) == [2.0]


def test_faults_have_clear_bodies_and_the_server_goes_on(served: Served) -> None:
    """What the handler refuses is 4xx, what it crashes on is 5xx, with its own message and place."""
    ref = served.deploy()
    with pytest.raises(PredictionError, match=r"refused the payload \(400\).*I do not like this") as refused:
        served.ask(ref, "refuse")
    with pytest.raises(PredictionError, match=r"\(500\): ZeroDivisionError: division by zero \(inference.py") as broken:
        served.ask(ref, "crash")
    with pytest.raises(PredictionError, match="400"):
        served.backend.invoke(ref, Payload(b"{", "application/json"))

    assert refused.value.message.startswith(f"endpoint {ref.id} refused the payload")
    assert (refused.value.status, refused.value.exit_code) == ("400", 2)
    assert (broken.value.status, broken.value.exit_code) == ("500", 4)
    assert served.ask(ref, [1]) == [2.0]
    log = [line.text for line in served.backend.endpoint_logs(ref).lines]
    assert any("ZeroDivisionError" in text for text in log) and "scaling [1]" in log


def test_a_worker_that_dies_is_replaced(served: Served) -> None:
    """The request that killed it gets an answer, and the next one a new worker."""
    ref = served.deploy()
    before = served.ask(ref, "pid")
    with pytest.raises(PredictionError, match=r"\(500\): WorkerLost.*SIGKILL"):
        served.ask(ref, "die")
    os.kill(after := served.ask(ref, "pid"), signal.SIGKILL)

    assert after != before
    assert served.ask(ref, "pid") not in (before, after)


def test_workers_answer_at_the_same_time(served: Served, tmp_path: Path) -> None:
    """Each worker of a variant is a process; one that is busy keeps nobody waiting."""
    ref = served.deploy(Variant(model=served.model(), instance_count=3))
    gate = {"until": str(tmp_path / "gate")}
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(served.ask, ref, gate | {"began": str(tmp_path / f"b{n}")}) for n in range(2)]
        for number in range(2):
            _until_exists(tmp_path / f"b{number}")
        free = {served.ask(ref, "pid") for _ in range(4)}
        (tmp_path / "gate").touch()

    assert len(free) == 1
    assert [each.result() for each in busy] == ["waited", "waited"]


def test_a_handler_that_takes_too_long_is_cut_off(served: Served, tmp_path: Path) -> None:
    """504 for the one, a new worker for all others."""
    served = Served(served.rig.with_settings(request_seconds=0.3), tmp_path)
    ref = served.deploy()
    with pytest.raises(PredictionError, match=r"\(504\).*longer than 0\.3 s"):
        served.ask(ref, {"began": str(tmp_path / "began"), "until": str(tmp_path / "never")})

    _until(lambda: _answers(served, ref))


def _answers(served: Served, ref: EndpointRef) -> bool:
    try:
        return bool(served.ask(ref, [1]) == [2.0])
    except PredictionError:
        return False


def test_health_and_information(served: Served) -> None:
    """`/ping` and `/info` are for monitors and people."""
    ref = served.deploy(Variant(model=served.model(), instance_count=2))
    served.ask(ref, [1])

    assert served.http(ref, "GET", "/ping") == (200, {"status": "READY"})
    assert served.http(ref, "GET", "/info") == (
        200,
        {
            "name": "e",
            "status": "READY",
            "generation": 1,
            "variants": [{"model": "scaler/1", "weight": 1.0, "workers": 2, "requests": 1, "faults": 0}],
        },
    )
    status, headers = served.http(ref, "HEAD", "/ping")
    assert status == 200 and headers["content-type"] == "application/json"


def test_wrong_requests_get_errors_in_json(served: Served) -> None:
    """Unknown paths, wrong methods, bodies beyond the limit."""
    served = Served(served.rig.with_settings(max_request_mib=1), served.rig.folder)
    ref = served.deploy()

    status, body = served.http(ref, "GET", "/nothing")
    assert status == 404 and body["error"]["type"] == "NotFound" and "/invocations" in body["error"]["message"]
    status, body = served.http(ref, "GET", "/invocations")
    assert status == 405 and body["error"]["type"] == "MethodNotAllowed"
    with pytest.raises(PredictionError, match=r"\(413\).*1048576 bytes"):
        served.backend.invoke(ref, Payload(b" " * (1 << 20) + b"1", "application/json"))
    host, _, port = served.backend.endpoint(ref).url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert served.ask(ref, [1]) == [2.0]


def test_half_a_request_is_not_answered(served: Served) -> None:
    """What a client began to send before it went away never reaches the handler."""
    ref = served.deploy()
    host, _, port = served.backend.endpoint(ref).url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[1, 2]")
    for _ in range(10):
        served.ask(ref, [1])

    assert served.http(ref, "GET", "/info")[1]["variants"][0]["requests"] == 10


def test_a_model_that_cannot_be_loaded_fails_the_endpoint(served: Served, helpers: Any) -> None:
    """With the last line of what the handler said."""
    variant = Variant(model=served.model(environment={"BROKEN": "1"}))
    ref = served.backend.deploy(EndpointSpec(name="e", variants=(variant,)))
    state = served.rig.wait_endpoint(ref)

    assert state.status is EndpointStatus.FAILED
    assert state.reason.endswith("RuntimeError: the weights are gone")
    with pytest.raises(ServiceError, match=r"FAILED.*the weights are gone"):
        served.ask(ref, [1])
    assert any("Traceback" in line.text for line in served.backend.endpoint_logs(ref).lines)


def test_traffic_is_shared_by_weights(served: Served) -> None:
    """Exactly, and evenly spread."""
    ref = served.deploy(
        Variant(model=served.model(1), weight=3),
        Variant(model=served.model(10), weight=1, environment={"COLOUR": "red"}),
        Variant(model=served.model(100), weight=0),
    )
    answers = [served.ask(ref, [1])[0] for _ in range(16)]

    assert answers[:4].count(10.0) == 1
    assert (answers.count(1.0), answers.count(10.0)) == (12, 4)
    assert {served.ask(ref, "colour") for _ in range(4)} == {"none", "red"}


def test_an_update_leaves_no_gap(served: Served) -> None:
    """While models change every request is answered, by the old ones or the new."""
    ref = served.deploy()
    url = served.backend.endpoint(ref).url
    answers: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(served.ask(ref, [1])[0])

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        _until(lambda: answers)
        spec = EndpointSpec(name="e", variants=(Variant(model=served.model(5)),))
        served.backend.update_endpoint(ref, spec)
        _until(lambda: answers and answers[-1] == 5.0)
        stop.set()
        asking.result()

    assert set(answers) == {2.0, 5.0} and answers == sorted(answers)
    state = served.backend.endpoint(ref)
    assert (state.status, state.url, state.spec) == (EndpointStatus.READY, url, spec)


def test_an_update_that_fails_changes_nothing(served: Served) -> None:
    """The caller is told, and the former model goes on, also after a restart."""
    ref = served.deploy()
    former = served.backend.endpoint(ref).spec
    broken = EndpointSpec(name="e", variants=(Variant(model=served.model(5), environment={"BROKEN": "1"}),))
    with pytest.raises(ServiceError, match="the former models go on: RuntimeError: the weights are gone"):
        served.backend.update_endpoint(ref, broken)

    assert served.ask(ref, [1]) == [2.0]
    served.backend.stop_endpoint(ref)
    served.backend.start_endpoint(ref)
    assert served.rig.wait_endpoint(ref).spec == former
    assert served.ask(ref, [1]) == [2.0]


def test_stop_and_start_keep_the_address(served: Served) -> None:
    """A stopped endpoint says so, and comes back where it was; both are idempotent."""
    ref = served.deploy()
    url = served.backend.endpoint(ref).url
    served.backend.start_endpoint(ref)
    served.backend.stop_endpoint(ref)
    served.backend.stop_endpoint(ref)

    assert served.backend.endpoint(ref).status is EndpointStatus.STOPPED
    with pytest.raises(ServiceError, match=r"^endpoint e is STOPPED"):
        served.ask(ref, [1])
    served.backend.start_endpoint(ref)
    assert served.rig.wait_endpoint(ref).url == url
    assert served.ask(ref, [1]) == [2.0]


def test_the_port_is_none_of_those_that_clients_are_given(served: Served) -> None:
    """Else one of them might have it while the endpoint is stopped."""
    ref = served.deploy()

    assert 10_000 <= int(served.backend.endpoint(ref).url.rpartition(":")[2]) < 20_000


@pytest.mark.parametrize("how", [fcntl.LOCK_SH, fcntl.LOCK_EX], ids=["asks", "writes"])
def test_who_only_looks_does_not_keep_a_server_from_starting(served: Served, how: int) -> None:
    """A lock that somebody else holds for a moment is no other server."""
    ref = served.deploy()
    served.rig.backend.stop_endpoint(ref)
    handle = os.open(served.backend.home.endpoints / ref.id / "server.lock", os.O_RDWR)
    fcntl.flock(handle, how)
    threading.Timer(0.5, os.close, [handle]).start()
    served.rig.backend.start_endpoint(ref)

    assert served.rig.wait_endpoint(ref).status is EndpointStatus.READY


def test_an_update_of_a_stopped_endpoint_counts_from_its_start(served: Served) -> None:
    """Nothing is started by it."""
    ref = served.deploy()
    served.backend.stop_endpoint(ref)
    served.backend.update_endpoint(ref, EndpointSpec(name="e", variants=(Variant(model=served.model(7)),)))

    assert served.backend.endpoint(ref).status is EndpointStatus.STOPPED
    served.backend.start_endpoint(ref)
    served.rig.wait_endpoint(ref)
    assert served.ask(ref, [1]) == [7.0]


def test_another_port_when_somebody_has_taken_the_former(served: Served) -> None:
    """The endpoint comes back, and tells where."""
    ref = served.deploy()
    url = served.backend.endpoint(ref).url
    served.backend.stop_endpoint(ref)
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        served.backend.start_endpoint(ref)

        assert served.rig.wait_endpoint(ref).url != url
        assert served.ask(ref, [1]) == [2.0]


def test_stopping_finishes_what_is_under_way(served: Served, tmp_path: Path) -> None:
    """A request that was accepted is answered."""
    ref = served.deploy()
    gate = {"began": str(tmp_path / "began"), "until": str(tmp_path / "gate")}
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(served.ask, ref, gate)
        _until_exists(tmp_path / "began")
        stopping = pool.submit(served.backend.stop_endpoint, ref)
        _until(lambda: served.backend.endpoint(ref).status is EndpointStatus.STOPPING)
        (tmp_path / "gate").touch()
        stopping.result()

        assert asked.result() == "waited"
    assert served.backend.endpoint(ref).status is EndpointStatus.STOPPED


def test_a_killed_server_is_told_and_leaves_nothing(served: Served, helpers: Any) -> None:
    """It can be started again."""
    ref = served.deploy()
    worker = served.ask(ref, "pid")
    status = served.backend.home.endpoints / "e" / "status.json"
    os.kill(json.loads(status.read_text())["server"][0], signal.SIGKILL)
    state: EndpointState = helpers.until(lambda: _unless_ready(served, ref))

    assert state.status is EndpointStatus.FAILED and "its server was killed" in state.reason
    helpers.until(lambda: not helpers.alive(worker) or None)
    served.backend.start_endpoint(ref)
    assert served.rig.wait_endpoint(ref).status is EndpointStatus.READY
    assert served.ask(ref, [1]) == [2.0]


def _unless_ready(served: Served, ref: EndpointRef) -> EndpointState | None:
    state = served.backend.endpoint(ref)
    return None if state.status is EndpointStatus.READY else state


def test_delete_leaves_nothing_but_the_model(served: Served, helpers: Any) -> None:
    """Server, workers and folder are gone; deleting again is no error."""
    ref = served.deploy()
    worker = served.ask(ref, "pid")
    served.backend.undeploy(ref)
    served.backend.undeploy(ref)

    assert not helpers.alive(worker)
    assert served.backend.endpoints() == [] and list(served.backend.home.endpoints.iterdir()) == []
    assert len(served.backend.models()) == 1
    with pytest.raises(NotFound, match="no endpoint 'e'"):
        served.backend.endpoint(ref)


def test_names_are_unique_and_models_must_exist(served: Served) -> None:
    """Of clients at the same time one wins; nothing is left of the others."""
    spec = EndpointSpec(name="e", variants=(Variant(model=served.model()),))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _deployed(served, spec), range(4)))

    assert sorted(answers) == ["conflict"] * 3 + ["local://localhost/e"]
    assert [p.name for p in served.backend.home.endpoints.iterdir()] == ["e"]
    ghost = EndpointSpec(name="f", variants=(Variant(model="local://localhost/ghost/1"),))
    with pytest.raises(NotFound, match="no model 'ghost/1'"):
        served.backend.deploy(ghost)
    for variants in ((), (Variant(model=served.model(), weight=0),), (Variant(model=served.model(), weight=-1),)):
        with pytest.raises(SpecError, match="variants"):
            served.backend.deploy(EndpointSpec(name="f", variants=variants))


def _deployed(served: Served, spec: EndpointSpec) -> str:
    try:
        return str(served.backend.deploy(spec))
    except Conflict:
        return "conflict"


def test_proxies_are_passed_by(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, whatever the environment says."""
    ref = served.deploy()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert served.ask(ref, [1]) == [2.0]


def test_a_missing_server_package_is_named(served: Served, tmp_path: Path) -> None:
    """With the one line that installs it."""
    spec = EndpointSpec(name="e", variants=(Variant(model=served.model()),))
    program = """
import sys
sys.modules["uvicorn"] = None
from pathlib import Path
from anyfit.codec import loads
from anyfit.errors import UsageError
from anyfit.spec import EndpointSpec
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
try:
    LocalBackend(Settings(), Path(sys.argv[1])).deploy(loads(EndpointSpec, sys.stdin.read()))
except UsageError as fault:
    print(fault.hint)
"""
    command = [sys.executable, "-c", program, str(served.rig.folder / "home")]
    done = subprocess.run(command, input=dumps(spec), capture_output=True, text=True, check=False)

    assert done.stdout == "pip install 'anyfit[serve]'\n", done.stderr
    assert served.backend.endpoints() == []


def _until(look: Any) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _until_exists(path: Path) -> None:
    _until(path.exists)
