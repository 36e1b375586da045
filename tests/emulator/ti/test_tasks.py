"""Training tasks of the newer generation: really run, as the reference has it."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from processes import is_alive

SHOW = """
import json, os, sys
words = ("TI_", "TM_", "TF_", "NODE", "INDEX", "CHIEF", "MASTER", "WORLD", "RANK", "GPU", "REGION", "MY", "OMPI_COMM")
env = {name: value for name, value in os.environ.items() if name.startswith(words)}
data = open(sys.argv[1] + "/a.txt").read() if len(sys.argv) > 1 else ""
who = os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ.get("ROLE", "") + os.environ["RANK"]
open(f"{os.environ['OUT']}/seen-{who}.json", "w").write(json.dumps({"env": env, "data": data, "cwd": os.getcwd()}))
"""
OUT = [{"Name": "OUT", "Value": "/opt/ml/output", "IsPrivate": False}]
FOREVER = "echo pid $$; sleep 60"


def with_code(rig: Any, name: str, **more: Any) -> dict[str, Any]:
    """A task's members that bring the script with it."""
    rig.put(f"{name}/code/show.py", SHOW)
    return {"CodePackagePath": rig.place(f"{name}/code/"), "Envs": OUT, **more}


def seen(rig: Any, task: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each process wrote down."""
    output = task["Output"]["Paths"][0]
    found = rig.objects(f"{output}{task['Id']}")
    return {name.removeprefix("seen-").removesuffix(".json"): json.loads(text) for name, text in found.items()}


def running(rig: Any, identifier: str) -> int:
    """The process of FOREVER, once it runs."""
    lines = rig.until(lambda: rig.messages(rig.detail(identifier)), bool)
    return int(lines[0].split()[1])


def cfs(path: str, source: str, **more: Any) -> dict[str, Any]:
    """A mounted file system."""
    return {"DataSourceType": "CFS", "MappingPath": path, "CFSSource": {"Id": "cfs-1", "Path": source}, **more}


def test_a_whole_life(rig: Any) -> None:
    """Code, data, variables and output are where the reference has them; the detail shows what was asked for."""
    name = rig.name("life")
    rig.put(f"{name}/d/a.txt", "1 2 3")
    mount = {"DataSourceType": "COS", "MappingPath": "/data/train", "COSSource": rig.place(f"{name}/d/")}
    mine = [{"Name": "MY", "Value": "/data/train/x", "IsPrivate": True}]
    more = with_code(rig, name, DataSource="COS", DataConfigs=[mount], TuningParameters='{"lr": 0.1}', Remark="r")
    more |= {"Tags": [{"TagKey": "k", "TagValue": "v"}], "Envs": OUT + mine}
    more |= {"VpcId": "vpc-1", "SubnetId": "subnet-1"}
    body = rig.task("cd /opt/ml/code && python show.py /data/train && echo done && echo wrong >&2", name, **more)
    task = rig.finish(body)

    assert task["Status"] == "SUCCEED", rig.messages(task)
    for member in (
        "Name",
        "ChargeType",
        "FrameworkName",
        "StartCmdInfo",
        "TuningParameters",
        "Tags",
        "VpcId",
        "Remark",
    ):
        assert task[member] == body[member]
    assert task["DataConfigs"][0]["COSSource"] == mount["COSSource"]
    assert (task["Uin"], task["Region"]) == (rig.keys["uin"], "ap-guangzhou")
    assert "Envs" not in task
    assert task["LatestInstanceId"].startswith(f"{task['Id']}-")
    assert task["CreateTime"].endswith("+08")
    assert task["BillingInfo"] == "0.70元/小时"
    worker = seen(rig, task)["0"]
    root = worker["env"]["MY"].removesuffix("/data/train/x")
    assert (worker["data"], worker["env"]["TM_HPS"]) == ("1 2 3", '{"lr": 0.1}')
    assert root.startswith(str(rig.room.storage.store.system))
    assert (worker["env"]["TI_TASK_ID"], worker["env"]["TI_INSTANCE_ID"]) == (task["Id"], task["LatestInstanceId"])
    assert (worker["env"]["REGION"], worker["env"]["WORLD_SIZE"], worker["env"]["RANK"]) == ("ap-guangzhou", "1", "0")
    assert sorted(rig.messages(task)) == ["done", "wrong"]
    assert rig.messages(task, LogStream="stderr") == ["wrong"]


def test_failure_and_missing_pieces(rig: Any) -> None:
    """A code other than 0 fails the task and says so; its output is kept."""
    task = rig.finish(rig.task("echo half > /opt/ml/output/m; exit 3"))

    assert (task["Status"], task["FailureReason"]) == ("FAILED", "the program ended with code 3")
    assert rig.objects(f"{task['Name']}/out/{task['Id']}") == {"m": b"half\n"}


def test_encoded_commands_win(rig: Any) -> None:
    """They come as the official tool sends them, with nulls."""
    text = json.dumps({"StartCmd": None, "PsStartCmd": None, "WorkerStartCmd": "echo encoded"})
    encoded = {"StartCmdInfo": base64.b64encode(text.encode()).decode()}
    task = rig.finish(rig.task("echo plain", EncodedStartCmdInfo=encoded))

    assert rig.messages(task) == ["encoded"]
    assert task["StartCmdInfo"] == {"StartCmd": "", "PsStartCmd": "", "WorkerStartCmd": "echo encoded"}


def test_a_package_that_is_an_archive(rig: Any) -> None:
    """What is in it lies where the code is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("sub/x.txt", "inside")
    name = rig.name("zip")
    rig.put(f"{name}/code.zip", packed.getvalue())
    task = rig.finish(rig.task("cat /opt/ml/code/sub/x.txt", name, CodePackagePath=rig.place(f"{name}/code.zip")))

    assert rig.messages(task) == ["inside"]


def test_file_systems_and_mounted_buckets(rig: Any) -> None:
    """What is written to them is there for the next task; what is mounted read-only stays as it was."""
    name = rig.name("fs")
    cosfs = {"DataSourceType": "COSFS", "MappingPath": "/cos", "COSSource": rig.place(f"{name}/mounted/")}
    first = rig.finish(rig.task("echo 1 > /cfs/a; echo 2 > /cos/b", name, DataConfigs=[cfs("/cfs", "/x"), cosfs]))
    again = rig.task("cat /cfs/a; echo 3 > /cfs/c", DataConfigs=[cfs("/cfs", "/x", ReadOnly=True)])
    second = rig.finish(again)
    third = rig.finish(rig.task("ls /cfs", DataConfigs=[cfs("/cfs", "/x")]))

    assert [task["Status"] for task in (first, second, third)] == ["SUCCEED"] * 3
    assert rig.objects(f"{name}/mounted") == {"b": b"2\n"}
    assert (rig.messages(second), rig.messages(third)) == (["1"], ["a"])


def test_mounts_within_mounts(rig: Any) -> None:
    """And over what is there anyway; only what is a path of the container's own leads below its root."""
    name = rig.name("nest")
    rig.put(f"{name}/a/x", "outer")
    rig.put(f"{name}/b/y", "inner")
    places = {"/data/in": f"{name}/b/", "/data": f"{name}/a/", "/opt/ml/code": f"{name}/b/"}
    configs = [
        {"DataSourceType": "COS", "MappingPath": path, "COSSource": rig.place(key)} for path, key in places.items()
    ]
    command = "cat /data/x /data/in/y /opt/ml/code/y; X=z; echo ${X}/data cos://b/data"
    task = rig.finish(rig.task(command, name, DataConfigs=configs))

    assert rig.messages(task) == ["outerinnerinnerz/data cos://b/data"]


def test_output_that_cannot_be_kept(rig: Any) -> None:
    """A bucket that went away fails the task."""
    rig.s3.create_bucket(Bucket="gone-1250000000")
    body = rig.task("while [ ! -e /cfs/go ]; do sleep 0.05; done; echo x > /opt/ml/output/x")
    body |= {"Output": {"Bucket": "gone-1250000000", "Region": "", "Paths": ["out/"]}}
    identifier = rig.begin(body | {"DataConfigs": [cfs("/cfs", "/gate")]})
    rig.until(lambda: rig.detail(identifier)["Status"], lambda status: status == "RUNNING")
    rig.s3.delete_bucket(Bucket="gone-1250000000")
    (rig.room.storage.store.system / "ti" / "cfs" / "cfs-1" / "gate" / "go").touch()
    task = rig.over(identifier)

    assert task["Status"] == "FAILED"
    assert task["FailureReason"].startswith("the output could not be saved")


def test_nodes(rig: Any) -> None:
    """A node for each instance; the first pod is the master."""
    resources = [{"Role": "WORKER", "InstanceType": "TI.GN7.10XLARGE160.POST", "InstanceNum": 2}]
    name = rig.name("ddp")
    more = with_code(rig, name, ResourceConfigInfos=resources)
    task = rig.finish(rig.task("cd /opt/ml/code; python show.py", name, **more))
    told = [seen(rig, task)[rank]["env"] for rank in "01"]
    pods = rig.call("DescribeTrainingTaskPods", {"Id": task["Id"]})

    hosts = [pod["IP"] for pod in pods["PodInfoList"]]

    assert len(set(hosts)) == 2
    assert [one["NODE_LIST"] for one in told] == [f"{hosts[0]}:2,{hosts[1]}:2"] * 2
    assert [one["INDEX"] for one in told] == ["0", "1"]
    assert {(one["NODE_NUM"], one["WORLD_SIZE"], one["GPU_NUM"], one["GPU_NUM_PER_NODE"]) for one in told} == {
        ("2", "2", "4", "2")
    }
    assert [(one["CHIEF_IP"], one["MASTER_ADDR"]) for one in told] == [(hosts[0], hosts[0])] * 2
    assert len({one["MASTER_PORT"] for one in told}) == 1
    assert pods["PodNames"] == [f"{task['LatestInstanceId']}-{end}" for end in ("master-0", "worker-0")]
    assert pods["TotalCount"] == 2
    assert {pod["Status"] for pod in pods["PodInfoList"]} == {"SUCCEEDED"}
    assert pods["PodInfoList"][0]["ResourceConfigInfo"]["InstanceTypeAlias"] == "40C160G 2*T4"


def test_parameter_servers(rig: Any) -> None:
    """They have a command of their own, and end with the workers."""
    kind = {"InstanceType": "TI.S.MEDIUM.POST", "InstanceNum": 1}
    resources = [{"Role": "PS", **kind}, {"Role": "WORKER", **kind, "InstanceNum": 2}]
    name = rig.name("ps")
    run = "cd /opt/ml/code; python show.py"
    commands = {"PsStartCmd": f"ROLE=ps; export ROLE; {run}; sleep 60", "WorkerStartCmd": f"{run}; sleep 0.5"}
    more = with_code(rig, name, ResourceConfigInfos=resources, TrainingMode="PS_WORKER", StartCmdInfo=commands)
    task = rig.finish(rig.task("", name, **more))
    found = {who: json.loads(one["env"]["TF_CONFIG"]) for who, one in seen(rig, task).items()}

    assert task["Status"] == "SUCCEED", rig.messages(task)
    assert {who: config["task"] for who, config in found.items()} == {
        "0": {"type": "worker", "index": 0},
        "1": {"type": "worker", "index": 1},
        "ps0": {"type": "ps", "index": 0},
    }
    assert {len(config["cluster"]["worker"]) + len(config["cluster"]["ps"]) for config in found.values()} == {3}


@pytest.mark.parametrize("mode", ["MPI", "HOROVOD"])
def test_mpi(rig: Any, mode: str) -> None:
    """The launcher runs the command, which finds a way to start ranks."""
    resources = [{"Role": "WORKER", "InstanceType": "TI.S.MEDIUM.POST", "InstanceNum": 2}]
    program = "mpirun -np 3 --allow-run-as-root" if mode == "MPI" else "horovodrun -np 3 -H 127.0.0.1:2,127.0.0.2:1"
    name = rig.name("mpi")
    more = with_code(rig, name, ResourceConfigInfos=resources, TrainingMode=mode)
    task = rig.finish(rig.task(f"cd /opt/ml/code; echo $NODE_LIST; {program} python show.py", name, **more))
    listed = rig.call("DescribeTrainingTaskPods", {"Id": task["Id"]})
    pods = listed["PodNames"]

    assert sorted(seen(rig, task)) == ["0", "1", "2"]
    hosts = [pod["IP"] for pod in listed["PodInfoList"]]
    assert rig.messages(task) == [f"{hosts[1]}:0,{hosts[2]}:0"]
    assert [name.rpartition(task["LatestInstanceId"] + "-")[2] for name in pods] == ["launcher", "worker-0", "worker-1"]


def test_stop_start_delete(rig: Any) -> None:
    """A stopped task can be started again, in an instance of its own, and deleted; its name is free then."""
    body = rig.task(FOREVER)
    identifier = rig.begin(body)
    pid = running(rig, identifier)
    first = rig.detail(identifier)
    assert first["Status"] == "RUNNING"
    assert rig.refusal("CreateTrainingTask", body) == "FailedOperation.DuplicateNameTaskIsCreating"
    assert rig.refusal("StartTrainingTask", {"Id": identifier}) == "FailedOperation.NotAllow"
    assert rig.refusal("DeleteTrainingTask", {"Id": identifier}) == "OperationDenied.NotAllow"
    pod = f"{first['LatestInstanceId']}-master-0"
    assert pod in rig.call("DescribeTrainingTaskPodUrl", {"PodName": pod})["PodUrl"]
    rig.call("StopTrainingTask", {"Id": identifier})
    stopped = rig.over(identifier)
    assert (stopped["Status"], stopped["OperatorInfo"]["OperationType"]) == ("STOPPED", "Stop")
    assert not is_alive(pid)
    assert rig.refusal("StopTrainingTask", {"Id": identifier}) == "FailedOperation.NotAllow"
    assert rig.refusal("DescribeTrainingTaskPodUrl", {"PodName": pod}) == "FailedOperation.NotAllow"

    rig.call("StartTrainingTask", {"Id": identifier})
    running(rig, identifier)
    second = rig.detail(identifier)
    rig.call("StopTrainingTask", {"Id": identifier})
    rig.over(identifier)
    assert second["LatestInstanceId"] != first["LatestInstanceId"]
    assert rig.detail(first["LatestInstanceId"])["Id"] == identifier
    rig.call("DeleteTrainingTask", {"Id": identifier})
    assert rig.refusal("DescribeTrainingTask", {"Id": identifier}) == "ResourceNotFound"
    assert rig.finish({**body, "StartCmdInfo": {"WorkerStartCmd": "true"}})["Status"] == "SUCCEED"


def test_starting_anew_after_a_failure(rig: Any) -> None:
    """As often as it is allowed; the instance stays the same."""
    task = rig.finish(rig.task("echo try; exit 1", SchedulePolicy={"BackOffLimit": 2}))
    events = rig.call("DescribeEvents", {"Service": "TRAIN", "ServiceId": task["LatestInstanceId"], "Order": "ASC"})

    assert task["Status"] == "FAILED"
    assert rig.messages(task) == ["try"] * 3
    messages = [event["Message"] for event in events["Events"]]
    assert len([message for message in messages if message.startswith("BackOff")]) == 2
    assert events["TotalCount"] == len(messages)
    assert (messages[0], events["Events"][-1]["Type"]) == ("SUBMITTING", "Warning")


def test_waiting_for_machines(make_rig: Callable[..., Any]) -> None:
    """A task is pending until another one gives its machine back."""
    rig = make_rig(machines=1)
    first = rig.begin(rig.task(FOREVER))
    running(rig, first)
    second = rig.begin(rig.task("true"))
    rig.until(lambda: rig.detail(second)["Status"], lambda status: status == "PENDING")
    rig.call("StopTrainingTask", {"Id": first})

    assert rig.over(second)["Status"] == "SUCCEED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": ""}, "InvalidParameterValue"),
        ({"Name": "-x"}, "InvalidParameterValue.BadName"),
        ({"Name": "x" * 61}, "InvalidParameterValue.BadName"),
        ({"ChargeType": "FREE"}, "InvalidParameterValue"),
        ({"ChargeType": "PREPAID"}, "MissingParameter"),
        ({"ChargeType": "PREPAID", "ResourceGroupId": "rsg-x"}, "ResourceNotFound.ResourceGroupNotFound"),
        ({"ChargeType": "PREPAID", "ResourceGroupId": "rsg-emulated"}, "InvalidParameterValue.ResourceConfigIllegal"),
        ({"ResourceConfigInfos": []}, "InvalidParameterValue"),
        ({"ResourceConfigInfos": [{"Role": "WORKER", "InstanceType": "HUGE"}]}, "FailedOperation.UnknownInstanceType"),
        ({"TrainingMode": "PS_WORKER"}, "InvalidParameterValue.ResourceConfigIllegal"),
        ({"TrainingMode": "TEAM"}, "InvalidParameterValue"),
        ({"FrameworkName": ""}, "InvalidParameterValue.ImageIllegal"),
        ({"FrameworkName": "CAFFE"}, "InvalidParameterValue.FrameworkVersionNotSupport"),
        ({"FrameworkEnvironment": "new"}, "InvalidParameterValue.FrameworkVersionNotSupport"),
        ({"ImageInfo": {"ImageType": "TAR", "ImageUrl": "a/b:1"}}, "InvalidParameterValue.ImageIllegal"),
        ({"ImageInfo": {"ImageType": "TCR", "ImageUrl": "a b"}}, "InvalidParameterValue.ImageAddressIllegal"),
        ({"StartCmdInfo": {}}, "InvalidParameterValue"),
        ({"EncodedStartCmdInfo": {"StartCmdInfo": "?"}}, "InvalidParameterValue"),
        ({"CodePackagePath": {"Bucket": "moon-1", "Paths": ["x/"]}}, "InvalidParameterValue.CosPathNotExist"),
        ({"CodePackagePath": {"Bucket": "moon-1", "Paths": ["../x"]}}, "InvalidParameterValue.PathIllegal"),
        ({"Output": {"Bucket": "moon-1", "Region": "", "Paths": ["x/"]}}, "InvalidParameterValue.CosPathNotExist"),
        ({"DataConfigs": [{"MappingPath": "/"}]}, "InvalidParameterValue.PathIllegal"),
        ({"DataConfigs": [{"MappingPath": "/a", "DataSourceType": "COS"}]}, "MissingParameter"),
        ({"DataConfigs": [cfs("/a", "/"), cfs("/a/", "/")]}, "InvalidParameterValue.PathIllegal"),
        (
            {"DataConfigs": [{"MappingPath": f"/{number}"} for number in range(11)]},
            "InvalidParameterValue.DataConfigNumLimitExceeded",
        ),
        (
            {"DataConfigs": [{"MappingPath": "/a", "DataSourceType": "HDFS"}]},
            "InvalidParameterValue.UnsupportedDataConfig",
        ),
        (
            {"DataConfigs": [{"MappingPath": "/a", "DataSourceType": "DATASET", "DataSetSource": {"Id": "ds-1"}}]},
            "InvalidParameterValue.DatasetNotExist",
        ),
        ({"CodeRepos": [{"Id": "cr-1", "TargetPath": "/x"}]}, "InvalidParameterValue.CodeRepoNotFound"),
        ({"TuningParameters": "[]"}, "InvalidParameterValue"),
        ({"TuningParameters": "{" + " " * 2048 + "}"}, "InvalidParameterValue.ParamLengthExceedLimit"),
        ({"LogEnable": True}, "InvalidParameterValue.ClsConfigRequired"),
        ({"CallbackUrl": "ftp://x"}, "InvalidParameterValue"),
        ({"SchedulePolicy": {"BackOffLimit": 11}}, "InvalidParameterValue.BackOffLimitIllegal"),
        ({"Tags": [{"TagKey": "k"}]}, "MissingParameter"),
    ],
)
def test_refusals(rig: Any, change: dict[str, Any], code: str) -> None:
    """What is wrong with a request is told by code, and nothing is made."""
    before = rig.call("DescribeTrainingTasks")["TotalCount"]

    assert rig.refusal("CreateTrainingTask", rig.task("true", **change)) == code
    assert rig.call("DescribeTrainingTasks")["TotalCount"] == before


