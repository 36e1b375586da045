"""Endpoints of both generations: tokens, weights, scaling, pauses, faults."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import evolve

from anyfit.backend import EndpointRef, EndpointStatus, ModelRef, Payload
from anyfit.code.bundle import pack_code
from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, Unsupported, UsageError
from anyfit.predictor import Predictor
from anyfit.spec import EndpointSpec, ModelSpec, Variant
from anyfit.storage import Uri
from anyfit.testing import Bench
from anyfit_ti.backend import TiBackend
from anyfit_ti.serving.views import living, matched, spec_of, status_of
from anyfit_ti.serving.wire import call_info, group, old_service, service
from anyfit_ti.settings import Settings
from anyfit_ti.states import EMS_STATUS, SERVICE_STATUS
from waiting import until

Connect = Callable[..., TiBackend]
HANDLER = """
import os
print("handler of", os.environ.get("TAG", "nobody"), flush=True)
def model_fn(folder):
    return os.environ.get("TAG", "")
def predict_fn(data, model):
    if data == "crash":
        raise RuntimeError("it fell over")
    return {"tag": model, "data": data}
"""
NEW, OLD = "2021", "2019"
ONE = Payload(b"[1]", "application/json")


class Served:
    """An endpoint of the emulator that nobody removes, and the models it was made of."""

    def __init__(self, backend: TiBackend, bench: Bench, api: str, folder: Path) -> None:
        self.backend, self.bench, self.api = backend, bench, api
        source = folder / "code"
        source.mkdir()
        (source / "inference.py").write_text(HANDLER)
        code, _ = pack_code("inference.py", str(source), (), folder / "bundles")
        place = Uri.parse(f"cos://{backend._settings.bucket}/served-{api}/model/")
        backend.store(place).put(place.join("weights.txt").key, b"w")
        self.models = [
            backend.register(ModelSpec(name=f"served-{api}", artifact=str(place), code=code, environment={"TAG": tag}))
            for tag in ("first", "second")
        ]
        self.predictor = bench.deploy(self.variant(0))

    def deploy(self, *variants: Variant, **fields: Any) -> Predictor:
        """A further endpoint, of the first model by default."""
        spec = EndpointSpec(name=self.bench.name(), variants=variants or (self.variant(0),), **fields)
        ref = self.backend.deploy(spec)
        predictor = Predictor(self.bench.session, self.backend, ref, spec.name)
        self.bench._predictors.append(predictor)
        predictor.wait(60)
        return predictor

    def variant(self, index: int, **fields: Any) -> Variant:
        """One of the models."""
        return Variant(model=str(self.models[index]), **fields)

    @property
    def token(self) -> str:
        """What opens the endpoint."""
        side, identity = self.backend._services._side(self.predictor.ref)
        return next(iter(side.door(identity).headers.values()))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's clients keep their things."""
    return tmp_path_factory.mktemp("serving")


def make_served(cloud: Mapping[str, str], home: Path, api: str) -> Iterator[Served]:
    folder = home / api
    folder.mkdir()
    settings: dict[str, Any] = {**cloud, "api": api, "poll_seconds": 0.02}
    with closing(TiBackend(Settings(**settings), folder / "home")) as backend:
        bench = Bench(backend, folder / "bench")
        yield Served(backend, bench, api, folder)
        bench.close()


@pytest.fixture(scope="module")
def new(cloud: Mapping[str, str], home: Path) -> Iterator[Served]:
    """An endpoint of 2021."""
    yield from make_served(cloud, home, NEW)


@pytest.fixture(scope="module")
def old(cloud: Mapping[str, str], home: Path) -> Iterator[Served]:
    """An endpoint of 2019."""
    yield from make_served(cloud, home, OLD)


@pytest.fixture(params=["new", "old"])
def served(request: pytest.FixtureRequest) -> Served:
    """An endpoint of either generation."""
    found: Served = request.getfixturevalue(request.param)
    return found


# tokens


