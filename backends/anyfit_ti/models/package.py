"""The folder that a model is served from: pure.

    predict.py              anyfit's program; for TI-EMS it is called model_service.py
    anyfit_inference.py     the contract of handlers
    anyfit_model.json       what the program has to know
    code.tar.gz             the user's code
    model/                  the model's files, or `model.tar.gz` with them, as jobs of 2019 leave it

Where an image answers by itself the folder holds the model's files alone.
"""

from __future__ import annotations

from attrs import frozen

from anyfit.backend import Upload
from anyfit.errors import SpecError
from anyfit.spec import ModelSpec
from anyfit_ti.bundle import ARCHIVE, ShippedModel, digest_of
from anyfit_ti.places import folder, places_of
from anyfit_ti.serving.wire import Told
from anyfit_ti.settings import Options, Settings

__all__ = ["Package", "make_package"]

ARCHIVED = "model.tar.gz"
_ARCHIVES = (".tar.gz", ".tgz")


@frozen
class Package:
    """A model's folder in COS.

    Attributes:
        folder: Its URI.
        uploads: What has to be there first.
        told: What anyfit notes about it.
    """

    folder: str
    uploads: tuple[Upload, ...]
    told: Told


def make_package(
    spec: ModelSpec, options: Options, settings: Settings, shipped: ShippedModel, *, program: str
) -> Package:
    """What a model is served from; `program` is what anyfit's own is called there."""
    places = places_of(settings)
    packed = spec.artifact.endswith(_ARCHIVES)
    artifact = spec.artifact if packed else folder(spec.artifact)
    told = Told(spec.job, handler=_is_ours(spec, options), description=spec.description)
    if not told.handler:
        if packed:
            raise SpecError(
                f"artifact: {artifact} is an archive, and images want files", hint="unpack it into a folder first"
            )
        if artifact.startswith("cos://"):
            return Package(artifact, (), told)
        home = places.model(spec.name, digest_of(artifact))
        return Package(home, (Upload(target=home, source=artifact, kind="input"),), told)
    installs = settings.install_requirements if options.install_requirements is None else options.install_requirements
    model = {
        "entry_point": spec.entry_point,
        "environment": dict(spec.environment),
        "code_archive": ARCHIVE if spec.code else "",
        "install_requirements": installs and bool(spec.code and spec.code.requirements),
    }
    digests = (shipped.predict.digest, shipped.inference.digest, spec.code and spec.code.digest)
    home = places.model(spec.name, digest_of(program, *digests, artifact, model))
    place = f"{home}model/{ARCHIVED if packed else ''}"
    weights = Upload(target=place, source=artifact, kind="input")
    return Package(home, (weights, *shipped.uploads(home, program, spec.code, model)), told)


def _is_ours(spec: ModelSpec, options: Options) -> bool:
    """Whether anyfit's handler answers; an image of one's own without code is taken to answer by itself."""
    if options.server:
        return options.server == "anyfit"
    return not (spec.image and spec.code is None)
