"""Endpoints of 2021: service groups, whose versions share the traffic by weight."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from attrs import evolve

from anyfit.backend import EndpointState, EndpointStatus, LogLine, LogPage, ModelRef, Offering
from anyfit.errors import AnyfitError, NotFound, ServiceError, UsageError
from anyfit.shares import percents
from anyfit.spec import EndpointSpec, Variant
from anyfit_ti.errors import name_is_taken
from anyfit_ti.logs import Entry, entries_2021, read_page
from anyfit_ti.models.api_2021 import image_of_version
from anyfit_ti.patience import looks
from anyfit_ti.serving.bodies import PATH, WHERE, Size, group_body, size_of, version_body
from anyfit_ti.serving.client import ServingClient
from anyfit_ti.serving.images import for_gpu
from anyfit_ti.serving.invoking import Door
from anyfit_ti.serving.views import (
    change_of,
    living,
    matched,
    options_of_group,
    reason_of,
    size_of_service,
    size_text,
    spec_of,
    status_of,
)
from anyfit_ti.serving.wire import LEFT, Group, ModelVersion, Service
from anyfit_ti.settings import Options, Settings
from anyfit_ti.states import SERVICE_STATUS
from anyfit_ti.wire import Raw, nanoseconds, rfc3339, time_of

__all__ = ["Groups"]

_IDLE = (EndpointStatus.STOPPING, EndpointStatus.STOPPED)
_MINUTE = 60 * 10**9
_PAGE = 1000
_PATIENCE = 120.0
_NEVER_RAN = "CREATE_FAILED"
_SEVERAL = 2  # pods come and go, so lines of one may be late


class Groups:
    """The service groups of one account.

    Args:
        client: Makes the calls.
        settings: The backend's.
        machines: Asks for the machines that serve.
        images: Asks for the platform's images that do.
        now: The time as the service counts it.
        sleep: Waits for the end of what is to be removed.
    """

    def __init__(
        self,
        client: ServingClient,
        settings: Settings,
        machines: Callable[[], Sequence[Offering]],
        images: Callable[[], Sequence[Raw]],
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._settings = settings
        self._machines = machines
        self._images = images
        self._now = now
        self._sleep = sleep

    # making and changing

    def deploy(self, spec: EndpointSpec, options: Options) -> str:
        """Make a group; what fails half-way is taken back, unless it may be somebody else's."""
        shares = percents([variant.weight for variant in spec.variants])
        machines = cache(self._machines)
        head = group_body(spec, options)
        bodies = [
            self._body(spec, variant, version, options, size_of(variant, options, machines))
            for variant, version in zip(spec.variants, self._versions(spec), strict=True)
        ]
        group, is_mine = self._first({**head, **bodies[0]})
        if len(bodies) > 1:
            try:
                ids = [service.id for service in self._client.group(group).services]
                ids += [self._further(group, body) for body in bodies[1:]]
                self._client.weigh(group, dict(zip(ids, shares, strict=True)))
            except BaseException:
                if is_mine:
                    with suppress(AnyfitError):
                        self.delete(group)
                raise
        return group

    def update(self, identity: str, spec: EndpointSpec, options: Options) -> None:
        """Serve something else: versions that stay are changed in place, others come and go."""
        shares = percents([variant.weight for variant in spec.variants])
        group = self._client.group(identity)
        options, asked = options_of_group(options, group), options
        pairs, doomed = matched(spec.variants, living(group))
        machines = cache(self._machines)
        versions = self._versions(spec)
        weights = {service.id: 0 for service in group.services if service.left or service in doomed}
        for (variant, service), version, share in zip(pairs, versions, shares, strict=True):
            kept = service is not None and variant.instance_type in ("", size_text(service))
            size = size_of_service(service) if service and kept else size_of(variant, options, machines)
            body = self._body(spec, variant, version, options, size)
            if service is None:
                weights[self._further(identity, body)] = share
                continue
            weights[service.id] = share
            if change := change_of(body, service, asked):
                self._client.modify_service(service.id, change)
        if weights != {service.id: service.weight for service in group.services}:
            self._client.weigh(identity, weights)
        if asked.auth is not None and asked.auth != group.authorized:
            let_in = self._client.ask_for_token if asked.auth else self._client.admit_everybody
            let_in(identity)
        self._sweep(group)
        self._retire(doomed)

    def start(self, identity: str) -> None:
        """Serve again."""
        group = self._client.group(identity)
        self._sweep(group)
        for service in living(group):
            if SERVICE_STATUS.get(service.status) in _IDLE:
                self._client.modify_service(service.id, {"ServiceAction": "RESUME"})

    def stop(self, identity: str) -> None:
        """Stop serving."""
        group = self._client.group(identity)
        self._sweep(group)
        self._stop(group.services)

    def delete(self, identity: str) -> None:
        """Remove the group with its versions, which are stopped where the platform wants that first."""
        if self._client.delete_group(identity):
            return
        self._stop(self._client.group(identity).services)
        if not any(self._client.delete_group(identity) for _ in looks(self._sleep, _PATIENCE)):
            raise ServiceError(f"endpoint {identity} does not end", hint="try again later", backend="ti")

    def renew_token(self, identity: str) -> None:
        """Another token in place of the one that callers show; the old one opens nothing any more."""
        info = self._client.call_info(identity)
        if not info.authorized:
            raise UsageError(f"endpoint {identity} asks for no token", hint="deploy it with options.ti.auth = true")
        if info.token:
            self._client.reset_token(identity, info.token)
        else:
            self._client.create_token(identity, "anyfit")

    # asking

    def state(self, identity: str) -> EndpointState:
        """How the group is."""
        group = self._client.group(identity)
        services = living(group)
        status = status_of(services, group.weights)
        return EndpointState(
            status=status,
            native=", ".join(dict.fromkeys(service.status or service.business for service in services)),
            reason=reason_of(services, status, group.weights),
            url=self._url(identity, services) if status == EndpointStatus.READY else "",
            spec=spec_of(group, services, self._settings.region),
            created_at=time_of(group.created),
        )

    def every(self) -> list[tuple[int, str, str]]:
        """All groups: when they were made, their names and ids."""
        return [(nanoseconds(group.created) or 0, group.name, group.id) for group in self._client.groups()]

    def find(self, name: str) -> str | None:
        """The group of that name."""
        return next((group.id for group in self._client.groups(name)), None)

    def door(self, identity: str) -> Door:
        """Where the group is asked, and with what."""
        info = self._client.call_info(identity)
        if info.authorized and not info.token:
            self._client.create_token(identity, "anyfit")
            info = self._client.call_info(identity)
        if not info.url:
            raise ServiceError(
                f"endpoint {identity} has no address in the internet",
                hint="the console shows how it is called from inside",
                backend="ti",
            )
        url = f"{info.url.rstrip('/')}{_path(self._client.group(identity).services)}"
        return Door(url, {"Authorization": info.token} if info.authorized else {})

    def logs(self, identity: str, cursor: str) -> LogPage:
        """What the servers of all versions said, one version after the other."""
        places = _read_cursor(cursor)
        lines: list[LogLine] = []
        kept: dict[str, str] = {}
        more = False
        for service in self._client.group(identity).services:
            page = self._log(service, places.get(service.id, ""))
            lines += page.lines
            kept[service.id] = page.cursor
            more = more or page.more
        return LogPage(tuple(lines), json.dumps(kept, separators=(",", ":")), more)

    # below

    def _stop(self, services: Iterable[Service]) -> None:
        for service in services:
            if SERVICE_STATUS.get(service.status) not in _IDLE and service.status != _NEVER_RAN:
                self._client.modify_service(service.id, {"ServiceAction": "STOP"})

    def _sweep(self, group: Group) -> None:
        """Remove what earlier updates have left behind, as far as it has stopped by now."""
        for service in group.services:
            if service.left:
                self._client.delete_service(service.id)

    def _retire(self, services: Sequence[Service]) -> None:
        """Remove versions; one that takes too long to stop is marked as such, and goes the next time."""
        running = [service for service in services if not self._client.delete_service(service.id)]
        for service in running:
            self._client.modify_service(service.id, {"ServiceDescription": LEFT})
        self._stop(running)
        for _ in looks(self._sleep, _PATIENCE):
            running = [service for service in running if not self._client.delete_service(service.id)]
            if not running:
                return

    def _log(self, service: Service, cursor: str) -> LogPage:
        def fetch(start: int, context: str) -> tuple[list[Entry], str]:
            asked: dict[str, Any] = {
                "ServiceId": service.id,
                "StartTime": rfc3339(start),
                "EndTime": rfc3339(int(self._now()) * 10**9 + _MINUTE),
                "Limit": _PAGE,
                "Order": "ASC",
                "OrderField": "Timestamp",
            }
            found, after = self._client.service_log({**asked, "Context": context} if context else asked)
            return entries_2021(found), after

        begin = (nanoseconds(service.created) or int(self._now()) * 10**9) - _MINUTE
        page = read_page(fetch, cursor, begin=begin, nodes=_SEVERAL)
        return evolve(page, lines=tuple(evolve(line, node=0) for line in page.lines))

    def _body(
        self, spec: EndpointSpec, variant: Variant, version: ModelVersion, options: Options, size: Size
    ) -> dict[str, Any]:
        image = image_of_version(version)
        if size.on_gpu and image.get("ImageType") == "PRESET":
            image = for_gpu(image, self._images())
        return version_body(spec, variant, version, options, self._settings, size, image)

    def _versions(self, spec: EndpointSpec) -> list[ModelVersion]:
        """The model version of each variant, each asked for once."""
        ask = cache(self._client.model_version)
        return [ask(ModelRef.parse(variant.model).id) for variant in spec.variants]

    def _first(self, body: Mapping[str, Any]) -> tuple[str, bool]:
        """A new group, and whether it is this call's for sure: after a lost answer it is one that is like it."""
        name = body["ServiceGroupName"]
        try:
            made = self._client.create_service(body).raw.get("ServiceGroupId")
        except ServiceError as fault:
            found = self._client.groups(name)
            if not found:
                raise
            if not _is_made_from(found[0], body):
                raise name_is_taken("FailedOperation.DuplicateName", f"endpoint {name}") from fault
            return found[0].id, False
        if not isinstance(made, str) or not made:
            raise ServiceError(f"endpoint {name}: TI answers without an id", backend="ti")
        return made, True

    def _further(self, group: str, body: Mapping[str, Any]) -> str:
        """A further version of a group; its id."""
        return self._client.create_service({"ServiceGroupId": group, "NewVersion": True, **body}).id

    def _url(self, identity: str, services: Sequence[Service]) -> str:
        with suppress(NotFound):
            if url := self._client.call_info(identity).url:
                return f"{url.rstrip('/')}{_path(services)}"
        return ""


def _is_made_from(group: Group, body: Mapping[str, Any]) -> bool:
    """Whether a group of one version serves what this body asks for."""
    return len(group.services) == 1 and not change_of(body, group.services[0], Options())


def _path(services: Sequence[Service]) -> str:
    """Where the image is asked: what the endpoint was given for it, or where all of the platform's are."""
    return next((path for service in services if (path := service.variables.get(WHERE))), PATH)


def _read_cursor(cursor: str) -> dict[str, str]:
    if not cursor:
        return {}
    try:
        return {str(service): str(place) for service, place in json.loads(cursor).items()}
    except (ValueError, AttributeError):
        raise UsageError(f"{cursor!r} is no place in a log of TI", hint="follow the log from its beginning") from None
