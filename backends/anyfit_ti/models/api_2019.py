"""Models of 2019: TI-EMS knows none apart from its configurations, which are a folder with what serves it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.cloud.places import Places
from anyfit.errors import AnyfitError, NotFound, SpecError
from anyfit.spec import ModelSpec
from anyfit_ti.bundle import SERVICE, ShippedModel
from anyfit_ti.generations import OLD
from anyfit_ti.models.package import make_package
from anyfit_ti.places import ems_uri, uri_of_ems
from anyfit_ti.serving.client import ServingClient
from anyfit_ti.serving.images import find_serving_image
from anyfit_ti.serving.wire import Config
from anyfit_ti.settings import Options, Settings
from anyfit_ti.wire import Raw

__all__ = ["PUBLIC", "Configs", "Order", "config_order"]

PUBLIC = {"tfserving": "SAVED_MODEL", "pmml": "PMML", "angel": "", "tensorrt": "", "openvino": ""}
"""The runtimes that everybody has, with the format that each is the one for."""

_MOST_TOLD = 200


@frozen
class Order:
    """What registering takes.

    Attributes:
        body: The configuration.
        image: What its runtime has to be made of first; "" where there is such a runtime.
        uploads: What has to be in the store first.
    """

    body: Mapping[str, Any]
    image: str
    uploads: tuple[Upload, ...]

    @property
    def runtime(self) -> dict[str, Any]:
        """The runtime of the image."""
        return {"Name": self.body["Runtime"], "Image": self.image, "Description": "made by anyfit"}


def config_order(
    spec: ModelSpec, options: Options, images: Callable[[], Sequence[Raw]], settings: Settings, shipped: ShippedModel
) -> Order:
    """The configuration of a model; pure but for `images`, which is asked where no image is named."""
    _check(spec, options)
    package = make_package(spec, options, settings, shipped, program=SERVICE)
    runtime, image = _runtime(spec, options, images, settings, handler=package.told.handler)
    if package.told.handler and runtime in PUBLIC:
        raise SpecError(
            f"options.ti.runtime: {runtime} serves files and takes no code",
            hint='name a runtime of your own, or let it answer by itself: options.ti.server = "image"',
        )
    body = {
        "Name": spec.name,
        "Runtime": runtime,
        "ModelUri": ems_uri(package.folder, settings.region),
        "Description": package.told.written(_MOST_TOLD),
    }
    return Order(body, image, package.uploads)


def _check(spec: ModelSpec, options: Options) -> None:
    if spec.version:
        raise SpecError(
            f"model_version: {spec.version!r} cannot be given", hint="TI-EMS counts versions by itself; leave it out"
        )
    for option in ("model_path", "model_more"):
        if getattr(options, option):
            raise SpecError(f"options.ti.{option}: TI-EMS has no place for it", hint="it belongs to models of 2021")


def _runtime(
    spec: ModelSpec,
    options: Options,
    images: Callable[[], Sequence[Raw]],
    settings: Settings,
    *,
    handler: bool,
) -> tuple[str, str]:
    """The runtime, and the image that it is to be made of, if it is one that anyfit makes."""
    if options.runtime:
        return options.runtime, ""
    of_format = [name for name, form in PUBLIC.items() if form and form == options.model_format]
    if of_format and not handler:
        return of_format[0], ""
    named = "" if options.serving_framework else spec.image
    image = named or _platform_image(spec, options, images, settings)
    tail = re.sub(r"[^a-z0-9]+", "-", image.rpartition("/")[2].lower()).strip("-")[:40].strip("-")
    return f"{tail}-{hashlib.sha256(image.encode()).hexdigest()[:8]}", image


def _platform_image(spec: ModelSpec, options: Options, images: Callable[[], Sequence[Raw]], settings: Settings) -> str:
    """TI's own image with an inference server, which the second generation alone lists."""
    if "/" in settings.serving_image:
        return settings.serving_image
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    wanted = (options.serving_framework, "", "") if options.serving_framework else wanted
    try:
        listed = images()
    except AnyfitError as fault:
        raise SpecError(
            "image_uri: TI-EMS serves handlers in an image that has TI's inference server, and none is named",
            hint=f"set serving_image under [ti], or options.ti.runtime; TI's own are not told: {fault.message}",
        ) from fault
    return find_serving_image(wanted, listed, settings.serving_image or settings.default_framework).url


class Configs:
    """The configurations of one account.

    Args:
        client: Makes the calls.
        places: Where anyfit keeps what models are served from.
        remove: Removes folders of the store.
    """

    def __init__(self, client: ServingClient, places: Places, remove: Callable[[Sequence[str]], None]) -> None:
        self._client = client
        self._places = places
        self._remove = remove

    def register(self, order: Order) -> str:
        """Make a configuration, and its runtime where there is none; the id."""
        if order.image and order.body["Runtime"] not in self._client.runtimes():
            self._client.create_runtime(order.runtime)
        return self._client.create_config(order.body).id

    def every(self, name: str = "") -> list[Config]:
        """All configurations, or those of one name."""
        return [config for config in self._client.configs() if name in ("", config.name)]

    def find(self, identity: str) -> Config:
        """One configuration; `NotFound` where there is none."""
        for config in self._client.configs():
            if config.id == identity:
                return config
        raise NotFound(f"there is no model {OLD}{identity} on TI-EMS", hint="anyfit models lists them", backend="ti")

    def delete(self, identity: str) -> None:
        """Remove a configuration, and the folder that anyfit had made for it, unless another is made of the same."""
        configs = self._client.configs()
        gone = next((config for config in configs if config.id == identity), None)
        if gone is None:
            return
        self._client.delete_config(identity)
        home = uri_of_ems(gone.uri)
        shared = any(config.uri == gone.uri for config in configs if config.id != identity)
        if self._places.bucket and home.startswith(f"{self._places.root}models/") and not shared:
            self._remove([home])
