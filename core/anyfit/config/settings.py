"""The keys of anyfit itself, in a file, a profile, or as `ANYFIT_<KEY>` in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from anyfit.values import field, frozen

__all__ = ["CoreSettings"]


def _key(default: Any, help: str, *, top_only: bool = False, path: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "top_only": top_only, "path": path})


@frozen(kw_only=True)
class CoreSettings:
    """What anyfit does where a call does not say otherwise; each key's meaning is in its metadata."""

    backend: str = _key("local", "Where jobs run.")
    profile: str = _key("", "The profile to use where none is named.", top_only=True)
    language: Literal["auto", "en", "zh"] = _key("auto", "Of failure reports; auto follows the locale.")
    instance_type: str = _key("", 'The machine for jobs that name none: a spec ID, or a wish as in "A100:8".')
    output_path: str = _key("", "Where models and outputs of jobs go that name no place of their own.", path=True)
    checkpoint_path: str = _key("", "Where checkpoints go to and come from.", path=True)
    tags: Mapping[str, str] = _key(MappingProxyType({}), "Put on every job, beside the job's own tags.")
    allow_secrets: tuple[str, ...] = _key((), "Patterns of files to pack although they look like secrets.")
