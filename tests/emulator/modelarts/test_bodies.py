"""Whatever a body holds, it is accepted or refused with a reason; nothing breaks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.v1.bodies import check_config, read_head
from anyfit_modelarts.emulator.training.v2.bodies import check_job
from anyfit_modelarts.emulator.training.v2.searching import Search

V1 = {
    "worker_server_num": 1,
    "app_url": "/b/code/",
    "boot_file_url": "/b/code/train.py",
    "engine_id": 4,
    "parameter": [{"label": "a", "value": "1"}],
    "data_source": [{"type": "obs", "data_url": "/b/data/"}],
    "flavor": {"code": "modelarts.vm.cpu.8u"},
    "train_url": "/b/out/",
    "volumes": [{"nfs": {"id": "1", "src_path": "/a", "dest_path": "/b", "read_only": True}}],
}
V2 = {
    "kind": "job",
    "metadata": {"name": "n", "annotations": {"a": "b"}, "training_experiment_reference": {"name": "e"}},
    "algorithm": {
        "code_dir": "/b/code/",
        "boot_file": "/b/code/train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
        "parameters": [{"name": "a", "value": "1", "constraint": {"type": "Integer", "editable": True}}],
        "inputs": [{"name": "i", "access_method": "env", "remote": {"obs": {"obs_url": "/b/in/"}}}],
        "outputs": [{"name": "o", "remote": {"obs": {"obs_url": "/b/out/"}}}],
        "environments": {"A": "1"},
        "local_code_dir": "/home/x",
    },
    "spec": {
        "resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1},
        "volumes": [{"nfs": {"nfs_server_path": "a", "local_path": "b"}}],
        "auto_stop": {"time_unit": "HOURS", "duration": 1},
        "schedule_policy": {"priority": 1},
        "notification": {"topic_urn": "urn", "events": ["JobFailed"]},
        "log_export_path": {"obs_url": "obs://b/log"},
    },
}
SEARCH = {
    "offset": 0,
    "limit": 5,
    "filters": [{"key": "name", "operator": "like", "value": ["x"]}],
    "tags": [{"key": "a", "values": ["b"]}],
}
CHECKS: list[tuple[dict[str, Any], Callable[[dict[str, Any]], object]]] = [
    (V1, lambda body: check_config(Members(body))),
    (V1, lambda body: check_config(Members(body), saved=True)),
    ({"job_name": "a", "job_desc": "", "notification": {"topic_urn": ""}}, read_head),
    (V2, check_job),
    (SEARCH, Search.read),
]
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, member in inner for place in places(member, (*path, key)))]


@pytest.mark.parametrize("number", range(len(CHECKS)))
def test_the_documented_ones_are_good(number: int) -> None:
    """Each is accepted as it stands."""
    body, check = CHECKS[number]
    check(copy.deepcopy(body))


@given(st.data())
def test_nothing_breaks(data: st.DataObject) -> None:
    """Any member may be replaced by anything: it is good, or it is refused with 4xx and a reason."""
    good, check = data.draw(st.sampled_from(CHECKS))
    body = copy.deepcopy(good)
    *path, last = data.draw(st.sampled_from([place for place in places(body) if place]))
    target: Any = body
    for word in path:
        target = target[word]
    target[last] = data.draw(values)
    try:
        check(body)
    except ApiError as error:
        assert 400 <= error.status < 500
        assert error.message