def test_token(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody gets in without the token, which is shown in no log, value, state or message."""
    caplog.set_level(logging.DEBUG)
    backend, ref = served.backend, served.predictor.ref
    state = backend.endpoint(ref)
    stranger = requests.post(state.url, json=[1], timeout=60)
    with pytest.raises(AnyfitError) as caught:
        backend.invoke(ref, Payload(b'"crash"', "application/json"))
    side, identity = backend._services._side(ref)
    shown = [caplog.text, str(state), str(caught.value), repr(side.door(identity)), repr(backend._services.__dict__)]
    if served.api == NEW:
        shown += [repr(backend._serving.group(identity)), repr(backend._serving.call_info(identity))]
    else:
        shown += [repr(backend._serving.old_service(identity))]

    assert stranger.status_code == 401
    assert len(served.token) >= 16
    assert not [text for text in shown if served.token in text]
    written = [path for path in served.bench.folder.parent.rglob("*") if path.is_file()]
    assert not [path for path in written if served.token.encode() in path.read_bytes()]


def test_renewed_token(new: Served, connect: Connect) -> None:
    """A token that was renewed elsewhere is asked for again, once, and the old one opens nothing."""
    other, before = connect(), new.token
    new.predictor.predict([1])
    other.renew_token(new.predictor.ref)
    headers = {"Authorization": before}
    stranger = requests.post(new.backend.endpoint(new.predictor.ref).url, json=[1], headers=headers, timeout=60)

    assert stranger.status_code == 401
    assert new.token != before
    assert new.predictor.predict([1])["tag"] == "first"


def test_open_endpoint(served: Served) -> None:
    """An endpoint may be open to everybody; in 2021 it can be closed later."""
    predictor = served.deploy(options={"auth": False})
    url = predictor.info().url

    assert requests.post(url, json=[1], timeout=60).json()["tag"] == "first"
    assert predictor.predict([2])["data"] == [2]
    closed = EndpointSpec(name=predictor.name, variants=(served.variant(0),), options={"auth": True})
    if served.api == OLD:
        with pytest.raises(SpecError, match=r"options\.ti\.auth"):
            served.backend.update_endpoint(predictor.ref, closed)
        with pytest.raises(Unsupported):
            served.backend.renew_token(predictor.ref)
        return
    with pytest.raises(UsageError, match="no token"):
        served.backend.renew_token(predictor.ref)
    served.backend.update_endpoint(predictor.ref, closed)
    assert requests.post(url, json=[1], timeout=60).status_code == 401
    assert predictor.predict([3])["data"] == [3]


def test_keys_of_others(served: Served, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a ~/.netrc has for every host does not take the token's place, nor goes to an endpoint."""
    (tmp_path / "netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert json.loads(connect().invoke(served.predictor.ref, ONE).body)["tag"] == "first"


# generations


def test_generations(served: Served, connect: Connect) -> None:
    """A reference alone tells of which generation an endpoint is: a client of the other finds and asks it."""
    other = connect(api=OLD if served.api == NEW else NEW)
    ref = served.predictor.ref

    assert ref.id.startswith("2019/") == (served.api == OLD)
    assert other.find_endpoint(served.predictor.name) == ref
    assert ref in [named.ref for named in other.endpoints()]
    assert other.endpoint(EndpointRef.parse(str(ref))).status == EndpointStatus.READY
    assert json.loads(other.invoke(ref, ONE).body)["tag"] == "first"


def test_mixed_generations(scripted: Connect) -> None:
    """Models of two generations do not share an endpoint, and those of another backend are not known."""
    models = ("ti://ap-guangzhou/mv-v1-1", "ti://ap-guangzhou/2019/c")
    mixed = EndpointSpec(name="e", variants=tuple(Variant(model=model) for model in models))
    with pytest.raises(SpecError, match="two generations"):
        scripted().deploy(mixed)
    with pytest.raises(NotFound, match="no model"):
        scripted().deploy(evolve(mixed, variants=(Variant(model="modelmaker://js01/1"),)))
    with pytest.raises(SpecError, match="two generations"):
        scripted().update_endpoint(EndpointRef("ti", "r", "ms-1"), evolve(mixed, variants=mixed.variants[1:]))


# changing, on the emulator


def test_scaling(served: Served) -> None:
    """Servers are added and taken away, and a size that is asked for is told again in words that can be written."""
    predictor = served.deploy()
    predictor.update(initial_instance_count=2)
    predictor.update(instance_type="cpu=2 mem=4GB")
    spec = predictor.info().spec

    assert spec is not None
    assert [variant.instance_count for variant in spec.variants] == [2]
    assert spec.variants[0].instance_type == ("TI.S.MEDIUM.POST" if served.api == NEW else "cpu=2 mem=4GB")
    predictor.update(initial_instance_count=1)
    assert predictor.predict([1])["tag"] == "first"


def test_variables_and_logs(new: Served) -> None:
    """A service's variables go before the model's, an update of them alone restarts it, and its log tells."""
    predictor = new.deploy(new.variant(0, environment={"TAG": "mine"}))
    assert predictor.predict([1])["tag"] == "mine"
    predictor.update(environment={"TAG": "other"})

    def said() -> list[str]:
        return [line.text for line in predictor.logs() if "handler" in line.text]

    assert predictor.predict([1])["tag"] == "other"
    assert until(said, lambda lines: len(lines) > 1) == ["handler of mine", "handler of other"]
    spec = predictor.info().spec
    assert spec is not None
    assert spec.variants[0].environment == {"TAG": "other"}


def test_resource_group(new: Served) -> None:
    """On a resource group servers are parts of machines, and an update keeps to it."""
    predictor = new.deploy(
        new.variant(0, instance_type="cpu=1 mem=2GB"), options={"resource_group": "rsg-emulated"}, tags={"a": "b"}
    )
    predictor.update(initial_instance_count=2)
    spec = predictor.info().spec

    assert spec is not None
    assert spec.options == {"charge": "PREPAID", "resource_group": "rsg-emulated"}
    assert spec.tags == {"a": "b"}
    assert [(one.instance_type, one.instance_count) for one in spec.variants] == [("cpu=1 mem=2GB", 2)]


def test_versions_come_and_go(new: Served) -> None:
    """A version that is added takes its share, and one that is left out goes."""
    predictor = new.deploy()
    first, second = new.variant(0, weight=3), new.variant(1, weight=1)
    new.backend.update_endpoint(predictor.ref, EndpointSpec(name=predictor.name, variants=(first, second)))
    predictor.wait(60)
    tags = [predictor.predict([n])["tag"] for n in range(8)]

    assert tags.count("first") == 6
    new.backend.update_endpoint(predictor.ref, EndpointSpec(name=predictor.name, variants=(second,)))
    predictor.wait(60)
    assert {predictor.predict([n])["tag"] for n in range(4)} == {"second"}
    assert [one.model for one in new.backend._serving.group(predictor.ref.id).services] == [new.models[1].id]


def test_stopped(served: Served) -> None:
    """A stopped endpoint says so when it is asked, and how to start it."""
    predictor = served.deploy()
    predictor.predict([1])
    predictor.stop()
    with pytest.raises(AnyfitError):
        predictor.wait(60)
    with pytest.raises(ServiceError, match=f"^endpoint {predictor.name} is STOPPED") as caught:
        predictor.predict([1])

    assert caught.value.hint == f"start it: anyfit endpoints start {predictor.name}"
    assert predictor.ref.id not in str(caught.value)
    predictor.start()
    assert predictor.predict([1])["tag"] == "first"


def test_handler_that_cannot_start(served: Served) -> None:
    """An endpoint whose model is gone by the time that it is made is refused."""
    with pytest.raises(NotFound):
        served.backend.deploy(
            EndpointSpec(name="nothing", variants=(evolve(served.variant(0), model=f"{served.models[0]}x"),))
        )

    assert served.backend.find_endpoint("nothing") is None


def test_unexposed(old: Served) -> None:
    """A service of TI-EMS that nobody has exposed yet is exposed when it is asked."""
    client = old.backend._serving
    name = old.bench.name()
    body = {
        "Name": name,
        "ServiceConfigId": old.models[0].id.removeprefix("2019/"),
        "ResourceGroupId": "ap-guangzhou",
        "ScaleMode": "MANUAL",
        "Scaler": {"MaxReplicas": 1, "MinReplicas": 1, "StartReplicas": 1},
        "Cpu": 1000,
        "Memory": 1024,
    }
    ref = EndpointRef("ti", "ap-guangzhou", f"2019/{client.create_old_service(body).id}")
    predictor = Predictor(old.bench.session, old.backend, ref, name)
    old.bench._predictors.append(predictor)

    assert predictor.wait(60).url == ""
    assert predictor.predict([1])["tag"] == "first"
    assert predictor.info().url


# what is refused


@pytest.mark.parametrize(
    ("fields", "options", "said"),
    [
        ({}, {"autoscale": {"min": 2, "max": 1, "metrics": {"cpu-util": 60}}}, "autoscale"),
        ({}, {"autoscale": {"min": 1, "max": 2}}, "metrics"),
        ({}, {"autoscale": {"min": 1, "max": 2, "metrics": {"cpu-util": 60}, "often": 1}}, "often"),
        ({}, {"autoscale": {"min": 1, "max": 2, "metrics": {"x": 1}}, "cron_scale": [{}]}, "cron_scale"),
        ({}, {"charge": "PREPAID"}, "resource_group"),
        ({}, {"prepaid_replicas": 1}, "resource_group"),
        ({}, {"resource_group": "rsg-1"}, "instance_type"),
        ({}, {"log_set": "ls-1"}, "log_topic"),
        ({}, {"port": 8080}, "port"),
        ({}, {"path": "/x"}, "path"),
        ({"instance_type": "A100:8"}, {}, "instance_type"),
        ({"weight": 0.0}, {}, "weights"),
        ({}, {"auht": False}, "auth"),
        ({}, {"expose": "VPC"}, "options.ti.expose: endpoints of 2021"),
        ({}, {"vpc": "vpc-1"}, "options.ti.vpc: endpoints of 2021"),
    ],
)
def test_refused(new: Served, fields: dict[str, Any], options: dict[str, Any], said: str) -> None:
    """What the platform would refuse is refused before, naming the field."""
    with pytest.raises(SpecError) as caught:
        new.backend.deploy(EndpointSpec(name="refused", variants=(new.variant(0, **fields),), options=options))

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "spec", "options", "said"),
    [
        ({"environment": {"A": "1"}}, {}, {}, "environment"),
        ({}, {"tags": {"a": "b"}}, {}, "tags"),
        ({}, {}, {"hot_update": True}, "hot_update"),
        ({}, {}, {"stop_at": "2030-01-01T00:00:00Z"}, "stop_at"),
        ({}, {}, {"cron_scale": [{"Schedule": "* * * * *"}]}, "cron_scale"),
        ({}, {}, {"command": "x"}, "command"),
        ({}, {}, {"expose": "VPC"}, "subnet"),
        ({}, {}, {"vpc": "vpc-1", "subnet": "s-1"}, "options.ti.vpc: the endpoint would be in the internet"),
        ({"instance_type": "what is this"}, {}, {}, "instance_type"),
    ],
)
def test_refused_by_ems(
    old: Served, fields: dict[str, Any], spec: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    """What TI-EMS cannot do is refused by a message that names it."""
    with pytest.raises(SpecError) as caught:
        old.backend.deploy(EndpointSpec(name="refused", variants=(old.variant(0, **fields),), options=options, **spec))

    assert said in str(caught.value)


def test_one_model_for_ems(old: Served, connect: Connect) -> None:
    """TI-EMS serves one model for each service, whatever the client's own generation."""
    for backend in (old.backend, connect(api=NEW)):
        with pytest.raises(Unsupported, match="serves one model"):
            backend.deploy(EndpointSpec(name="two", variants=(old.variant(0), old.variant(1))))
        with pytest.raises(Unsupported, match="log_topic"):
            backend.endpoint_logs(old.predictor.ref)


# by script: what is asked for, and in which order

VERSION = {
    "TrainingModelVersionId": "mv-v1-1",
    "TrainingModelId": "m-1",
    "ReasoningEnvironmentSource": "CUSTOM",
    "ReasoningImageInfo": {"ImageType": "CCR", "ImageUrl": "i"},
}
A, B = (Variant(model=f"ti://ap-guangzhou/mv-v{n}-1") for n in (1, 2))


def view(number: int, model: str, weight: int, **members: Any) -> dict[str, Any]:
    """A version of a group as answers show it."""
    info = {"ModelInfo": {"ModelVersionId": model}, "Replicas": 1, "InstanceType": "TI.S.MEDIUM.POST"}
    work = {"AvailableReplicas": 1, "UpdatedReplicas": 1, "Replicas": 1}
    given = {"ServiceGroupId": "ms-1", "ServiceId": f"ms-1-{number}", "Status": "Normal", "Weight": weight}
    return {**given, "ChargeType": "POSTPAID_BY_HOUR", "ServiceInfo": {**info, "Status": work}, **members}


@pytest.fixture
def platform(script: Any) -> Any:
    """A platform with one group of one version."""
    script.on("DescribeTrainingModelVersion", {"TrainingModelVersion": VERSION})
    script.on("DescribeBillingSpecs", {"Specs": [{"SpecName": "TI.S.MEDIUM.POST", "Available": True}]})
    script.on("DescribeBillingSpecsPrice", {"SpecsPrice": []})
    script.on("CreateModelService", {"Service": view(1, "mv-v1-1", 100)})
    groups = {"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": [view(1, "mv-v1-1", 100)]}
    script.on("DescribeModelServiceGroup", {"ServiceGroup": groups})
    for action in ("ModifyModelService", "ModifyServiceGroupWeights", "DeleteModelService", "DeleteModelServiceGroup"):
        script.on(action, {})
    return script


def both(platform: Any) -> None:
    """Let the platform know two models."""
    versions = [{"TrainingModelVersion": {**VERSION, "TrainingModelVersionId": f"mv-v{n}-1"}} for n in (1, 2)]
    platform.on("DescribeTrainingModelVersion", *versions)


REF = EndpointRef("ti", "ap-guangzhou", "ms-1")


def test_added_version(platform: Any, scripted: Connect) -> None:
    """A further version is made beside the one that stays, which is not touched."""
    both(platform)
    platform.on("CreateModelService", {"Service": view(2, "mv-v2-1", 0)})
    spec = EndpointSpec(name="e", variants=(evolve(A, weight=90), evolve(B, weight=10)))
    scripted().update_endpoint(REF, spec)
    (made,) = platform.calls("CreateModelService")

    assert (made["ServiceGroupId"], made["NewVersion"]) == ("ms-1", True)
    assert "ServiceGroupName" not in made
    weights = [{"ServiceId": "ms-1-1", "Weight": 90}, {"ServiceId": "ms-1-2", "Weight": 10}]
    assert platform.calls("ModifyServiceGroupWeights") == [{"ServiceGroupId": "ms-1", "Weights": weights}]
    assert platform.calls("ModifyModelService") == []


def test_replaced_model(platform: Any, scripted: Connect) -> None:
    """Another model takes the place of the one that is served, and nothing else is changed."""
    platform.on(
        "DescribeTrainingModelVersion", {"TrainingModelVersion": {**VERSION, "TrainingModelVersionId": "mv-v2-1"}}
    )
    scripted().update_endpoint(REF, EndpointSpec(name="e", variants=(B,)))
    (change,) = platform.calls("ModifyModelService")

    assert change["ModelInfo"]["ModelVersionId"] == "mv-v2-1"
    assert set(change) == {"ServiceId", "ModelInfo", "ImageInfo", "Command", "CommandBase64"}
    assert platform.calls("ModifyServiceGroupWeights") == []
    assert platform.calls("CreateModelService") == []


@pytest.mark.parametrize(
    ("variant", "options", "change"),
    [
        (A, {}, None),
        (evolve(A, instance_count=3), {}, {"ServiceAction": "SCALE", "ScaleMode": "MANUAL", "Replicas": 3}),
        (evolve(A, instance_type="TI.S.MEDIUM.POST"), {}, None),
        (A, {"stop_at": "x"}, {"ScheduledAction": {"ScheduleStop": True, "ScheduleStopTime": "x"}}),
        (A, {"requests_per_second": 5}, {"ServiceLimit": {"EnableInstanceRpsLimit": True, "InstanceRpsLimit": 5}}),
    ],
)
def test_smallest_change(
    platform: Any, scripted: Connect, variant: Variant, options: dict[str, Any], change: dict[str, Any] | None
) -> None:
    """Only what is to be another is told; what is only scaled is not rolled out anew."""
    scripted().update_endpoint(REF, EndpointSpec(name="e", variants=(variant,), options=options))

    wanted = [] if change is None else [{"ServiceId": "ms-1-1", **change}]
    assert platform.calls("ModifyModelService") == wanted
    assert platform.calls("DescribeBillingSpecs") == []


def test_hybrid_group(platform: Any, scripted: Connect) -> None:
    """A group whose servers are paid for in two ways stays so when a version is added."""
    info = {**view(1, "mv-v1-1", 100)["ServiceInfo"], "HybridBillingPrepaidReplicas": 2}
    paid = view(1, "mv-v1-1", 100, ChargeType="HYBRID_PAID", ResourceGroupId="rsg-1", ServiceInfo=info)
    groups = {"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": [paid]}
    platform.on("DescribeModelServiceGroup", {"ServiceGroup": groups})
    both(platform)
    platform.on("CreateModelService", {"Service": view(2, "mv-v2-1", 0)})
    platform.on("DescribeModelServiceCallInfo", {})
    backend = scripted()
    spec = backend.endpoint(REF).spec
    assert spec is not None
    backend.update_endpoint(REF, evolve(spec, variants=(*spec.variants, evolve(B, weight=100))))
    (made,) = platform.calls("CreateModelService")

    assert spec.options == {"prepaid_replicas": 2, "resource_group": "rsg-1"}
    assert (made["ChargeType"], made["ResourceGroupId"]) == ("HYBRID_PAID", "rsg-1")
    assert made["HybridBillingPrepaidReplicas"] == 2
    assert platform.calls("ModifyModelService") == []


def test_half_a_group(platform: Any, scripted: Connect) -> None:
    """A group whose second version cannot be made is taken back."""
    both(platform)
    platform.on("CreateModelService", {"Service": view(1, "mv-v1-1", 100)}, "ResourceInsufficient")
    with pytest.raises(ServiceError, match="ResourceInsufficient"):
        scripted().deploy(EndpointSpec(name="e", variants=(A, B)))

    assert platform.calls("DeleteModelServiceGroup") == [{"ServiceGroupId": "ms-1"}]


@pytest.mark.parametrize("lost", [None, "InternalError"])
def test_lost_answer(platform: Any, scripted: Connect, lost: Any) -> None:
    """An endpoint whose answer was lost is looked up by name and not made twice."""
    platform.on("CreateModelService", lost)
    services = [view(1, "mv-v1-1", 100)]
    groups = [{"ServiceGroupId": f"ms-{name}", "ServiceGroupName": name, "Services": services} for name in ("ee", "e")]
    platform.on("DescribeModelServiceGroups", {"ServiceGroups": groups, "TotalCount": 2})

    assert scripted().deploy(EndpointSpec(name="e", variants=(A,))).id == "ms-e"
    assert len(platform.calls("CreateModelService")) == 1


@pytest.mark.parametrize("services", [[], [view(1, "mv-v2-1", 100)], [view(n, "mv-v1-1", 50) for n in (1, 2)]])
def test_lost_answer_beside_a_stranger(platform: Any, scripted: Connect, services: list[Any]) -> None:
    """An endpoint of that name which serves something else is a conflict, and not taken for ours."""
    platform.on("CreateModelService", None)
    groups = [{"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": services}]
    platform.on("DescribeModelServiceGroups", {"ServiceGroups": groups, "TotalCount": 1})
    with pytest.raises(Conflict):
        scripted().deploy(EndpointSpec(name="e", variants=(A,)))

    assert platform.calls("DeleteModelServiceGroup") == []


def test_found_group_is_not_taken_back(platform: Any, scripted: Connect) -> None:
    """What this call has not seen made is not removed, whatever fails after it was found."""
    both(platform)
    platform.on("CreateModelService", None, "ResourceInsufficient")
    groups = [{"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": [view(1, "mv-v1-1", 100)]}]
    platform.on("DescribeModelServiceGroups", {"ServiceGroups": groups, "TotalCount": 1})
    with pytest.raises(ServiceError, match="ResourceInsufficient"):
        scripted().deploy(EndpointSpec(name="e", variants=(A, B)))

    assert platform.calls("DeleteModelServiceGroup") == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("FailedOperation.DuplicateName", Conflict),
        ("InvalidParameterValue.InvalidResourceSpec", SpecError),
        ("OperationDenied.BalanceInsufficient", AuthError),
        ("ResourceNotFound.ResourceGroupNotFound", NotFound),
        ("LimitExceeded", UsageError),
        ("AuthFailure.NoPermission", AuthError),
    ],
)
def test_faults(platform: Any, scripted: Connect, code: str, kind: type[Exception]) -> None:
    """A refusal is told in anyfit's words, with the platform's code."""
    platform.on("CreateModelService", code)
    with pytest.raises(kind) as caught:
        scripted().deploy(EndpointSpec(name="e", variants=(A,)))

    assert getattr(caught.value, "status") == code  # noqa: B009


