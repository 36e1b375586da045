"""Hyperparameters as arguments: one encoding table per convention."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.launch.anyfit_launch import Job, World, encode_arguments, script_environment

Dump = Callable[..., tuple[list[str], dict[str, str]]]

names = st.from_regex(r"[a-z][a-z0-9_]{1,8}", fullmatch=True).filter(
    lambda name: not name.startswith(("ti_", "sagemaker_"))
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=6)

TABLE: list[tuple[Any, str, str | None, str]] = [
    # value, sagemaker, ti (None: the flag alone), modelarts
    ("plain text", "plain text", "plain text", "plain text"),
    ("", "", None, ""),
    ("a=b", "a=b", "a=b", "a=b"),
    (3, "3", "3", "3"),
    (0.001, "0.001", "0.001", "0.001"),
    (1e-7, "1e-07", "1e-07", "1e-07"),
    (True, "True", "True", "True"),
    (False, "False", "False", "False"),
    (None, "", "None", ""),
    ([64, 32], "[64, 32]", "[64, 32]", "[64, 32]"),
    (["a", None], "['a', None]", "['a', None]", '["a", null]'),
    ({"b": 2, "a": 1}, "a=1,b=2", "{'b': 2, 'a': 1}", '{"b": 2, "a": 1}'),
    ("训练", "训练", "训练", "训练"),
]


@pytest.mark.parametrize(("value", "sagemaker", "ti", "modelarts"), TABLE)
def test_each_value_is_written_as_the_table_says(value: Any, sagemaker: str, ti: str | None, modelarts: str) -> None:
    """One row of the documented table."""
    given_value = {"key": value}

    assert encode_arguments("sagemaker", given_value) == ["--key", sagemaker]
    assert encode_arguments("ti", given_value) == (["--key"] if ti is None else ["--key", ti])
    assert encode_arguments("modelarts", given_value) == [f"--key={modelarts}"]


def test_sagemaker_sorts_and_has_short_options() -> None:
    """The keys are sorted, one letter is a short option, the toolkit's own keys stay out."""
    hyperparameters = {"x": 3, "lr": 0.1, "batch-size": 2, "sagemaker_program": "p", "_tuning_objective_metric": "m"}

    assert encode_arguments("sagemaker", hyperparameters) == ["--batch-size", "2", "--lr", "0.1", "-x", "3"]


def test_ti_keeps_the_order_and_has_long_options_only() -> None:
    """The given order, two hyphens for one letter too, `ti_*` stays out."""
    assert encode_arguments("ti", {"x": 3, "lr": " ", "ti_program": "p"}) == ["--x", "3", "--lr"]


@given(st.dictionaries(names, scalars, min_size=1))
def test_argparse_reads_back_what_was_written(hyperparameters: dict[str, Any]) -> None:
    """With `type=` of the value's own kind, argparse recovers text and numbers of every convention."""
    usable = {key: value for key, value in hyperparameters.items() if type(value) in (int, float, str)}
    usable = {key: value for key, value in usable.items() if value != "" and not str(value).startswith("-")}
    usable = {key: value for key, value in usable.items() if str(value).strip()}
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for key, value in usable.items():
        parser.add_argument(f"--{key}", type=type(value))

    for convention in ("sagemaker", "ti", "modelarts"):
        assert vars(parser.parse_args(encode_arguments(convention, usable))) == usable


@given(st.dictionaries(names, values))
def test_hyperparameters_keep_their_types_in_the_environment(hyperparameters: dict[str, Any]) -> None:
    """ANYFIT_HPS, SM_HPS and TM_HPS are the same JSON value that the job had."""
    job = Job({"entry_point": "t.py", "hyperparameters": hyperparameters})

    env = script_environment(job, World({"base_dir": "/base"}))

    assert json.loads(env["ANYFIT_HPS"]) == hyperparameters
    assert json.loads(env["SM_HPS"]) == hyperparameters
    assert json.loads(env["TM_HPS"]) == hyperparameters
    assert all(isinstance(value, str) for value in env.values())


@given(st.dictionaries(names, values))
def test_sagemaker_arguments_are_pairs_in_order(hyperparameters: dict[str, Any]) -> None:
    """Every key has exactly one option and one value, whatever the value is."""
    arguments = encode_arguments("sagemaker", hyperparameters)

    assert arguments[::2] == [f"--{key}" for key in sorted(hyperparameters)]
    assert len(arguments) == 2 * len(hyperparameters)


def test_awkward_values_reach_a_real_process(dump: Dump, tmp_path: Path) -> None:
    """Quotes, newlines, blanks, options in disguise and other scripts pass unharmed."""
    awkward = {"a b": "x y", "nl": "one\ntwo", "quote": "'\"$(id)`", "dash": "--lr", "cn": "训练", "e": "😀"}

    argv, env = dump(hyperparameters=awkward, arguments=["--", "-v", ""])

    assert argv == [*encode_arguments("sagemaker", awkward), "--", "-v", ""]
    assert json.loads(env["ANYFIT_HPS"]) == awkward
    assert json.loads((tmp_path / "input/config/hyperparameters.json").read_text()) == awkward


def channels(*keys: str) -> dict[str, dict[str, str]]:
    return {key: {"uri": f"obs://b/{key}"} for key in keys}


@pytest.mark.parametrize(
    ("keys", "main", "further"),
    [
        (["training"], "training", {}),
        (["test", "train"], "train", {"test_url": "test"}),
        (["images", "labels"], "images", {"labels_url": "labels"}),
        (["train", "data_url", "val_url"], "data_url", {"train_data_url": "train", "val_url": "val_url"}),
        ([], None, {}),
    ],
)
def test_modelarts_gets_its_urls_first(
    dump: Dump, tmp_path: Path, keys: list[str], main: str | None, further: dict[str, str]
) -> None:
    """`--data_url`, `--train_url`, further channels, hyperparameters, verbatim arguments, in that order."""
    argv, _ = dump(
        convention="modelarts", channels=channels(*keys), hyperparameters={"z": 1, "a": True}, arguments=["-v"]
    )

    data = tmp_path / "input" / "data"
    expected = [f"--data_url={data / main}"] if main else []
    expected += [f"--train_url={tmp_path / 'model'}"]
    expected += [f"--{flag}={data / name}" for flag, name in further.items()]
    assert argv == [*expected, "--z=1", "--a=True", "-v"]


def test_modelarts_on_many_nodes_tells_the_script_where_it_is(dump: Dump) -> None:
    """What a preset engine of PyTorch gets on several nodes."""
    argv, _ = dump(
        convention="modelarts",
        world={"hosts": ["w0", "w1"], "current_host": "w1", "master_addr": "10.0.0.1", "master_port": 6666},
    )

    assert argv[1:] == ["--init_method=tcp://10.0.0.1:6666", "--rank=1", "--world_size=2"]
