"""Services: bodies, machines, states, traffic, events, figures; and asking them with tokens, signatures and forms."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import EndpointRef, EndpointStatus, ModelRef, ModelStatus, Offering, Payload
from anyfit.code.bundle import pack_code
from anyfit.errors import AuthError, Conflict, NotFound, PredictionError, ServiceError, SpecError, UsageError
from anyfit.job import find_job
from anyfit.model import Model
from anyfit.predictor import Predictor
from anyfit.removal import removal_of
from anyfit.spec import EndpointSpec, ModelSpec, Variant
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit.testing.scripts import WEIGHTS
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.machines import machines, machines_for, with_machines
from anyfit_modelarts.service_bodies import service_body, update_body
from anyfit_modelarts.settings import Settings

Make = Callable[..., ModelArtsBackend]
UUID = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"
REF = EndpointRef("modelarts", "cn-north-4", UUID)
MODEL = f"modelarts://cn-north-4/{UUID}"
OTHER = "modelarts://cn-north-4/11111111-0a38-4e4c-9d5c-3f2e1a8b7c6d"
MACHINES = (
    Offering(spec_id="modelarts.vm.cpu.2u", cpus=2, memory_gib=8, tasks=("serve",)),
    Offering(spec_id="modelarts.vm.gpu.p4", cpus=8, memory_gib=32, gpu_model="P4", gpu_count=1, tasks=("serve",)),
)
ONE = EndpointSpec(name="e", variants=(Variant(model=MODEL),))
SERVICE = f"/v1/services/{UUID}"
HANDLER = """
import json
def model_fn(folder): return folder
def input_fn(body, content_type): return [content_type.partition(";")[0], len(body)]
def output_fn(prediction, accept):
    if accept == "text/csv":
        return ",".join(map(str, prediction)), accept
    return json.dumps(prediction), "application/json"
def predict_fn(data, model): return data
"""
OWN = """
from model_service.pytorch_model_service import PTServingBaseService
from helper import WORD
class Mine(PTServingBaseService):
    def __init__(self, model_name, model_path):
        self.path = model_path
    def _preprocess(self, data):
        read = lambda files: {file: content.read().decode() for file, content in files.items()}
        return {name: read(files) for name, files in data.items()}
    def _inference(self, data):
        if "crash" in str(data):
            raise KeyError("no such {thing}")
        return data
    def _postprocess(self, data):
        return {"word": WORD, "model": self.path.rpartition("/")[2], **data}
