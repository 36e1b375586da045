"""The API as an application: from an HTTP request to the action that it names, and back."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from anyfit_emulator.http import Request, Response
from anyfit_emulator.reception import Reception
from anyfit_emulator.storage.admin import Administration
from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.desk import REGIONS, STS, Call, Desk, Do
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.faults import injected
from anyfit_ti.emulator.signatures import authenticate
from anyfit_ti.emulator.wire import Incoming, answer, failure, new_request_id, read, success

__all__ = ["TiApp"]


class TiApp:
    """Answers every service of the platform at one address: which one is meant, the signature and the version say."""

    def __init__(
        self,
        desks: Iterable[Desk],
        account: Account,
        reception: Reception,
        administration: Administration,
    ) -> None:
        self._actions: dict[tuple[str, str], dict[str, Do]] = {}
        for desk in desks:
            for product, actions in desk.tables().items():
                self._actions.setdefault(product, {}).update(actions)
        self._account = account
        self._reception = reception
        self._administration = administration

    def quick(self, request: Request) -> bool:
        """Nothing is answered on the event loop: actions wait for locks."""
        return False

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if self._administration.wants(request):
            return self._administration(request)
        if request.path == self._account.door:
            return answer(self._account.for_containers())
        if request.path not in ("", "/"):
            return Response(404, [("Content-Type", "text/plain")], b"the API is at /\n")
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        request_id = new_request_id()
        try:
            incoming = read(request)
        except ApiError as error:
            return failure(error, request_id)
        action, version = incoming.common.get("Action", ""), incoming.common.get("Version", "")
        return self._reception.answered(action, version, request, lambda: self._guarded(incoming, request_id), injected)

    def _guarded(self, incoming: Incoming, request_id: str) -> Response:
        try:
            return success(self._do(incoming), request_id)
        except ApiError as error:
            return failure(error, request_id)
        except Exception as error:
            traceback.print_exc()
            return failure(ApiError("InternalError", f"the emulator has failed: {error!r}"), request_id)

    def _do(self, incoming: Incoming) -> dict[str, object]:
        service = authenticate(incoming, self._account.keys)
        common = incoming.common
        for name in ("Action", "Version"):
            if not common.get(name):
                raise ApiError("MissingParameter", f"The request is missing a required parameter `{name}`.")
        product, actions = self._product(service, common["Version"])
        do = actions.get(common["Action"])
        if do is None:
            message = f"The action `{common['Action']}` does not exist in version {common['Version']}."
            raise ApiError("InvalidAction", message)
        region = _region(common.get("Region", ""), required=product != STS)
        return do(Call(common["Action"], region, incoming.parameters, loose=incoming.flat is not None))

    def _product(self, service: str, version: str) -> tuple[tuple[str, str], dict[str, Do]]:
        """The actions of a service; the older signature does not name it, but no two have a version in common."""
        if service and service not in {name for name, _ in self._actions}:
            raise ApiError("NoSuchProduct", f"The product `{service}` does not exist.")
        for product, actions in self._actions.items():
            if product[1] == version and service in ("", product[0]):
                return product, actions
        raise ApiError("NoSuchVersion", f"The version {version} of this service does not exist.")


def _region(region: str, *, required: bool) -> str:
    if not region and required:
        raise ApiError("MissingParameter", "The request is missing a required parameter `Region`.")
    if region and region not in REGIONS:
        raise ApiError("UnsupportedRegion", f"The region `{region}` is none of {', '.join(REGIONS)}.")
    return region
