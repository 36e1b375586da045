"""From a wish to one machine, and from a framework to one image."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import Framework, Offering
from anyfit.catalog import Amount, Wish, choose, describe_offering, find_framework, parse_wish
from anyfit.errors import SpecError

SMALL = Offering(spec_id="c.small", cpus=2, memory_gib=8, price=1.0, currency="CNY")
LARGE = Offering(spec_id="c.large", cpus=8, memory_gib=32, price=4.0, currency="CNY", max_nodes=4)
ONE_GPU = Offering(
    spec_id="p.a100", cpus=16, memory_gib=128, gpu_model="NVIDIA-A100", gpu_count=1, gpu_memory_gib=40, price=30.0
)
EIGHT_GPUS = evolve(ONE_GPU, spec_id="p.a100.8", cpus=96, memory_gib=1024, gpu_count=8, gpu_memory_gib=80, price=260.0)
ASCEND = Offering(spec_id="a.910b", cpus=24, memory_gib=192, gpu_model="Ascend910B", gpu_count=8, price=200.0)
SERVER = Offering(spec_id="s.only", cpus=1, memory_gib=1, price=0.1, tasks=("serve",))
ALL = (LARGE, EIGHT_GPUS, SMALL, ASCEND, ONE_GPU, SERVER)

AMOUNTS = st.builds(Amount, st.integers(1, 4096).map(float), st.booleans())
MODELS = st.sampled_from(["A100", "a10", "Ascend910B", "V100-PCIE", "RTX.4090"])


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("", Wish()),
        ("A100:8", Wish(gpu_model="A100", gpu_count=Amount(8))),
        ("A100", Wish(gpu_model="A100", gpu_count=Amount(1))),
        ("A100:80GB:1", Wish(gpu_model="A100", gpu_count=Amount(1), gpu_memory_gib=80)),
        ("A100:80g", Wish(gpu_model="A100", gpu_count=Amount(1), gpu_memory_gib=80)),
        ("Ascend910B:8", Wish(gpu_model="Ascend910B", gpu_count=Amount(8))),
        ("gpu:1+", Wish(gpu_count=Amount(1, at_least=True))),
        ("gpu=A100:2", Wish(gpu_model="A100", gpu_count=Amount(2))),
        ("cpu:4", Wish(cpus=Amount(4))),
        ("cpu:4+", Wish(cpus=Amount(4, at_least=True))),
        ("CPU=0.5", Wish(cpus=Amount(0.5))),
        ("cpu=4+ mem=16GB+", Wish(cpus=Amount(4, at_least=True), memory_gib=Amount(16, at_least=True))),
        ("mem=16 cpus=2", Wish(cpus=Amount(2), memory_gib=Amount(16))),
        ("memory=16gib", Wish(memory_gib=Amount(16))),
    ],
)
def test_wishes(text: str, wish: Wish) -> None:
    """Each documented form is read as documented."""
    assert parse_wish(text) == wish


@pytest.mark.parametrize("text", ["cpu:", "cpu:four", "mem=lots", "A100:", "A100:x", ":8", "gpu", "gpu=", "cpu=4 ??"])
def test_unreadable_wishes(text: str) -> None:
    """A text that is no wish is refused with the grammar."""
    with pytest.raises(SpecError, match=r"^instance_type: cannot read ") as caught:
        parse_wish(text)

    assert "A100:80GB:1" in caught.value.hint


@given(st.builds(
    Wish, cpus=st.none() | AMOUNTS, memory_gib=st.none() | AMOUNTS, gpu_model=MODELS, gpu_count=AMOUNTS,
    gpu_memory_gib=st.none() | st.integers(1, 512).map(float),
))  # fmt: skip
def test_wishes_there_and_back(wish: Wish) -> None:
    """Whatever can be wished for can be written."""
    memory = "" if wish.gpu_memory_gib is None else f":{wish.gpu_memory_gib:g}GB"
    terms = [f"gpu={wish.gpu_model}{memory}:{wish.gpu_count}"]
    terms += [f"cpu={wish.cpus}"] if wish.cpus else []
    terms += (
        [f"mem={wish.memory_gib}GB+" if wish.memory_gib.at_least else f"mem={wish.memory_gib}GB"]
        if (wish.memory_gib)
        else []
    )
    text = " ".join(terms).replace("+GB+", "GB+")

    assert parse_wish(text) == wish


@given(st.text() | st.text("acpugmeA10:=+. GB8", max_size=12))
def test_any_text_is_a_wish_or_an_error(text: str) -> None:
    """No text makes the reader stumble, and whoever chooses by it gets an offer or an error that says why."""
    for ask in (lambda: parse_wish(text), lambda: choose(text, ALL)):
        try:
            ask()
        except SpecError as error:
            assert error.message.startswith("instance_type: ")
            assert error.hint


@pytest.mark.parametrize(
    ("wish", "spec_id"),
    [
        ("", "c.small"),
        ("c.large", "c.large"),
        ("cpu:2", "c.small"),
        ("cpu:4+", "c.large"),
        ("mem=32GB", "c.large"),
        ("cpu=2+ mem=16GB+", "c.large"),
        ("A100", "p.a100"),
        ("a100:8", "p.a100.8"),
        ("A100:80GB:8", "p.a100.8"),
        ("gpu:1+", "p.a100"),
        ("gpu:8", "a.910b"),
        ("Ascend910B:8", "a.910b"),
    ],
)
def test_choice(wish: str, spec_id: str) -> None:
    """Of the machines that grant the wish the cheapest is taken, and never one that is not for training."""
    assert choose(wish, ALL).spec_id == spec_id


@given(st.permutations(ALL), st.sampled_from(["", "cpu:2+", "gpu:1+", "A100:8", "mem=1+"]))
def test_choice_does_not_depend_on_the_order(offerings: list[Offering], wish: str) -> None:
    """The order in which a platform lists its machines does not matter."""
    assert choose(wish, offerings) == choose(wish, ALL)


def test_divisible_machine() -> None:
    """A machine that divides grants every smaller wish, and no larger one."""
    own = Offering(spec_id="here", cpus=8, memory_gib=30, divisible=True)

    assert choose("cpu:2", [own]) is own
    assert choose("cpu=8 mem=4GB", [own]) is own
    with pytest.raises(SpecError):
        choose("cpu:9", [own])


def test_nobody_offers_it() -> None:
    """The nearest offers are named when nobody has what is asked for."""
    with pytest.raises(SpecError, match=r"nobody here offers 'cpu:7'") as caught:
        choose("cpu:7", ALL)

    assert caught.value.hint.startswith("the nearest are: c.large (8 cpu, 32 GB); ")


def test_misspelt_spec_id() -> None:
    """A misspelt spec ID is answered with the one that was meant."""
    with pytest.raises(SpecError, match=r"'c\.smal' is no spec ID here") as caught:
        choose("c.smal", ALL)

    assert caught.value.hint == "did you mean 'c.small'?"


def test_sold_out() -> None:
    """What is sold out is not chosen; where nothing else will do, the error says so and what there is."""
    small, large = evolve(SMALL, in_stock=False), evolve(LARGE, max_nodes=None)

    assert choose("cpu:2+", [small, large]) is large
    with pytest.raises(SpecError, match="sold out") as caught:
        choose("c.small", [small, large])
    assert "c.large" in caught.value.hint


def test_too_many_nodes() -> None:
    """More nodes than any machine of that kind allows are refused with the most that can be had."""
    assert choose("c.large", ALL, nodes=4) is LARGE
    with pytest.raises(SpecError, match=r"^instance_count: 5 nodes asked for, c\.large allows at most 4"):
        choose("c.large", ALL, nodes=5)


def test_task() -> None:
    """Machines for serving are chosen for serving alone."""
    assert choose("", ALL, task="serve") is SERVER


def test_offering_in_words() -> None:
    """An offering in one line tells what matters."""
    assert describe_offering(EIGHT_GPUS) == "p.a100.8 (96 cpu, 1024 GB, 8 x NVIDIA-A100 80GB)"


FRAMEWORKS = [
    Framework(name="PyTorch", version="1.8.0", native="old", py_version="py37"),
    Framework(name="PyTorch", version="1.8.1", native="patch", py_version="py37"),
    Framework(name="PyTorch", version="1.10.2", native="new", py_version="py39"),
    Framework(name="PyTorch", version="1.10.2", native="newer-python", py_version="py310"),
    Framework(name="MindSpore", version="2.0", native="ms"),
    Framework(name="Triton", version="1.0", native="serving", tasks=("serve",)),
]


@pytest.mark.parametrize(
    ("asked", "native"),
    [
        (("pytorch", "1.8", ""), "patch"),
        (("pytorch", "1.8.0", ""), "old"),
        (("PyTorch", "", ""), "newer-python"),
        (("pytorch", "1.10", "3.9"), "new"),
        (("pytorch", "", "3.7"), "patch"),
        (("mindspore", "2.0", ""), "ms"),
    ],
)
def test_frameworks(asked: tuple[str, str, str], native: str) -> None:
    """A version means the newest that begins so, counted as numbers and not as letters."""
    assert find_framework(*asked, frameworks=FRAMEWORKS).native == native


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        (("pytorsh", "", ""), "framework: 'pytorsh' is not offered", "did you mean 'pytorch'"),
        (("pytorch", "1.1", ""), "framework_version: pytorch 1.1 is not offered", r"1\.10\.2 \(py310\)"),
        (("triton", "", ""), "framework: 'triton'", "MindSpore"),
    ],
)
def test_unknown_frameworks(asked: tuple[str, str, str], message: str, hint: str) -> None:
    """What is not offered is answered with what is."""
    with pytest.raises(SpecError, match=message) as caught:
        find_framework(*asked, frameworks=FRAMEWORKS)

    assert re.search(hint, caught.value.hint)