"""


def body(spec: EndpointSpec = ONE, **settings: Any) -> dict[str, Any]:
    """The body that deploys."""
    return service_body(spec, MACHINES, Settings(**settings))


# bodies


def test_refused_before_anything_is_sent() -> None:
    """What the platform would not take is refused by the name of its field."""
    two = evolve(ONE, variants=(Variant(model=MODEL), Variant(model=MODEL)))
    wrong: list[tuple[EndpointSpec, str]] = [
        (evolve(ONE, name="a b"), "endpoint_name: 'a b'"),
        (evolve(ONE, variants=()), "variants: there is nothing to serve"),
        (two, f"models: {MODEL} is there twice"),
        (evolve(ONE, description="<b>"), "description: ModelArts takes no < there"),
        (evolve(ONE, description="x" * 101), "description: 101 characters"),
        (_with(instance_count=129), "initial_instance_count: 129 are too many"),
        (_with(instance_type="A100:8"), "instance_type: nobody here offers 'A100:8'"),
        (_with(instance_type="custom"), r"options\.modelarts\.custom_spec: missing"),
        (
            evolve(_with(instance_type="mem=4GB"), options={"pool_name": "p"}),
            "instance_type: 'mem=4GB' says not enough",
        ),
        (evolve(ONE, options={"custom_spec": {"cpu": 1, "memory": 1}}), "custom_spec: it needs a dedicated pool"),
        (evolve(ONE, options={"pool_name": "p", "custom_spec": {"cpu": 1}}), "custom_spec: cpu and memory are needed"),
        (
            evolve(ONE, options={"pool_name": "p", "custom_spec": {"cpu": 1, "memory": 0.5}}),
            "custom_spec: memory: 0.5 is no whole number",
        ),
        (evolve(ONE, options={"vpc_id": "v"}), "vpc_id, subnet_network_id and security_group_id go together"),
        (evolve(ONE, options={"schedule": [{"type": "stop"}]}), "schedule: write type"),
        (evolve(ONE, options={"schedule": [_stop(time_unit="WEEKS")]}), "schedule: time_unit: 'WEEKS'"),
        (evolve(ONE, options={"schedule": [_stop(duration=0)]}), "schedule: duration: 0 is no whole number"),
        (evolve(ONE, options={"load_balancer_policy": "RANDOM"}), r"options\.modelarts\.load_balancer_policy"),
        (evolve(ONE, options={"priority": 4}), "priority: 4 is not from 1 to 3"),
    ]
    for spec, told in wrong:
        with pytest.raises(SpecError, match=told):
            body(spec)


def test_models_of_others() -> None:
    """A model of another backend is none here."""
    with pytest.raises(NotFound, match="there is no model 'ti://x/y' on ModelArts"):
        body(evolve(ONE, variants=(Variant(model="ti://x/y"),)))


def _with(**fields: Any) -> EndpointSpec:
    return evolve(ONE, variants=(Variant(model=MODEL, **fields),))


def _stop(**changes: Any) -> dict[str, Any]:
    return {"type": "stop", "time_unit": "HOURS", "duration": 2, **changes}


def test_update_keeps_a_part_of_a_pool() -> None:
    """What an instance has of a dedicated pool stays as it is where an update says nothing of it."""
    spec = {"cpu": 2, "memory": 4096}
    config = [{"model_id": UUID, "specification": "custom", "custom_spec": spec, "pool_name": "p"}]
    variants = tuple(Variant(model=model, instance_type="custom", weight=3) for model in (MODEL, OTHER))
    made = update_body(evolve(ONE, variants=variants), MACHINES, config)

    assert [(part["custom_spec"], part["pool_name"], part["weight"]) for part in made["config"]] == [
        (spec, "p", 50)
    ] * 2


def test_update_keeps_its_machine() -> None:
    """A machine that a service has already is kept, also where nobody could have another one."""
    spec = _with(instance_type="gone", instance_count=2)
    config = [{"model_id": UUID, "specification": "gone", "instance_count": 1}]

    assert update_body(spec, MACHINES, config)["config"][0]["specification"] == "gone"
    with pytest.raises(SpecError, match="instance_type: "):
        update_body(spec, MACHINES, [])


def test_machines(script: Any, scripted: Make) -> None:
    """A machine that costs nothing is taken only by name; one that trains as well stands in lists once."""
    usual = {"spec_status": "normal", "memory_info": {"unit": "MB", "memory": 8192}, "cpu_info": {"cpu": 2}}
    free = {**usual, "specification": "free", "is_free": True, "cpu_info": {"cpu": 1}}
    sold = {**usual, "specification": "gone", "spec_status": "sellout", "cpu_info": {"cpu": 1}}
    card = {**usual, "specification": "gpu", "gpu_info": {"version": "P4", "gpu": 1, "unit": "MB", "memory": 8192}}
    rows = [free, sold, {**usual, "specification": "two"}, card]
    script.on("GET /v1/services/specifications", {"total_count": 4, "specifications": rows})
    script.on("POST /v1/services", {"service_id": UUID})
    backend = scripted()
    for wanted in ("", "free", "gpu:1"):
        backend.deploy(_with(instance_type=wanted))
    asked = [body["config"][0]["specification"] for body in script.calls("POST /v1/services")]

    assert asked == ["two", "free", "gpu"]
    with pytest.raises(SpecError, match="sold out"):
        backend.deploy(_with(instance_type="gone"))
    found = {each.spec_id: each for each in machines_for(backend._client, _with(instance_type="free"))}
    assert (found["gpu"].gpu_model, found["gpu"].gpu_memory_gib, found["two"].memory_gib) == ("P4", 8, 8)
    train = [Offering(spec_id="two", cpus=2, memory_gib=8), Offering(spec_id="gpu", cpus=4, memory_gib=8)]
    merged = with_machines(train, machines(backend._client))
    assert [(each.spec_id, each.tasks) for each in merged] == [
        ("two", ("train", "serve")),
        ("gpu", ("train",)),
        ("free", ("serve",)),
        ("gone", ("serve",)),
        ("gpu", ("serve",)),
    ]


# by script


def detail(status: str = "running", **more: Any) -> dict[str, Any]:
    """A service as the platform shows it."""
    part = {"model_id": UUID, "weight": "100", "specification": "modelarts.vm.cpu.2u", "instance_count": 2}
    part["envs"] = {"A": "1", "ANYFIT_SERVICE_VARIABLES": "A"}
    usual = {"service_id": UUID, "service_name": "e", "status": status, "config": [part]}
    return {**usual, "publish_at": 1767323040000, "description": "ours", **more}


@pytest.mark.parametrize(
    ("word", "url", "status"),
    [
        ("deploying", "", EndpointStatus.CREATING),
        ("deploying", "http://x", EndpointStatus.UPDATING),
        ("pending", "", EndpointStatus.CREATING),
        ("waiting", "", EndpointStatus.CREATING),
        ("running", "http://x", EndpointStatus.READY),
        ("concerning", "http://x", EndpointStatus.READY),
        ("failed", "", EndpointStatus.FAILED),
        ("stopping", "", EndpointStatus.STOPPING),
        ("stopped", "", EndpointStatus.STOPPED),
        ("deleting", "", EndpointStatus.STOPPING),
        ("finished", "", EndpointStatus.STOPPED),
        ("odd", "", EndpointStatus.UNKNOWN),
    ],
)
def test_words(script: Any, scripted: Make, word: str, url: str, status: EndpointStatus) -> None:
    """The platform's words become neutral ones, and what it serves is told without anyfit's own variable."""
    script.on(f"GET {SERVICE}", detail(word, access_address=url, error_msg="so it is" if word == "failed" else ""))
    state = scripted().endpoint(REF)

    assert (state.status, state.native, state.url) == (status, word, url)
    assert bool(state.reason) == (word in ("failed", "concerning", "deleting"))
    assert state.spec is not None
    (variant,) = state.spec.variants
    assert (variant.model, variant.weight, variant.instance_count) == (MODEL, 100, 2)
    assert variant.environment == {"A": "1"}


def test_start_and_stop(script: Any, scripted: Make) -> None:
    """What is so already is not asked for again."""
    backend = scripted()
    for status in ("stopped", "running", "deploying", "concerning"):
        script.on(f"GET {SERVICE}", detail(status))
        script.on(f"PUT {SERVICE}", {})
        backend.start_endpoint(REF)
        backend.stop_endpoint(REF)

    asked = [body["status"] for body in script.calls(f"PUT {SERVICE}")]
    assert asked == ["running", "stopped", "stopped", "stopped"]


def test_start_of_what_is_stopping(script: Any, scripted: Make, pauses: list[float]) -> None:
    """A service that is stopping has a minute for it, for the platform starts none meanwhile."""
    script.on(f"PUT {SERVICE}", {})
    script.on(f"GET {SERVICE}", detail("stopping"), detail("stopping"), detail("stopped"))
    scripted().start_endpoint(REF)

    assert pauses == [0.01] * 2
    assert script.calls(f"PUT {SERVICE}") == [{"status": "running"}]
    pauses.clear()
    script.on(f"GET {SERVICE}", detail("stopping"))
    script.on(f"PUT {SERVICE}", (400, {"error_code": "ModelArts.3519", "error_msg": "The service is stopping."}))
    with pytest.raises(UsageError, match="is stopping"):
        scripted(poll_seconds=7.0).start_endpoint(REF)
    assert pauses == [7.0] * 9


def test_names(script: Any, scripted: Make) -> None:
    """The platform finds parts of names; those that are about to go are nobody's."""
    rows = [("e2", "running"), ("e", "deleting"), ("e", "running")]
    services = [{"service_id": f"id{n}", "service_name": name, "status": s} for n, (name, s) in enumerate(rows)]
    script.on("GET /v1/services", {"total_count": 3, "services": services})
    backend = scripted(workspace="w")
    found = backend.find_endpoint("e")

    assert found is not None
    assert found.id == "id2"
    assert backend.find_endpoint("x") is None
    assert [named.name for named in backend.endpoints()] == ["e2", "e"]
    assert "service_name=e&" in f"{script.asked[1].path}&"
    assert "workspace_id=w" in script.asked[1].path


