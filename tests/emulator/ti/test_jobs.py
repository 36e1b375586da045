"""Training jobs of the older generation: really run, under its convention."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from anyfit_ti.emulator.specs import OLD_TYPES, old_spec
from processes import is_alive

SHOW = """
import json, os, sys
root = os.environ["TM_MODEL_DIR"].removesuffix("/model")
seen = {
    "env": {name: value for name, value in os.environ.items() if name.startswith(("TM_", "QCLOUD", "TRAINING", "MY"))},
    "argv": sys.argv,
    "cwd": os.getcwd(),
    "data": open(os.environ["TM_CHANNEL_TRAIN"] + "/a.txt").read(),
    **{name: json.load(open(f"{root}/input/config/{name}.json"))
       for name in ("hyperparameters", "resourceconfig", "inputdataconfig")},
}
open(root + "/model/model.json", "w").write(json.dumps(seen))
open(os.environ["TM_OUTPUT_DATA_DIR"] + "/extra.txt", "w").write("extra")
open(root + "/checkpoints/step-1.txt", "w").write("one")
print("hello"); print("oh", file=sys.stderr)
"""
CHAIN = [
    ("Starting", "Launching ML instance"),
    ("Starting", "ML instance ready"),
    ("Downloading", "Downloading training data"),
    ("Downloading", "Training data ready"),
    ("Training", "Starting train job"),
    ("Training", "Training finished"),
    ("Uploading", "Uploading job output"),
    ("Completed", "Training Job completed"),
]
FOREVER = "import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(60)\n"


def channel(rig: Any, name: str, prefix: str, **more: Any) -> dict[str, Any]:
    """A channel of the bucket."""
    source = {"Bucket": rig.bucket, "KeyPrefix": prefix, **more}
    return {"ChannelName": name, "DataSource": {"CosDataSource": source}}


def image(name: str, **more: Any) -> dict[str, Any]:
    """What to run in."""
    return {"AlgorithmSpecification": {"TrainingImageName": name, **more}}


def mounted(identifier: str, path: str = "/", **more: Any) -> dict[str, Any]:
    """A directory of a file system as a source."""
    return {"FileSystemDataSource": {"FileSystemId": identifier, "DirectoryPath": path, **more}}


def pid_in(rig: Any, name: str) -> int:
    """What FOREVER wrote."""
    written = rig.until(lambda: [line for line in rig.lines(name) if line.startswith("pid ")], bool)
    return int(written[0].split()[1])


def test_a_whole_life(rig: Any) -> None:
    """Data, code, variables, files, arguments, outputs and every transition are as the reference has them."""
    name = rig.name()
    rig.put(f"{name}/d/a.txt", "1 2 3")
    given = {"lr": 0.1, "name": "abc", "flag": True, "none": None, "list": [1, 2], "empty": "", "d": {"a": 1}}
    body = rig.job(
        SHOW,
        name,
        given,
        InputDataConfig=[channel(rig, "Train", f"{name}/d/")],
        EnvConfig=[
            {"Name": "MY_DATA", "Value": "/opt/ml/input/data/Train"},
            {"Name": "MY_URI", "Value": "cos://b/opt/ml"},
        ],
        StoppingCondition={"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 172800},
        VpcConfig={"SubnetId": "subnet-x"},
    )
    job = rig.run(body)

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", rig.lines(name)
    steps = job["SecondaryStatusTransitions"]
    assert [(step["Status"], step["StatusMessage"]) for step in steps] == CHAIN
    assert [step["EndTime"] for step in steps[:-1]] == [step["StartTime"] for step in steps[1:]]
    assert steps[-1]["EndTime"] is None
    for member in ("AlgorithmSpecification", "OutputDataConfig", "ResourceConfig", "HyperParameters", "RoleName"):
        want = body[member]
        assert job[member] == want or all(job[member][key] == value for key, value in want.items())
    assert "EnvConfig" not in job
    assert job["InstanceId"].startswith("timaker-")
    console = f"bucketName={rig.bucket}&path=/runs/{name}/output/model.tar.gz&region=ap-guangzhou"
    assert job["ModelArtifacts"]["CosModelArtifacts"].endswith(console)
    assert set(rig.objects(f"runs/{name}")) == {
        "output/model.tar.gz",
        "output/output.tar.gz",
        "output/checkpoints/step-1.txt",
    }
    assert rig.packed(f"runs/{name}/output/output.tar.gz") == {"extra.txt": b"extra"}

    seen = json.loads(rig.packed(f"runs/{name}/output/model.tar.gz")["model.json"])
    root = seen["env"]["TM_MODEL_DIR"].removesuffix("/model")
    assert os.path.realpath(seen["cwd"]) == seen["cwd"]
    assert seen["argv"] == [
        "train.py",
        *("--lr", "0.1", "--name", "abc", "--flag", "True", "--none", "None", "--list", "[1, 2]", "--empty"),
        *("--d", "{'a': 1}"),
    ]
    assert seen["data"] == "1 2 3"
    assert seen["hyperparameters"]["name"] == '"abc"'
    assert seen["hyperparameters"]["ti_program"] == '"train.py"'
    host = seen["env"]["TM_CURRENT_HOST"]
    assert host.startswith("127.")
    assert seen["resourceconfig"] == {"current_host": host, "hosts": [host]}
    assert seen["inputdataconfig"] == {"Train": {"TrainingInputMode": "File"}}
    env = seen["env"]
    assert json.loads(env["TM_HPS"]) == given
    assert env["TM_CHANNEL_TRAIN"] == env["MY_DATA"] == f"{root}/input/data/Train"
    assert env["MY_URI"] == "cos://b/opt/ml"
    assert json.loads(env["TM_CHANNELS"]) == ["Train"]
    assert (env["TM_HOSTS"], env["TM_CURRENT_HOST"]) == (f'["{host}"]', host)
    assert (env["TM_NUM_CPUS"], env["TM_HP_LR"], env["TM_USER_ENTRY_POINT"]) == ("1", "0.1", "train.py")
    assert json.loads(env["TM_USER_ARGS"])[:2] == ["--lr", "0.1"]
    assert (env["TM_LOG_LEVEL"], env["TM_NETWORK_INTERFACE_NAME"]) == ("20", "eth0")
    assert (env["QCLOUD_REGION"], env["TRAINING_JOB_NAME"]) == ("ap-guangzhou", name)


def test_keys_for_programs(rig: Any) -> None:
    """They are found where a variable says, and are good for the API and for COS."""
    script = """
