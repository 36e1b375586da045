"""Services of TI-EMS: a configuration that is served, scaled, exposed, stopped."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

from attrs import asdict

from anyfit_emulator.http import Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_ti.emulator.desk import TIEMS, Call, Site, Tables
from anyfit_ti.emulator.ems.configs import Configs
from anyfit_ti.emulator.ems.entrance import Entrance
from anyfit_ti.emulator.ems.orders import Service, launch_of, read_scaler, read_shape
from anyfit_ti.emulator.ems.values import beijing, ordered
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.selecting import page, select
from anyfit_ti.emulator.serving.fleet import Fleet
from anyfit_ti.emulator.serving.gateway import refuse
from anyfit_ti.emulator.serving.workload import Absent

__all__ = ["Services"]

GRACE = 30.0
EXTERNAL, VPC = "EXTERNAL", "VPC"


class Services:
    """All services of the account; safe from any thread."""

    def __init__(self, site: Site, configs: Configs) -> None:
        self._site = site
        self._configs = configs
        self._lock = configs.lock
        self._records = site.records
        self._services = {key: Service(**document) for key, document in site.records.all("ems-service")}
        self._fleet = Fleet(site.store, site.folder / "ems", self._heard)
        self._ports: dict[str, int] = {}
        self._ending = False
        configs.users.append(lambda config_id: any(one.config_id == config_id for one in self._services.values()))
        configs.count_in = lambda group: sum(one.shape["ResourceGroupId"] == group for one in self._services.values())

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIEMS: {
                "CreateService": self.create,
                "DescribeServices": self.describe,
                "UpdateService": self.update,
                "DeleteService": self.delete,
                "ExposeService": self.expose,
            }
        }

    def start(self) -> None:
        """Run again what shall run, at new addresses."""
        with self._lock:
            for service in self._services.values():
                service.serving = 0.0
                if service.exposes:
                    self._ports[service.id] = self._site.listen(Entrance(service.id, self.forward))
                if service.wanted:
                    self._deploy(service)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        with self._lock:
            self._ending = True
            for service in self._services.values():
                self._count(service, able=False)
        self._fleet.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._fleet.join(deadline)

    # actions

    def create(self, call: Call) -> dict[str, Any]:
        """A service that is started at once."""
        fields = call.fields
        with self._lock:
            name = fields.text("Name", required=True, longest=60)
            config = self._configs.find(fields.text("ServiceConfigId", required=True))
            mode = fields.text("ScaleMode", required=True, one_of=("AUTO", "MANUAL"))
            scaler = read_scaler(fields, mode)
            authentication = fields.text("Authentication", one_of=("TOKEN",))
            shape = read_shape(fields)
            if any(one.name == name for one in self._services.values()):
                raise ApiError("FailedOperation.AlreadyExists", f"There is a service {name} already.")
            token = letters(32) if authentication else ""
            now = time.time()
            service = Service(letters(16), name, config.id, call.region, shape, mode, scaler, token, now, now)
            self._services[service.id] = service
            self._deploy(service)
            self._save(service)
            return {"Service": self._to_wire(service)}

    def describe(self, call: Call) -> dict[str, Any]:
        """Services."""
        fields = call.fields
        keys = {"CREATE_TIME": lambda one: one.created, "UPDATE_TIME": lambda one: one.updated}
        with self._lock:
            found = select(ordered(list(self._services.values()), fields, keys), fields, self._filters())
            shown = page(found, fields, default=20, most=100)
            return {"Services": [self._to_wire(one) for one in shown], "TotalCount": len(found)}

    def update(self, call: Call) -> dict[str, Any]:
        """Another scale, another configuration, a stop, a start."""
        fields = call.fields
        with self._lock:
            service = self._service(fields)
            action = fields.text("ServiceAction", one_of=("STOP", "RESUME"))
            self._reshape(service, fields)
            if action:
                service.wanted = action == "RESUME"
            if action == "STOP":
                self._fleet.stop(service.id, GRACE)
            elif action == "RESUME" and self._fleet.state(service.id).status in ("Stopped", "Stopping"):
                service.moving = "Resuming"
                self._deploy(service)
            elif service.wanted and fields.has("ServiceConfigId"):
                service.moving = "Updating"
                self._deploy(service)
            elif service.wanted:
                self._fleet.scale(service.id, service.scaler["StartReplicas"], GRACE)
            service.updated = time.time()
            self._save(service)
            return {"Service": self._to_wire(service)}

    def delete(self, call: Call) -> dict[str, Any]:
        """A service, also one that runs."""
        with self._lock:
            service = self._service(call.fields)
            del self._services[service.id]
            self._records.remove("ems-service", service.id)
            self._fleet.forget(service.id, GRACE)
        return {}

    def expose(self, call: Call) -> dict[str, Any]:
        """Let it be called from outside; the address is not known in the same moment."""
        fields = call.fields
        kind = fields.text("ExposeType", required=True, one_of=(EXTERNAL, VPC))
        expose = {
            "ExposeType": kind,
            "VpcId": fields.text("VpcId", required=kind == VPC) or None,
            "SubnetId": fields.text("SubnetId", required=kind == VPC) or None,
        }
        with self._lock:
            service = self._service(fields)
            if expose in service.exposes:
                return {"Expose": self._exposed(service, expose)}
            if service.id not in self._ports:
                self._ports[service.id] = self._site.listen(Entrance(service.id, self.forward))
            service.exposes.append(expose)
            self._save(service)
        return {"Expose": {**expose, "Ip": "pending"}}

    def forward(self, service_id: str, request: Request) -> Response:
        """Answer a call of a service, which came in at its own address."""
        service = self._services.get(service_id)
        if service is None:
            return refuse(404, "the service does not exist any more")
        if service.token and not hmac.compare_digest(
            request.headers.get("x-auth-token", "").encode(), service.token.encode()
        ):
            return refuse(401, "X-Auth-Token is missing or wrong")
        path = request.path + ("?" + request.query if request.query else "")
        try:
            return self._fleet.forward(service_id, request, path)
        except Absent as error:
            return refuse(503, str(error))
        except NotServing as error:
            return refuse(502, str(error))

    # rules

    def _reshape(self, service: Service, fields: Fields) -> None:
        mode = fields.text("ScaleMode", service.scale_mode, one_of=("AUTO", "MANUAL"))
        if fields.has("Scaler"):
            service.scaler = read_scaler(fields, mode)
        service.scale_mode = mode
        if config_id := fields.text("ServiceConfigId"):
            service.config_id = self._configs.find(config_id).id
        merged = Fields({**service.shape, **fields.values})
        service.shape = read_shape(merged)

    def _deploy(self, service: Service) -> None:
        launch = launch_of(self._configs.find(service.config_id))
        self._fleet.run(service.id, launch, service.scaler["StartReplicas"], GRACE)

    def _heard(self, service_id: str) -> None:
        with self._lock:
            service = self._services.get(service_id)
            if service is not None and not self._ending:
                self._count(service, able=bool(self._fleet.state(service_id).health.ready))

    def _count(self, service: Service, *, able: bool) -> None:
        """Keep the count of the seconds in which it could answer."""
        if able and not service.serving:
            service.serving = time.time()
        elif not able and service.serving:
            service.served, service.serving = service.served + time.time() - service.serving, 0.0
        else:
            return
        self._save(service)

    def _save(self, service: Service) -> None:
        if service.id in self._services:
            self._records.put("ems-service", service.id, asdict(service))

    def _service(self, fields: Fields) -> Service:
        service_id = fields.text("ServiceId", required=True)
        try:
            return self._services[service_id]
        except KeyError:
            raise ApiError("ResourceNotFound", f"The service {service_id} does not exist.") from None

    # answers

    def _exposed(self, service: Service, expose: dict[str, Any]) -> dict[str, Any]:
        return {**expose, "Ip": f"127.0.0.1:{self._ports[service.id]}"}

    def _status(self, service: Service) -> dict[str, Any]:
        state, pods = self._fleet.state(service.id), self._fleet.pods(service.id)
        replicas = [
            {
                "Name": pod.name,
                "EniIp": "127.0.0.1",
                "Status": "Normal" if pod.ready else "Abnormal" if pod.reason else "Waiting",
                "Message": pod.reason,
                "StartTime": beijing(pod.started),
                "CreateTime": beijing(pod.created),
                "Restarted": pod.restarts,
            }
            for pod in pods
        ]
        reasons = [pod.state for pod in pods if pod.reason]
        return {
            "DesiredReplicas": service.scaler["StartReplicas"] if service.wanted else 0,
            "CurrentReplicas": state.health.ready,
            "Status": service.moving if state.status == "Waiting" else state.status,
            "Conditions": [{"Reason": reason, "Count": reasons.count(reason)} for reason in dict.fromkeys(reasons)],
            "Replicas": [pod.name for pod in pods],
            "Message": state.reason,
            "ReplicaInfos": replicas,
        }

    def _to_wire(self, service: Service) -> dict[str, Any]:
        config = self._configs.find(service.config_id)
        now = time.time()
        return {
            **service.shape,
            "Id": service.id,
            "Cluster": service.shape["Cluster"],
            "Region": service.region,
            "Name": service.name,
            "Runtime": config.runtime,
            "ModelUri": config.uri,
            "CreateTime": beijing(service.created),
            "UpdateTime": beijing(service.updated),
            "ScaleMode": service.scale_mode,
            "Scaler": service.scaler,
            "Status": self._status(service),
            "AccessToken": service.token,
            "ConfigId": config.id,
            "ConfigName": config.name,
            "ConfigVersion": config.version,
            "ServeSeconds": int(service.served + (now - service.serving if service.serving else 0.0)),
            "ResourceGroupName": service.shape["ResourceGroupId"],
            "Exposes": [self._exposed(service, expose) for expose in service.exposes],
        }

    def _filters(self) -> dict[str, Callable[[Service], list[str]]]:
        return {
            "id": lambda one: [one.id],
            "name": lambda one: [one.name],
            "region": lambda one: [one.region],
            "zone": lambda one: [one.region],
            "cluster": lambda one: [one.shape["Cluster"]],
            "status": lambda one: [self._status(one)["Status"]],
            "runtime": lambda one: [self._configs.find(one.config_id).runtime],
            "rsg_id": lambda one: [one.shape["ResourceGroupId"]],
        }
