"""A spec of a job that others than anyfit have started, as far as the platform tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anyfit.errors import SpecError
from anyfit.spec import Channel, JobSpec
from anyfit_modelarts.places import obs_uri
from anyfit_modelarts.wire import Run, rows, table, text

__all__ = ["guessed_spec"]


def guessed_spec(run: Run) -> JobSpec:
    """The spec."""
    raw = run.raw
    algorithm = table(raw.get("algorithm"))
    number = run.label.lstrip("Vv")
    command = text(raw.get("user_command")) or text(algorithm.get("command"))
    engine = table(algorithm.get("engine"))
    return JobSpec(
        name=run.name or f"job-{run.id.partition('/')[0]}",
        version=int(number) if number.isdigit() and int(number) else 1,
        entry_point=run.boot_file.rpartition("/")[2],
        command=(command,) if command else (),
        image=text(raw.get("user_image_url")) or text(engine.get("image_url")),
        hyperparameters=dict(_parameters(raw, algorithm)),
        environment=_environment(algorithm.get("environments")),
        inputs={name: Channel(uri=uri) for name, uri in _inputs(raw, algorithm)},
        instance_type=_machine(raw),
        instance_count=run.nodes,
        output_path=run.output,
        description=run.description,
    )


def _parameters(raw: Mapping[str, Any], algorithm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for row in rows(raw.get("parameter")):
        yield text(row.get("label")), text(row.get("value"))
    for row in rows(algorithm.get("parameters")):
        yield text(row.get("name")), text(row.get("value"))


def _environment(value: object) -> dict[str, str]:
    """A map, or as some answers have it a list of maps."""
    maps = rows(value) if isinstance(value, list) else [table(value)]
    return {name: text(content) for each in maps for name, content in each.items()}


def _inputs(raw: Mapping[str, Any], algorithm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sources = [text(row.get("data_url")) for row in rows(raw.get("data_source"))] or [text(raw.get("data_url"))]
    for number, url in enumerate(filter(None, sources)):
        yield from _input(f"data_url_{number}" if number else "data_url", url)
    for row in rows(algorithm.get("inputs")):
        url = text(table(table(row.get("remote")).get("obs")).get("obs_url"))
        yield from _input(text(row.get("name")), url)


def _input(name: str, url: str) -> Iterator[tuple[str, str]]:
    try:
        yield name, str(obs_uri(url))
    except SpecError:
        return


def _machine(raw: Mapping[str, Any]) -> str:
    resource = table(table(raw.get("spec")).get("resource"))
    return text(raw.get("spec_code")) or text(raw.get("flavor_code")) or text(resource.get("flavor_id"))