def test_missing_token(script: Any, scripted: Connect) -> None:
    """A group that asks for a token and has none gets one; a disabled one is not shown to anybody."""
    bare = {"InternetEndpoint": "http://127.0.0.1:1/ms-1", "AuthorizationEnable": True, "AuthTokens": []}
    tokens = [{"Base": {"Value": f"t-{word}", "Status": word}} for word in ("Disabled", "Enabled")]
    full = {**bare, "AuthToken": "t-Disabled", "AuthTokens": tokens}
    script.on("DescribeModelServiceCallInfo", {"ServiceCallInfoV2": bare}, {"ServiceCallInfoV2": full})
    script.on("CreateModelServiceAuthToken", {})
    script.on("DescribeModelServiceGroup", {"ServiceGroup": {"ServiceGroupId": "ms-1", "Services": []}})
    door = scripted()._services._sides.new.door("ms-1")

    assert door.headers == {"Authorization": "t-Enabled"}
    assert len(script.calls("CreateModelServiceAuthToken")) == 1


def test_no_address(script: Any, scripted: Connect) -> None:
    """A group that is not in the internet says so."""
    script.on("DescribeModelServiceCallInfo", {"ServiceCallInfoV2": None})
    with pytest.raises(ServiceError, match="no address"):
        scripted().invoke(REF, ONE)