import os, urllib.request
with urllib.request.urlopen(os.environ["QCLOUD_CONTAINER_INSTANCE_CREDENTIALS_URL"]) as answer:
    print(answer.read().decode())
"""
    keys = json.loads(rig.lines(rig.run(rig.job(script))["TrainingJobName"])[2])
    words = (keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"])

    assert rig.call("DescribeTrainingJobs", {"Limit": 1}, "2019-10-22", keys=words)["TotalCount"]
    assert rig.http.get(rig.keys["endpoint"] + "/credentials/x", timeout=30).status_code == 404


def test_failure(rig: Any) -> None:
    """What the program left is kept, the reason says with which code it ended."""
    job = rig.run(rig.job("import os, sys\nopen(os.environ['TM_MODEL_DIR'] + '/m', 'w').write('half')\nsys.exit(3)"))

    name = job["TrainingJobName"]
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith('Run error: \nRunUserEntrypointError:\nCommand "python train.py"')
    assert job["FailureReason"].endswith("ended with code 3")
    assert rig.packed(f"runs/{name}/output/model.tar.gz") == {"m": b"half"}


def test_what_cannot_start(rig: Any) -> None:
    """Missing data, an archive that is none and an image without a program are found before anything runs."""
    missing = rig.run(rig.job("", InputDataConfig=[channel(rig, "train", "nothing/here/")]))
    broken = rig.job("")
    rig.put(f"{broken['TrainingJobName']}/source/source.tar.gz", "no archive")
    broken = rig.run(broken)
    bare = rig.run(rig.job("", HyperParameters=None))

    assert "nothing/here/" in missing["FailureReason"]
    assert [step["Status"] for step in missing["SecondaryStatusTransitions"]] == [
        *("Starting", "Starting", "Downloading", "Failed")
    ]
    assert "cannot be unpacked" in broken["FailureReason"]
    assert "TI_PROGRAM" in bare["FailureReason"]
    assert {job["TrainingStartTime"] for job in (missing, broken, bare)} == {None}


def test_stop(rig: Any) -> None:
    """The whole family ends, Stopping comes before Stopped, and a second stop is refused."""
    script = f"import subprocess\nchild = subprocess.Popen(['sleep', '60'], start_new_session=True)\n{FOREVER}"
    name = rig.job("")["TrainingJobName"]
    rig.old("CreateTrainingJob", rig.job(script.replace("os.getpid()", "child.pid"), name))
    child = pid_in(rig, name)
    assert rig.described(name)["SecondaryStatus"] == "Training"
    assert set(rig.old("StopTrainingJob", {"TrainingJobName": name})) == {"RequestId"}
    job = rig.ended(name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]][-3:] == ["Training", "Stopping", "Stopped"]
    rig.until(lambda: is_alive(child), lambda alive: not alive)
    assert rig.refusal("StopTrainingJob", {"TrainingJobName": name}, "2019-10-22") == "FailedOperation.NotAllow"


def test_the_longest_run(rig: Any) -> None:
    """It ends as Stopped, its secondary status says why."""
    job = rig.run(rig.job(FOREVER, StoppingCondition={"MaxRuntimeInSeconds": 1}))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["StoppingCondition"]["MaxRuntimeInSeconds"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"TrainingJobName": None}, "MissingParameter"),
        ({"TrainingJobName": "a b"}, "InvalidParameterValue.BadName"),
        ({"TrainingJobName": "a" * 64}, "InvalidParameterValue.BadName"),
        ({"AlgorithmSpecification": None}, "MissingParameter"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "MissingParameter"),
        (
            {"AlgorithmSpecification": {"TrainingImageName": "a/b:1", "TrainingInputMode": "Pipe"}},
            "InvalidParameterValue",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImageName": "no image"}},
            "InvalidParameterValue.InvalidTrainingImageName",
        ),
        (image("ccr.ccs.tencentyun.com/ti_containers/caffe:1.0-py3"), "InvalidParameterValue.ImageNotFound"),
        (image("ccr.ccs.tencentyun.com/ti_containers/pytorch:new"), "InvalidParameterValue.FrameworkVersionNotSupport"),
        ({"ResourceConfig": {"InstanceCount": 1, "InstanceType": "HUGE"}}, "InvalidParameterValue.InvalidInstanceType"),
        ({"ResourceConfig": {"InstanceCount": 0, "InstanceType": "TI.SMALL2.1core2g"}}, "InvalidParameterValue"),
        ({"ResourceConfig": {"InstanceCount": "1", "InstanceType": "TI.SMALL2.1core2g"}}, "InvalidParameter"),
        ({"OutputDataConfig": {"CosOutputBucket": "moon-1250000000"}}, "InvalidParameterValue"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 8}}, "InvalidParameterValue"),
        ({"VpcConfig": {"SubnetId": "x"}}, "InvalidParameterValue.SubnetNotFound"),
        ({"HyperParameters": "{"}, "InvalidParameterValue"),
        ({"HyperParameters": '{"ti_submit_directory": "cos://moon/x"}'}, "InvalidParameterValue.TrainCodeNotFound"),
        (
            {"HyperParameters": '{"ti_mpi_enabled": "true", "ti_mpi_num_of_processes_per_host": "2"}'},
            "InvalidParameterValue.MpiProcessesPerHostTooMuch",
        ),
        ({"EnvConfig": [{"Value": "x"}]}, "MissingParameter"),
        ({"RetryWhenResourceInsufficient": "Maybe"}, "InvalidParameterValue"),
        ({"InputDataConfig": [{"ChannelName": "../x", "DataSource": {}}]}, "InvalidParameterValue"),
        ({"InputDataConfig": [{"ChannelName": "x", "DataSource": {}}]}, "InvalidParameterValue"),
        (
            {"OutputDataConfig": mounted("cfs-1")},
            "InvalidParameterValue.FileSystemNeedVpcConfigSupport",
        ),
        (
            {
                "VpcConfig": {"SubnetId": "subnet-1"},
                "InputDataConfig": [
                    {"ChannelName": f"c{number}", "DataSource": mounted(f"cfs-{number}")} for number in range(3)
                ],
            },
            "InvalidParameterValue.FileSystemNumLimit",
        ),
    ],
)
def test_refusals(rig: Any, change: dict[str, Any], code: str) -> None:
    """What is wrong with a request is told by code, and nothing is made."""
    before = rig.old("DescribeTrainingJobs")["TotalCount"]

    assert rig.refusal("CreateTrainingJob", rig.job("", **change), "2019-10-22") == code
    assert rig.old("DescribeTrainingJobs")["TotalCount"] == before


def test_names_stay_taken(rig: Any) -> None:
    """There is no deleting; and who asks for a job that is not there is told so."""
    body = rig.job("")
    rig.run(body)

    assert rig.refusal("CreateTrainingJob", body, "2019-10-22") == "InvalidParameterValue.DuplicateName"
    for action in ("DescribeTrainingJob", "StopTrainingJob"):
        assert rig.refusal(action, {"TrainingJobName": "nobody"}, "2019-10-22") == "ResourceNotFound"


def test_lists(rig: Any) -> None:
    """The newest first, by page and by filter."""
    word = rig.name("list")
    for number in range(3):
        rig.run(rig.job("" if number else "exit(1)", f"{word}-{number}"))

    def names(**asked: Any) -> list[str]:
        return [job["TrainingJobName"] for job in rig.old("DescribeTrainingJobs", asked)["TrainingJobSet"]]

    assert names(NameContains=word) == [f"{word}-{number}" for number in (2, 1, 0)]
    assert names(NameContains=word, Offset=1, Limit=1) == [f"{word}-1"]
    assert rig.old("DescribeTrainingJobs", {"NameContains": word, "Limit": 1})["TotalCount"] == 3
    assert names(NameContains=word, StatusEquals="Failed") == [f"{word}-0"]
    both = [{"Name": "search-by-name", "Values": [word]}, {"Name": "status", "Values": ["Completed", "Stopped"]}]
    assert names(Filters=both) == [f"{word}-2", f"{word}-1"]
    assert names(Filters=[{"Name": "instance-name", "Values": [f"{word}-1", "x"]}]) == [f"{word}-1"]
    assert names(NameContains=word, CreationTimeAfter="2099-01-01 00:00:00") == []
    assert names(NameContains=word, CreationTimeBefore="2020-01-01 00:00:00") == []
    assert rig.refusal("DescribeTrainingJobs", {"Filters": [{"Name": "x"}]}, "2019-10-22") == "InvalidParameterValue"
    assert rig.refusal("DescribeTrainingJobs", {"Limit": 101}, "2019-10-22") == "InvalidParameterValue"


def test_file_systems(rig: Any) -> None:
    """One job's output is another's input; what is mounted to be read stays as it was."""
    network = {"VpcConfig": {"SubnetId": "subnet-1"}}
    first = rig.run(
        rig.job(
            "import os\nopen(os.environ['TM_MODEL_DIR'] + '/m', 'w').write('weights')",
            OutputDataConfig=mounted("cfs-abc", "/out"),
            **network,
        )
    )
    inputs = [
        {"ChannelName": mode, "DataSource": mounted("cfs-abc", FileSystemAccessMode=mode)} for mode in ("rw", "ro")
    ]
    script = """
