"""Making a model version: its package is put together in OBS and imported from there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attrs import evolve

from anyfit.backend import Backend, ModelRef
from anyfit.errors import AnyfitError, Conflict, ServiceError
from anyfit.spec import ModelSpec
from anyfit.stage import put_uploads
from anyfit_modelarts.model_bodies import image_body, import_body
from anyfit_modelarts.models import Models
from anyfit_modelarts.package import Parts, build_package
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.source import Source
from anyfit_modelarts.translate.work import options_of

__all__ = ["register"]

_TRIES = 10


def register(backend: Backend, models: Models, spec: ModelSpec, settings: Settings) -> ModelRef:
    """Import a model version; where none is named, the next one that nobody else takes meanwhile."""
    options = options_of(spec.options)
    tries = 1 if spec.version else _TRIES
    for attempt in range(1, tries + 1):
        numbered = evolve(spec, version=spec.version or models.next_version(spec.name))
        try:
            if spec.image and not options.model_type:
                return models.register(image_body(numbered, options, settings))
            return _import(backend, models, numbered, options, settings)
        except Conflict:
            if attempt == tries:
                raise
    raise AssertionError("every try has returned or raised")


def _import(backend: Backend, models: Models, spec: ModelSpec, options: Options, settings: Settings) -> ModelRef:
    source = Source.read(spec, backend.store)
    package = build_package(spec, source, options, settings, models.runtimes(), Parts.read())
    body: dict[str, Any] = import_body(spec, package, options, settings)
    put_uploads(backend, package.uploads)
    try:
        return models.register(body)
    except AnyfitError as fault:
        if not isinstance(fault, ServiceError):  # else it may be there after all
            with suppress(AnyfitError):
                if not models.has(body):  # the same version was made of the same things before
                    models.remove_package(body["source_location"])
        raise