def test_group_that_has_to_be_stopped(platform: Any, scripted: Connect) -> None:
    """Where a running group is not removed it is stopped, and has to have stopped; one that is gone is fine."""
    no = "OperationDenied.NotAllow"
    platform.on("DeleteModelServiceGroup", no, no, no, {}, "ResourceNotFound")
    backend = scripted()
    backend.undeploy(REF)
    backend.undeploy(REF)

    assert platform.calls("ModifyModelService") == [{"ServiceId": "ms-1-1", "ServiceAction": "STOP"}]
    assert len(platform.calls("DeleteModelServiceGroup")) == 5


def test_group_that_does_not_stop(platform: Any, scripted: Connect, pauses: list[float]) -> None:
    """A group that is still there after minutes is a fault, and no success."""
    platform.on("DeleteModelServiceGroup", "OperationDenied.NotAllow")
    with pytest.raises(ServiceError, match="does not end"):
        scripted().undeploy(REF)

    assert 60 < sum(pauses) < 300


LEFT_VIEW = {"ServiceDescription": "anyfit: no longer served, to be removed"}


def test_version_that_takes_its_time(platform: Any, scripted: Connect) -> None:
    """A version that an update has done with is stopped, and removed as soon as the platform lets it go."""
    no = "OperationDenied.NotAllow"
    served = [view(1, "mv-v1-1", 50), view(2, "mv-v2-1", 50)]
    platform.on(
        "DescribeModelServiceGroup",
        {"ServiceGroup": {"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": served}},
    )
    platform.on("DeleteModelService", no, no, no, {})
    scripted().update_endpoint(REF, EndpointSpec(name="e", variants=(A,)))

    doomed = {"ServiceId": "ms-1-2"}
    assert platform.calls("ModifyModelService") == [doomed | LEFT_VIEW, doomed | {"ServiceAction": "STOP"}]
    assert platform.calls("DeleteModelService") == [doomed] * 4