def test_lost_answer(script: Any, scripted: Make) -> None:
    """After a lost answer the service is looked up by its name, and never asked for twice."""
    machine = {"specification": "m", "cpu_info": {"cpu": 2}, "memory_info": {"unit": "GB", "memory": 8}}
    script.on("GET /v1/services/specifications", {"total_count": 1, "specifications": [machine]})
    script.on("POST /v1/services", None)
    script.on("GET /v1/services", {"total_count": 1, "services": [{"service_id": UUID, "service_name": "e"}]})
    script.on(f"GET {SERVICE}", detail(config=[{"model_id": UUID, "weight": "100", "specification": "m"}]))
    backend = scripted()

    assert backend.deploy(ONE) == REF
    script.on("GET /v1/services", {"total_count": 0, "services": []})
    with pytest.raises(ServiceError, match="no answer from"):
        backend.deploy(ONE)
    assert len(script.calls("POST /v1/services")) == 2


def test_events(script: Any, scripted: Make) -> None:
    """Events are told once each, oldest first, also those of one moment; the cursor needs nothing remembered."""
    rows = [{"event_type": "normal", "event_info": f"event {n}", "occur_time": 1000 + n // 2} for n in range(4)]
    rows[3]["event_type"] = "abnormal"
    script.on(f"GET {SERVICE}/events", {"total_count": 3, "events": rows[:3]})
    first = scripted().endpoint_logs(REF)
    script.on(f"GET {SERVICE}/events", {"total_count": 2, "events": rows[2:]})
    second = scripted().endpoint_logs(REF, first.cursor)

    assert [line.text for line in first.lines] == ["event 0", "event 1", "event 2"]
    assert [line.text for line in second.lines] == ["abnormal: event 3"]
    assert scripted().endpoint_logs(REF, second.cursor).lines == ()
    assert "start_time=1001" in script.asked[-1].path


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "ModelArts.3503", Conflict),
        (404, "ModelArts.3507", NotFound),
        (400, "ModelArts.3515", UsageError),
        (400, "ModelArts.3516", SpecError),
        (400, "ModelArts.3522", UsageError),
        (400, "ModelArts.3547", SpecError),
        (400, "ModelArts.3976", UsageError),
    ],
)
def test_error_codes(script: Any, scripted: Make, status: int, code: str, kind: type[Exception]) -> None:
    """The codes of services become the errors that they mean."""
    machine = {"specification": "m", "cpu_info": {"cpu": 2}, "memory_info": {"unit": "GB", "memory": 8}}
    script.on("GET /v1/services/specifications", {"total_count": 1, "specifications": [machine]})
    script.on("POST /v1/services", (status, {"error_code": code, "error_msg": "so it is"}))
    with pytest.raises(kind, match=f"endpoint e: ModelArts answers {status} .{code}.: so it is"):
        scripted().deploy(ONE)