@pytest.mark.parametrize(
    ("roles", "mode", "name"),
    [
        (["WORKER"], "DDP", "训练任务-1"),
        (["DRIVER", "EXECUTOR"], "SPARK", ""),
        (["HEAD", "WORKER"], "RAY", ""),
        (["WORKER"], "", ""),
    ],
)
def test_resource_groups_and_modes(rig: Any, roles: list[str], mode: str, name: str) -> None:
    """A group that has been paid for, and every mode's roles."""
    resources = [{"Role": role, "Cpu": 1000, "Memory": 1024} for role in roles]
    commands = {"StartCmd": "echo start"} if mode in ("SPARK", "") else {"WorkerStartCmd": "echo start"}
    image = {"FrameworkName": "", "ImageInfo": {"ImageType": "CCR", "ImageUrl": "ccr.ccs.tencentyun.com/a/b:1"}}
    group = {"ChargeType": "PREPAID", "ResourceGroupId": "rsg-emulated", "ResourceConfigInfos": resources}
    task = rig.finish(rig.task("", name, TrainingMode=mode, StartCmdInfo=commands, **image, **group))

    assert rig.messages(task) == ["start"]
    assert task["ImageInfo"]["ImageUrl"] == "ccr.ccs.tencentyun.com/a/b:1"
    assert task["BillingInfo"] == ""