def test_leftovers_are_not_started(platform: Any, scripted: Connect) -> None:
    """What an update had to leave behind is removed at the next occasion, and never served again."""
    versions = [view(1, "mv-v1-1", 100, Status="Stopped"), view(2, "mv-v2-1", 0, Status="Stopped", **LEFT_VIEW)]
    versions += [view(3, "mv-v3-1", 0, Status="Stopped")]
    group = {"ServiceGroupId": "ms-1", "ServiceGroupName": "e", "Services": versions}
    platform.on("DescribeModelServiceGroup", {"ServiceGroup": group})
    backend = scripted()
    backend.start_endpoint(REF)
    backend.stop_endpoint(REF)
    backend.update_endpoint(REF, EndpointSpec(name="e", variants=(A, evolve(A, model="ti://r/mv-v3-1", weight=0))))

    started = [{"ServiceId": f"ms-1-{n}", "ServiceAction": "RESUME"} for n in (1, 3)]
    assert [body for body in platform.calls("ModifyModelService") if "ServiceAction" in body] == started
    assert platform.calls("DeleteModelService") == [{"ServiceId": "ms-1-2"}] * 3


def test_lost_answer_of_ems(script: Any, scripted: Connect) -> None:
    """A service of TI-EMS whose answer was lost is looked up by name, and exposed."""
    script.on("DescribeServiceConfigs", {"ServiceConfigs": [{"Id": "c", "Name": "m"}], "TotalCount": 1})
    script.on("CreateService", None)
    told = {"Cpu": 1000, "Memory": 2048, "Scaler": {"StartReplicas": 1}}
    others = {"Id": "t", "Name": "e", "ConfigId": "d", **told}
    script.on("DescribeServices", {"Services": [others, {**others, "Id": "s", "ConfigId": "c"}], "TotalCount": 2})
    script.on("ExposeService", {})
    spec = EndpointSpec(name="e", variants=(Variant(model="ti://ap-guangzhou/2019/c"),))

    assert scripted().deploy(spec).id == "2019/s"
    assert script.calls("ExposeService") == [{"ServiceId": "s", "ExposeType": "EXTERNAL"}]
    assert len(script.calls("CreateService")) == 1