# asking, by script

JSON = Payload(b"[1]", "application/json")


@pytest.fixture
def asked(script: Any, scripted: Make) -> Callable[..., ModelArtsBackend]:
    """A client of a service that answers at /infer."""

    def make(*answers: Any, apis: Any = None, **settings: Any) -> ModelArtsBackend:
        script.on(f"GET {SERVICE}", detail(access_address=f"{script.url}/infer"))
        script.on(f"GET /v1/models/{UUID}", {"config": json.dumps({"apis": apis or []})})
        script.on("POST /infer", *(answers or ([{"ok": 1}],)))
        return scripted(**settings)

    return make


def test_token_and_signature(script: Any, asked: Any) -> None:
    """The session's own way is used: a token, or a signature with the stage that it is for."""
    asked().invoke(REF, JSON)
    asked(access_key="AK", secret_key="geheim", project_id="0123456789abcdef0123456789abcdef").invoke(REF, JSON)
    first, second = script.headers("POST /infer")

    assert first["X-Auth-Token"] == "token-1"
    assert second["Authorization"].startswith("SDK-HMAC-SHA256 Access=AK, SignedHeaders=")
    assert second["x-stage"] == "RELEASE"
    assert "x-stage" in second["Authorization"]


def test_token_that_has_ended(script: Any, asked: Any) -> None:
    """A token that the gateway no longer takes is replaced once; a login that it never takes is an AuthError."""
    stale = (401, {"error_code": "APIG.0301", "error_msg": "decrypt token fail"})
    backend = asked(stale, {"ok": 1})

    assert backend.invoke(REF, JSON).body == b'{"ok": 1}'
    script.on("POST /infer", stale)
    with pytest.raises(AuthError, match="does not take the login: decrypt token fail"):
        backend.invoke(REF, JSON)