def test_lists(rig: Any) -> None:
    """Filters, tags, order and pages."""
    word = rig.name("list")
    tag = [{"TagKey": "team", "TagValue": word}]
    ids = [rig.finish(rig.task(f"exit {number}", f"{word}-{number}", Tags=tag))["Id"] for number in (0, 1)]

    def names(**asked: Any) -> list[str]:
        mine = {"TagFilters": [{"TagKey": "team", "TagValues": [word]}]}
        return [task["Name"] for task in rig.call("DescribeTrainingTasks", {**mine, **asked})["TrainingTaskSet"]]

    def by(name: str, *values: str, **more: Any) -> list[str]:
        return names(Filters=[{"Name": name, "Values": values, **more}])

    assert names() == [f"{word}-1", f"{word}-0"]
    assert names(Order="ASC", OrderField="CreateTime", Limit=1) == [f"{word}-0"]
    assert names(Offset=1) == [f"{word}-0"]
    assert by("Name", f"{word}-0") == by("Id", ids[0]) == by("Status", "SUCCEED") == [f"{word}-0"]
    assert by("Name", word) == []
    assert by("Name", word, Fuzzy=True) == names()
    assert by("Status", "SUCCEED", Negative=True) == [f"{word}-1"]
    assert by("Creator", rig.keys["uin"]) == by("ChargeType", "POSTPAID_BY_HOUR") == names()
    assert by("CHARGE_STATUS", "BILLING") == []
    item = rig.call("DescribeTrainingTasks", {"Filters": [{"Name": "Id", "Values": ids[:1]}]})["TrainingTaskSet"][0]
    assert (item["AppId"], item["Envs"], item["Tags"]) == (rig.keys["app_id"], [], tag)
    assert not {"Region", "StartCmdInfo", "DataConfigs", "LogEnable"} & set(item)
    both = [{"Name": "Status", "Values": []}, {"Name": "CHARGE_STATUS", "Values": []}]
    conflict = "InvalidParameter.FilterKeyStatusConflictWithChargeStatus"
    assert rig.refusal("DescribeTrainingTasks", {"Filters": both}) == conflict
    assert rig.refusal("DescribeTrainingTasks", {"Limit": 51}) == "InvalidParameterValue.PageLimitExceeded"
    assert rig.refusal("DescribeTrainingTasks", {"Filters": [{"Name": "x"}]}) == "InvalidParameterValue.InvalidFilter"