@pytest.mark.parametrize("strange", [{"ConfigId": "d"}, {"Cpu": 4000}, {"Scaler": {"StartReplicas": 3}}])
def test_lost_answer_of_ems_beside_a_stranger(script: Any, scripted: Connect, strange: dict[str, Any]) -> None:
    """A service of that name that is another is not taken for ours, and above all not removed."""
    script.on("DescribeServiceConfigs", {"ServiceConfigs": [{"Id": "c", "Name": "m"}], "TotalCount": 1})
    script.on("CreateService", None)
    told = {"Id": "s", "Name": "e", "ConfigId": "c", "Cpu": 1000, "Memory": 2048, "Scaler": {"StartReplicas": 1}}
    script.on("DescribeServices", {"Services": [{**told, **strange}], "TotalCount": 1})
    script.on("ExposeService", "InternalError")
    spec = EndpointSpec(name="e", variants=(Variant(model="ti://ap-guangzhou/2019/c"),))
    with pytest.raises(Conflict):
        scripted().deploy(spec)

    assert script.calls("ExposeService") == script.calls("DeleteService") == []


def test_private_service_of_ems(script: Any, scripted: Connect) -> None:
    """A service may be exposed in a private network alone; one that cannot be exposed is taken back."""
    script.on("DescribeServiceConfigs", {"ServiceConfigs": [{"Id": "c", "Name": "m"}], "TotalCount": 1})
    script.on("CreateService", {"Service": {"Id": "s"}})
    script.on("ExposeService", "InvalidParameter")
    script.on("DeleteService", {})
    options = {"expose": "VPC", "vpc": "vpc-1", "subnet": "subnet-1"}
    spec = EndpointSpec(name="e", variants=(Variant(model="ti://ap-guangzhou/2019/c"),), options=options)
    with pytest.raises(SpecError):
        scripted().deploy(spec)

    wanted = {"ServiceId": "s", "ExposeType": "VPC", "VpcId": "vpc-1", "SubnetId": "subnet-1"}
    assert script.calls("ExposeService") == [wanted]
    assert script.calls("DeleteService") == [{"ServiceId": "s"}]