def test_address_is_asked_for_once(script: Any, asked: Any) -> None:
    """Further calls go straight to the service."""
    backend = asked()
    for _ in range(3):
        backend.invoke(REF, JSON)

    assert len(script.calls(f"GET {SERVICE}")) == 1


FILES = [{"request": {"data": {"properties": {"note": {"type": "string"}, "images": {"type": "file"}}}}}]
WRAPS = [{"request": {"data": {"properties": {"anyfit_body": {"type": "string"}}}}}]


def test_form(script: Any, asked: Any) -> None:
    """A model that takes files gets the payload as one, in its field, under a name that says what it is."""
    asked(apis=FILES).invoke(REF, Payload(b"\x89PNG", "image/png"))
    (sent,), (headers,) = script.calls("POST /infer"), script.headers("POST /infer")

    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="images"; filename="payload.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in sent


def test_wrapped(script: Any, asked: Any) -> None:
    """A model of anyfit's gets what is no JSON wrapped in it, and its answers are unwrapped."""
    answer = {"anyfit_body": base64.b64encode(b"1,2\n").decode(), "anyfit_content_type": "text/csv"}
    found = asked(answer, apis=WRAPS).invoke(REF, Payload(b"a,b", "text/csv", "text/csv"))

    assert (found.body, found.content_type) == (b"1,2\n", "text/csv")
    assert script.calls("POST /infer") == [
        {
            "anyfit_body": base64.b64encode(b"a,b").decode(),
            "anyfit_content_type": "text/csv",
            "anyfit_accept": "text/csv",
        }
    ]


def test_payload_that_nobody_takes(script: Any, asked: Any) -> None:
    """A model that takes neither files nor wrapped payloads gets JSON and forms alone."""
    backend = asked()
    form = Payload(b"--x--", "multipart/form-data; boundary=x")
    backend.invoke(REF, form)
    backend.invoke(REF, evolve(JSON, accept="text/csv"))

    with pytest.raises(SpecError, match=r"data: endpoint .* takes no text/csv"):
        backend.invoke(REF, Payload(b"1,2", "text/csv"))
    with pytest.raises(PredictionError, match="ModelArts takes 12 MB") as caught:
        backend.invoke(REF, Payload(b"x" * (12 << 20) + b"x", "application/json"))
    assert caught.value.status == "413"
    assert len(script.calls("POST /infer")) == 2


@pytest.mark.parametrize("status", [200, 500])
def test_refusals_of_the_handler(asked: Any, status: int) -> None:
    """They come with whatever status, and say in anyfit's words what the handler meant."""
    told = {"status": 400, "error": {"type": "ValueError", "message": "no", "where": "inference.py:3 in input_fn"}}
    backend = asked((status, {"erno": "MR.0105", "msg": f"Refused: {json.dumps(told)}", "words_result": {}}))
    with pytest.raises(PredictionError, match=r"refused the payload \(400\): ValueError: no \(inference\.py:3"):
        backend.invoke(REF, JSON)


