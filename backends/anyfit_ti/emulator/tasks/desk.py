"""All training tasks of the account: making, looking, stopping, starting again, deleting (reference, 3.1 to 3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from anyfit_emulator.running import Courses
from anyfit_ti.emulator.container import install_programs
from anyfit_ti.emulator.desk import TIONE_2021, Call, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.execution import Ending, Surroundings
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.ids import digits, letters
from anyfit_ti.emulator.loglines import say
from anyfit_ti.emulator.places import Place
from anyfit_ti.emulator.selecting import page, select, tagged
from anyfit_ti.emulator.specs import GROUPS
from anyfit_ti.emulator.tasks.bodies import check_task, read_log_config
from anyfit_ti.emulator.tasks.callbacks import call_back
from anyfit_ti.emulator.tasks.execution import Means, TaskExecution
from anyfit_ti.emulator.tasks.register import Register
from anyfit_ti.emulator.tasks.values import ENDED, Instance, Task
from anyfit_ti.emulator.tasks.views import pod_state, to_detail, to_item, to_pods

__all__ = ["Tasks"]

GRACE = 10.0
_ORDER_FIELDS = ("CreateTime", "UpdateTime", "StartTime")
_STATUSES = {"done": "SUCCEED", "stopped": "STOPPED"}


class Tasks:
    """The newer generation of training; safe from any thread.

    Attributes:
        register: The tasks.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.register = Register(site.records, site.folder / "tasks")
        self._around = Surroundings(self.register.lock, site.pause, site.machines)
        programs = install_programs(site.folder / "programs")
        systems = FileSystems(site.folder / "cfs")
        self._means = Means(site.store, systems, programs, self._moved, self._ended)
        self._running: Courses[str, TaskExecution] = Courses(self._around.lock)

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "CreateTrainingTask": self.create,
                "DescribeTrainingTask": self.describe,
                "DescribeTrainingTasks": self.describe_all,
                "StartTrainingTask": self.start_again,
                "StopTrainingTask": self.stop,
                "DeleteTrainingTask": self.delete,
                "EnableTrainingTaskClsConfig": self.switch_log,
                "DescribeTrainingTaskPods": self.describe_pods,
                "DescribeTrainingTaskPodUrl": self.describe_pod_url,
            }
        }

    def start(self) -> None:
        """End what an earlier emulator left running; its processes are gone."""
        for task in self.register.all():
            if task.status not in ENDED:
                say(self.register.log_of(task, task.latest), 0, "the emulator ended while this was running")
                task.latest.restarts = task.config["BackOffLimit"]
                self._ended(task, Ending("failed", "the emulator ended while this was running"))

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._running.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._running.join(deadline)

    # actions

    def create(self, call: Call) -> dict[str, Any]:
        """`CreateTrainingTask`."""
        config = check_task(call.fields, self._site.store, GROUPS)
        with self._around.lock:
            if any(task.name == config["Name"] for task in self.register.all()):
                message = f"There is a task {config['Name']} already."
                raise ApiError("FailedOperation.DuplicateNameTaskIsCreating", message)
            now = time.time()
            number = self.register.next_number()
            task = Task(f"train-{digits(19)}", number, config["Name"], call.region, config, now, now)
            self._begin(task)
        return {"Id": task.id}

    def describe(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingTask`; the official tool also asks for an instance's id."""
        with self._around.lock:
            return {"TrainingTaskDetail": to_detail(self._task(call.fields), self._site.account)}

    def describe_all(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingTasks`."""
        fields = call.fields
        names = {one.text("Name") for one in fields.parts("Filters")}
        if {"Status", "CHARGE_STATUS"} <= names:
            message = "Tasks cannot be filtered by Status and CHARGE_STATUS at once."
            raise ApiError("InvalidParameter.FilterKeyStatusConflictWithChargeStatus", message)
        moments: dict[str, Callable[[Task], float]] = {
            "CreateTime": lambda task: task.created,
            "UpdateTime": lambda task: task.updated,
            "StartTime": lambda task: task.latest.started,
        }
        key = moments[fields.text("OrderField", "UpdateTime", one_of=_ORDER_FIELDS) or "UpdateTime"]
        descending = fields.text("Order", "DESC", one_of=("ASC", "DESC")) != "ASC"
        with self._around.lock:
            found = tagged(
                select(self.register.all(), fields, self._filters()), fields, lambda task: task.config["Tags"]
            )
            found.sort(key=lambda task: (key(task), task.number), reverse=descending)
            shown = page(found, fields, default=10, most=50)
            items = [to_item(task, self._site.account) for task in shown]
        return {"TrainingTaskSet": items, "TotalCount": len(found)}

    def start_again(self, call: Call) -> dict[str, Any]:
        """`StartTrainingTask`: the same definition, in a new instance."""
        with self._around.lock:
            task = self._task(call.fields)
            if task.status not in ENDED:
                raise ApiError("FailedOperation.NotAllow", f"The task {task.id} is {task.status}.")
            task.operation = "Start"
            self._begin(task)
        return {}

    def stop(self, call: Call) -> dict[str, Any]:
        """`StopTrainingTask`."""
        with self._around.lock:
            task = self._task(call.fields)
            if task.status in ENDED:
                raise ApiError("FailedOperation.NotAllow", f"The task {task.id} is {task.status}.")
            task.operation = "Stop"
            self._set(task, "STOPPING")
            if task.id in self._running:
                self._running[task.id].stop(GRACE)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        """`DeleteTrainingTask`: what it wrote to COS stays."""
        with self._around.lock:
            task = self._task(call.fields)
            if task.status not in ENDED:
                raise ApiError("OperationDenied.NotAllow", f"The task {task.id} is {task.status}.")
            self.register.drop(task)
        return {}

    def switch_log(self, call: Call) -> dict[str, Any]:
        """`EnableTrainingTaskClsConfig`."""
        fields = call.fields
        enable = fields.flag("LogEnable", required=True)
        config = read_log_config(fields, needed=enable)
        with self._around.lock:
            task = self._task(fields, "TaskId")
            task.config |= {"LogEnable": enable, "LogConfig": config}
            self.register.save(task)
        return {}

    def describe_pods(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingTaskPods`."""
        with self._around.lock:
            task = self._task(call.fields)
            pods = to_pods(task, self._site.account)
        return {"PodNames": [pod["Name"] for pod in pods], "TotalCount": len(pods), "PodInfoList": pods}

    def describe_pod_url(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingTaskPodUrl`: where the console has its terminal; there is none here."""
        name = call.fields.text("PodName", required=True)
        with self._around.lock:
            task = next((one for one in self.register.all() if name in one.pod_names(one.latest)), None)
            if task is None:
                raise ApiError("ResourceNotFound", f"There is no pod {name}.")
            if task.status != "RUNNING":
                raise ApiError("FailedOperation.NotAllow", f"The pod {name} does not run.")
        return {"PodUrl": f"https://console.cloud.tencent.com/tione/v2/webshell?pod={name}"}

    # for others

    def output_of(self, task_id: str) -> Place | None:
        """Where a task's output lies; None when there is no such task, or nothing is kept of it."""
        found = self.register.find(task_id)
        task = found[0] if found else None
        if task is None or not task.config["Output"]["Bucket"]:
            return None
        output = task.config["Output"]
        path = output["Paths"][0].strip("/")
        return Place(output["Bucket"], output["Region"], f"{path + '/' if path else ''}{task.id}/")

    # rules

    def _filters(self) -> dict[str, Any]:
        account = self._site.account
        return {
            "Name": lambda task: [task.name],
            "Id": lambda task: [task.id],
            "Status": lambda task: [task.status],
            "ResourceGroupId": lambda task: [task.config["ResourceGroupId"]],
            "Creator": lambda task: [account.uin],
            "ChargeType": lambda task: [task.config["ChargeType"]],
            "CHARGE_STATUS": lambda task: ["NOT_BILLING" if task.status in ENDED else "BILLING"],
        }

    def _begin(self, task: Task) -> None:
        task.instances.append(Instance(f"{task.id}-{letters(12)}", time.time()))
        task.failure = ""
        self._set(task, "SUBMITTING")
        self._execute(task)

    def _execute(self, task: Task) -> None:
        log = self.register.log_of(task, task.latest)
        execution = TaskExecution(task, self._means, self._around, self.register.run_place(task, task.latest), log)
        self._running[task.id] = execution
        execution.start()

    def _moved(self, task: Task, status: str) -> None:
        if task.status == "STOPPING":
            return
        if status == "RUNNING" and not task.latest.started:
            task.latest.started = time.time()
        self._set(task, status)

    def _ended(self, task: Task, ending: Ending) -> None:
        run = task.latest
        self._running.pop(task.id, None)
        if ending.how == "failed" and run.restarts < task.config["BackOffLimit"] and task.status != "STOPPING":
            run.restarts += 1
            for pod in task.pod_names(run):
                run.note("Warning", pod, f"BackOff: {ending.message}, it is started again", time.time())
            self._set(task, "STARTING")
            self._execute(task)
            return
        run.ended = time.time()
        task.failure = ending.message
        self._set(task, _STATUSES.get(ending.how, "FAILED"))
        if task.config["CallbackUrl"]:
            call_back(task)

    def _set(self, task: Task, status: str) -> None:
        now = time.time()
        if status != task.status or not task.latest.events:
            kind = "Warning" if status in ("FAILED", "SUBMIT_FAILED") else "Normal"
            for pod in task.pod_names(task.latest):
                task.latest.note(kind, pod, f"{status}: {task.failure}" if task.failure else status, now)
        task.status, task.updated = status, now
        task.latest.pods = pod_state(status, task.latest)
        self.register.save(task)

    def _task(self, fields: Fields, name: str = "Id") -> Task:
        identifier = fields.text(name, required=True)
        found = self.register.find(identifier)
        if found is None:
            raise ApiError("ResourceNotFound", f"There is no task {identifier}.")
        return found[0]