# words


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["Normal"], EndpointStatus.READY),
        (["Normal", "Waiting"], EndpointStatus.UPDATING),
        (["Normal", "Abnormal"], EndpointStatus.FAILED),
        (["CREATE_FAILED"], EndpointStatus.FAILED),
        (["Stopped", "Stopped"], EndpointStatus.STOPPED),
        (["Stopped", "Normal"], EndpointStatus.READY),
        (["Stopping", "Normal"], EndpointStatus.STOPPING),
        (["Odd"], EndpointStatus.UNKNOWN),
        ([], EndpointStatus.UNKNOWN),
    ],
)
def test_states(words: list[str], status: EndpointStatus) -> None:
    """A group is as the worst of its versions."""
    assert status_of([service(view(n, "mv", 50, Status=word)) for n, word in enumerate(words)]) == status


def test_states_of_servers() -> None:
    """A version is ready when one server answers and all have the newest settings."""

    def state(**work: Any) -> EndpointStatus:
        info = {"Replicas": 2, "Status": work}
        return status_of([service(view(1, "mv", 100, ServiceInfo=info, Status="Normal"))])

    assert state(AvailableReplicas=0) == EndpointStatus.CREATING
    assert state(AvailableReplicas=2, UpdatedReplicas=1) == EndpointStatus.UPDATING
    assert state(AvailableReplicas=1, UpdatedReplicas=2) == EndpointStatus.READY
    assert state(AvailableReplicas=1) == EndpointStatus.READY
    assert status_of([service(view(1, "mv", 100))], "UPDATING") == EndpointStatus.UPDATING


