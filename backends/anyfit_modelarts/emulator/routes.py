"""All calls: the tables of the rooms, one after the other."""

from __future__ import annotations

from attrs import frozen

from anyfit_emulator.routing import Router
from anyfit_modelarts.emulator import iam
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.calls import Operation, Route
from anyfit_modelarts.emulator.models import Models
from anyfit_modelarts.emulator.serving import routes as serving
from anyfit_modelarts.emulator.serving.desk import Services
from anyfit_modelarts.emulator.serving.v2 import routes as serving_v2
from anyfit_modelarts.emulator.serving.v2.desk import InferServices
from anyfit_modelarts.emulator.training.v1 import routes as v1
from anyfit_modelarts.emulator.training.v1.routes import V1Desks
from anyfit_modelarts.emulator.training.v2 import routes as v2
from anyfit_modelarts.emulator.training.v2.routes import V2Desks

__all__ = ["Desks", "routes"]


@frozen
class Desks:
    """Who does the work."""

    account: Account
    models: Models
    services: Services
    infer_services: InferServices
    v1: V1Desks
    v2: V2Desks


def routes(desks: Desks) -> Router[Operation]:
    """The whole table; a call of ModelArts has the project's id in its path as `{project}`."""
    tables: list[list[Route]] = [
        iam.routes(desks.account),
        serving.routes(desks.models, desks.services),
        serving_v2.routes(desks.infer_services),
        v1.routes(desks.v1),
        v2.routes(desks.v2),
    ]
    return Router(route for table in tables for route in table)