def test_crash_of_other_code(asked: Any) -> None:
    """What code of one's own has raised is shown as it is."""
    backend = asked((200, {"erno": "MR.0105", "msg": "KeyError: '{thing}'"}))
    with pytest.raises(PredictionError, match=r"failed on the payload \(500\): KeyError: '\{thing\}'"):
        backend.invoke(REF, JSON)


@pytest.mark.parametrize(
    ("answer", "state", "kind", "told"),
    [
        ((503, {"error_code": "ModelArts.4503", "error_msg": "no"}), "stopped", ServiceError, "is STOPPED"),
        ((404, {"error_code": "APIG.0101", "error_msg": "no"}), "deploying", ServiceError, "is UPDATING"),
        ((404, {"error_code": "APIG.0101", "error_msg": "no API"}), "running", PredictionError, "404.: no API"),
        ((413, {"error_code": "APIG.0201", "error_msg": "large"}), "running", PredictionError, "413.: large"),
        ((429, {"error_code": "ModelArts.4206", "error_msg": "x"}), "running", ServiceError, "too many requests"),
        ((502, b"<html>"), "running", PredictionError, "502.: <html>"),
        ((405, b"Method Not Allowed"), "running", PredictionError, "405.: Method Not Allowed"),
    ],
)
def test_refusals_of_the_gateway(
    script: Any, asked: Any, answer: Any, state: str, kind: type[Exception], told: str
) -> None:
    """An endpoint that does not serve is told from one that refuses a payload."""
    backend = asked(answer)
    shown = detail(access_address=f"{script.url}/infer")
    script.on(f"GET {SERVICE}", shown, {**shown, "status": state})
    with pytest.raises(kind, match=told):
        backend.invoke(REF, JSON)


@pytest.mark.parametrize(
    ("state", "hint"), [("stopped", "start it: anyfit endpoints start e"), ("failed", "look again: anyfit endpoints e")]
)
def test_hint_has_the_name(script: Any, asked: Any, state: str, hint: str) -> None:
    """Who asks an endpoint that does not serve is told what to type, with the endpoint's name."""
    backend = asked()
    script.on(f"GET {SERVICE}", detail(state))
    with pytest.raises(ServiceError, match="endpoint e is ") as caught:
        backend.invoke(REF, JSON)

    assert caught.value.hint == hint


def test_endpoint_that_is_gone(script: Any, asked: Any) -> None:
    """A service that is no longer there is NotFound, also for a client that knew it."""
    backend = asked()
    backend.invoke(REF, JSON)
    script.on("POST /infer", (404, {"error_code": "APIG.0101", "error_msg": "no"}))
    script.on(f"GET {SERVICE}", (404, {"error_code": "ModelArts.3502", "error_msg": "gone"}))
    with pytest.raises(NotFound):
        backend.invoke(REF, JSON)


# on the emulator


@pytest.fixture
def served(connect: Make, bench: Callable[[Any], Bench], tmp_path: Path) -> Callable[..., Predictor]:
    """Serves a model whose code is these files."""
    at = bench(connect())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.pth").write_text("w")

    def make(entry_point: str, files: Mapping[str, str], **options: Any) -> Predictor:
        for name, text in files.items():
            (tmp_path / "src").mkdir(exist_ok=True)
            (tmp_path / "src" / name).write_text(text)
        code, handler = pack_code(entry_point, str(tmp_path / "src"), (), tmp_path / "bundles")
        spec = ModelSpec(name=at.name(), artifact=(tmp_path / "model").as_uri(), code=code, options=options)
        ref = at.backend.register(evolve(spec, entry_point=handler))
        at._models.append(ref)
        (info,) = at.backend.models(spec.name)
        model = Model(at.session, at.backend, info)
        model.wait()
        return at.deploy(at.variant(model))

    return make