def test_every_word_has_a_state() -> None:
    """The words of the documents are all in the tables."""
    words = "CREATING CREATE_FAILED TIMEOUT_EXCEPTION Pending Waiting Normal Abnormal Stopping Stopped"

    assert set(words.split()) <= set(SERVICE_STATUS)
    assert {"Waiting", "Normal", "Abnormal", "Updating", "Stopping", "Stopped", "Resuming"} == set(EMS_STATUS)


def test_strange_answers() -> None:
    """Answers that lack what they should have are read without a fault, and promise nothing."""
    assert service({}).replicas == 1
    assert group({"Services": None}).services == ()
    assert call_info({}).url == ""
    assert old_service({"Exposes": [{"Ip": "pending"}]}).address == ""
    assert spec_of(group({}), [service({"ServiceInfo": None})], "r") is None


def test_leftovers_do_not_count() -> None:
    """A version that an update has done with says nothing about the group."""
    stopping = view(1, "mv-v1-1", 0, Status="Stopping", **LEFT_VIEW)
    found = group({"ServiceGroupId": "ms-1", "Services": [view(2, "mv-v2-1", 100), stopping]})

    assert [one.id for one in found.services] == ["ms-1-1", "ms-1-2"]
    assert [one.id for one in living(found)] == ["ms-1-2"]


def test_matching() -> None:
    """Variants keep the version of their model; others take the place of those that are left."""
    services = [service(view(n, f"mv-v{n}-1", 50)) for n in (1, 2, 3)]
    pairs, left = matched([evolve(A, model="ti://r/mv-v9-1"), evolve(A, model="ti://r/mv-v1-1")], services)

    assert [(ModelRef.parse(one.model).id, found and found.id) for one, found in pairs] == [
        ("mv-v9-1", "ms-1-2"),
        ("mv-v1-1", "ms-1-1"),
    ]
    assert [one.id for one in left] == ["ms-1-3"]