def test_switching_the_log(rig: Any) -> None:
    """It needs to be told where to."""
    task = rig.finish(rig.task("true"))
    config = {"LogsetId": "l", "TopicId": "t"}
    asked = {"TaskId": task["Id"], "LogEnable": True}
    assert rig.refusal("EnableTrainingTaskClsConfig", asked) == "InvalidParameterValue.ClsConfigRequired"
    rig.call("EnableTrainingTaskClsConfig", {**asked, "LogConfig": config})
    switched = rig.detail(task["Id"])

    assert (switched["LogEnable"], switched["LogConfig"]) == (True, config)


@contextmanager
def receiver(answers: list[int]) -> Iterator[tuple[str, list[dict[str, Any]], threading.Event]]:
    """A server that answers with these statuses; its URL, what it got, and whether it was asked that often."""
    got: list[dict[str, Any]] = []
    wanted, asked = len(answers), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            if len(got) == wanted:
                asked.set()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?x=1", got, asked
        finally:
            server.shutdown()
            thread.join()


def test_callbacks(rig: Any) -> None:
    """The end is told, and told once more when the first attempt fails."""
    with receiver([500, 200]) as (url, got, asked):
        task = rig.finish(rig.task("exit 1", CallbackUrl=url))
        assert asked.wait(60)

    assert got[0] == got[1]
    assert (got[0]["code"], got[0]["id"], got[0]["taskName"]) == (10002, task["Id"], "CreateTrainingTask")
    assert (got[0]["projectName"], got[0]["appName"]) == ("training", "tione")