def test_content_types(served: Any) -> None:
    """Whatever is sent arrives as what it is, and an answer comes as it is asked for."""
    predictor = served("inference.py", {"inference.py": HANDLER})

    assert predictor.predict([1, 2]) == ["application/json", 6]
    assert predictor.predict(b"1,2", content_type="text/csv") == ["text/csv", 3]
    assert predictor.predict(b"x" * 1000) == ["application/octet-stream", 1000]
    assert predictor.predict(b"1,2", content_type="text/csv", accept="text/csv") == [["text/csv", 3]]
    form = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.jpg"\r\n\r\njpeg\r\n--x--\r\n'
    assert predictor.predict(form, content_type="multipart/form-data; boundary=x") == ["image/jpeg", 4]


def test_service_of_ones_own(served: Any) -> None:
    """A customize_service.py in the code answers as on the platform: files come as a form in its own field."""
    config = {
        "model_algorithm": "image_classification",
        "model_type": "PyTorch",
        "runtime": "python3.6",
        "apis": [
            {
                "url": "/",
                "method": "post",
                "request": {
                    "Content-type": "multipart/form-data",
                    "data": {"type": "object", "properties": {"images": {"type": "file"}}},
                },
                "response": {"Content-type": "application/json"},
            }
        ],
    }
    files = {"customize_service.py": OWN, "helper.py": "WORD = 'mine'\n", "config.json": json.dumps(config)}
    predictor = served("customize_service.py", files)

    assert predictor.predict(b"1,2", content_type="text/csv") == {
        "word": "mine",
        "model": "net.pth",
        "images": {"payload.csv": "1,2"},
    }
    with pytest.raises(PredictionError, match=r"failed on the payload \(500\): .*no such \{thing\}"):
        predictor.predict(b"crash", content_type="text/plain")


def test_events_and_figures(served: Any) -> None:
    """The log tells what happened; the figures count calls, those that failed among them."""
    predictor = served("inference.py", {"inference.py": HANDLER.replace("return data\n", "return [data[0] / 1]\n")})
    with pytest.raises(PredictionError):
        predictor.predict([1])
    series = {each.name.partition(" ")[2] or each.name: each.points[-1].value for each in predictor.metrics()}

    assert any("running" in line.text for line in predictor.logs())
    assert (series["invocation_times"], series["failed_times"]) == (1, 1)
    assert series["requests"] == 1


def test_broken_handler(served: Any) -> None:
    """A handler that cannot be loaded fails the endpoint, with the platform's own words."""
    with pytest.raises(ServiceError, match="is FAILED: "):
        served("inference.py", {"inference.py": "import no_such_module\n"})


def test_model_must_be_ready(connect: Make) -> None:
    """A model that is not there cannot be served."""
    backend = connect()
    with pytest.raises(NotFound):
        backend.deploy(ONE)
    with pytest.raises(NotFound):
        backend.endpoint(REF)
    assert ModelStatus.READY not in {info.status for info in backend.models("no-such")}
    assert ModelRef.parse(MODEL).id == UUID


def test_removing_everything(connect: Make, bench: Callable[[Any], Bench], cloud: Mapping[str, str]) -> None:
    """On a machine that never saw them, a job goes with its endpoint, its model and all that lies in the bucket."""
    at = bench(connect(folder="all"))
    job = at.run(at.spec(WEIGHTS, handler=HANDLER))
    model = at.register(job)
    predictor = at.deploy(at.variant(model))
    there = bench(connect(folder="all"))
    ref = there.backend.find(job.spec.key)
    assert ref is not None
    removal = removal_of(find_job(there.session, str(ref)), everything=True)
    lines = removal.lines()
    plain = removal_of(find_job(there.session, str(ref)), everything=False).lines()
    removal.run()
    root = Uri.parse(f"obs://{cloud['bucket']}/all/")

    assert lines[:3] == [
        f"job {job.spec.key} (SUCCEEDED) and its log",
        f"endpoint {predictor.name}",
        f"model {model.name}:{model.version}",
    ]
    assert f" in {root}jobs/{job.spec.key}/" in lines[3]
    assert plain == lines[:1]
    assert there.backend.find(job.spec.key) is None
    assert there.backend.find_endpoint(predictor.name) is None
    assert there.backend.models(model.name) == []
    assert list(there.backend.store(root).list(root.key)) == []