import os
for mode in ("RW", "RO"):
    folder = os.environ["TM_CHANNEL_" + mode]
    print(os.listdir(folder + "/out/" + os.environ["FIRST"]))
    open(folder + "/" + mode, "w").write("x")
"""
    told = [{"Name": "FIRST", "Value": first["TrainingJobName"]}]
    second = rig.run(rig.job(script, InputDataConfig=inputs, EnvConfig=told, **network))

    assert rig.lines(second["TrainingJobName"])[2:4] == ["['model.tar.gz']"] * 2
    place = rig.room.storage.store.system / "ti" / "cfs" / "cfs-abc"
    assert sorted(path.name for path in place.iterdir()) == ["RW", "out"]


def test_resources_run_short(make_rig: Callable[..., Any]) -> None:
    """Who does not want to wait is refused; who does gets the machine once it is free, or gives up in the end."""
    rig = make_rig(machines=1)
    rig.old("CreateTrainingJob", rig.job(FOREVER, "first"))
    pid_in(rig, "first")
    waits = {"RetryWhenResourceInsufficient": "Enabled"}
    brief = {"StoppingCondition": {"MaxRuntimeInSeconds": 5, "MaxWaitTimeInSeconds": 5}}
    rig.old("CreateTrainingJob", rig.job("", "second", **waits))
    rig.old("CreateTrainingJob", rig.job("", "third", **waits, **brief))

    assert rig.refusal("CreateTrainingJob", rig.job("", "fourth"), "2019-10-22") == "ResourceInsufficient"
    assert "insufficient" in rig.ended("third")["FailureReason"]
    assert rig.described("second")["SecondaryStatus"] == "Starting"
    rig.old("StopTrainingJob", {"TrainingJobName": "first"})
    assert rig.ended("second")["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize("name", sorted(OLD_TYPES))
def test_machines_by_name(name: str) -> None:
    """Every machine's name tells what is in it."""
    spec = old_spec(name)

    assert spec
    assert spec.cores > 0
    assert spec.memory > 0
    assert bool(spec.cards) == ("V100" in name)


def test_a_machine_of_older_naming() -> None:
    """That of the vendor's first example."""
    spec = old_spec("ML.GN8.3XLARGE112")

    assert spec
    assert (spec.memory, spec.cards) == (112, 1)
