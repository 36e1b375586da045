"""What a program finds in its container, in both generations, with the platform's images and with custom ones."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from anyfit_emulator.storage.errors import StoreError

V1 = "/v1/{p}/training-jobs"
V2 = "/v2/{p}/training-jobs"
TELL = "import json, os, sys\nprint('TOLD ' + json.dumps([sys.argv, os.getcwd(), dict(os.environ)]))\n"


class Told:
    """What a program said of its world."""

    def __init__(self, text: str) -> None:
        line = next((line for line in text.splitlines() if line.startswith("TOLD ")), None)
        assert line, text
        self.argv, self.cwd, self.environment = json.loads(line[5:])
        self.root = self.environment["EMULATED_ROOT"]
        self.text = text

    def place(self, path: str) -> str:
        """A path without what stands for the container's root."""
        return path.replace(self.root, "")

    def __getitem__(self, name: str) -> str:
        return self.place(self.environment[name])


def run_v1(rig: Any, script: str = TELL, **config: Any) -> list[str]:
    """The logs of a job of the first generation that has succeeded, by node."""
    status, texts = end_v1(rig, script, **config)
    assert status == 10, texts
    return texts


def end_v1(rig: Any, script: str, **config: Any) -> tuple[int, list[str]]:
    """The status of a job that has ended, and its logs."""
    name = rig.name("one")
    code = rig.put_files(f"{name}/app", train__py=script)
    settings = {
        "worker_server_num": 1,
        "app_url": code,
        "boot_file_url": f"{code}train.py",
        "engine_id": 121,
        "data_url": rig.put_files(f"{name}/data", x__txt="x"),
        "flavor": {"code": "modelarts.vm.cpu.8u"},
        "train_url": rig.place(f"{name}/out"),
        **config,
    }
    settings = {key: value for key, value in settings.items() if value is not None}
    made = rig.post(V1, {"job_name": name, "config": settings})
    path = f"{V1}/{made['job_id']}/versions/{made['version_id']}"
    status = rig.until(lambda: rig.get(path)["status"], lambda status: status not in (1, 7, 8))
    names = rig.get(f"{path}/log/file-names")["log_file_list"]
    texts = [rig.get(f"{path}/aom-log?log_file={one}&lines=500")["content"].replace("\n\n", "\n") for one in names]
    return status, texts


def run_v2(
    rig: Any,
    script: str = TELL,
    files: dict[str, str] | None = None,
    nodes: int = 1,
    spec: Any = None,
    **algorithm: Any,
) -> list[str]:
    """The logs of a job of the second generation that has ended, by node."""
    name = rig.name("two")
    code = rig.put_files(f"{name}/app", train__py=script, **(files or {}))
    data = rig.put_files(f"{name}/data", x__txt="x")
    program = {
        "code_dir": code,
        "boot_file": f"{code}train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
        "parameters": [{"name": "rate", "value": "0.1 or so"}],
        "inputs": [{"name": "data_url", "remote": {"obs": {"obs_url": data}}}],
        "outputs": [{"name": "train_url", "remote": {"obs": {"obs_url": rig.place(f"{name}/out")}}}],
        **algorithm,
    }
    resource = {"flavor_id": "modelarts.vm.cpu.8u", "node_count": nodes}
    body = {
        "kind": "job",
        "metadata": {"name": name},
        "algorithm": {key: value for key, value in program.items() if value is not None},
        "spec": {"resource": resource, **(spec or {})},
    }
    job = rig.post(V2, body, 201)
    path = f"{V2}/{job['metadata']['id']}"
    done = rig.until(
        lambda: rig.get(path), lambda seen: seen["status"]["phase"] not in ("Creating", "Pending", "Running")
    )
    texts = [rig.get(f"{path}/tasks/{task}/logs/preview")["content"] for task in done["status"]["tasks"]]
    assert done["status"]["phase"] == "Completed", texts
    return texts


def test_v1_preset(rig: Any) -> None:
    """Relative boot file, `--key=value`, data and output as s3 places, keys in both spellings."""
    [text] = run_v1(rig, parameter=[{"label": "note", "value": "two words"}, {"label": "n", "value": 3}])
    told = Told(text)
    name = told.argv[1].split("/")[-3]

    assert told.argv == [
        "app/train.py",
        f"--data_url=s3://{rig.bucket}/{name}/data/",
        f"--train_url=s3://{rig.bucket}/{name}/out/V0001/",
        "--num_gpus=1",
        "--note=two words",
        "--n=3",
    ]
    assert told.place(told.cwd) == "/home/work/user-job-dir"
    assert told["AWS_ACCESS_KEY_ID"] == told["S3_ACCESS_KEY_ID"] != rig.keys["access_key"]
    with pytest.raises(StoreError, match="InvalidAccessKeyId"):  # the job's own keys, which end with it
        rig.room.storage.credentials.find(told["AWS_ACCESS_KEY_ID"])
    assert (told["S3_ENDPOINT"], told["S3_USE_HTTPS"]) == (rig.keys["obs_endpoint"], "0")
    assert (told["DLS_TASK_INDEX"], told["DLS_TASK_NUMBER"]) == ("0", "1")
    assert "DLS_DATA_URL" not in told.environment
    lines = text.splitlines()
    assert lines[0] == f"[ModelArts Service Log]modelarts-pipe: will create log file /tmp/log/{name}.log"
    assert "[Modelarts Service Log]boot_file: app/train.py" in lines
    assert lines[-2] == "[Modelarts Service Log]Training completed."
    assert lines[-1].startswith("[ModelArts Service Log]modelarts-pipe: total length:")


def test_v1_custom(rig: Any) -> None:
    """The user's command with run_train.sh; everything is told by variables."""
    command = "bash /home/work/run_train.sh python /home/work/user-job-dir/app/train.py --flag v"
    [text] = run_v1(
        rig,
        user_image_url="127.0.0.1/org/image:1",
        user_command=command,
        parameter=[{"label": "rate", "value": "0.5"}],
        log_url=rig.place("custom-log"),
    )
    told = Told(text)

    assert told.argv[1:] == ["--flag", "v"]
    assert told.place(told.argv[0]) == "/home/work/user-job-dir/app/train.py"
    assert told.place(told.cwd) == "/home/work"
    assert told["rate"] == "0.5"
    assert told["DLS_DATA_URL"].startswith(f"s3://{rig.bucket}/one-")
    assert told["DLS_TRAIN_URL"].endswith("/out/V0001/")
    assert [name for name in told.environment if name.startswith("BATCH_one-")]
    assert len(rig.objects("custom-log")) == 1


def test_v1_custom_without_a_command(rig: Any) -> None:
    """The image's own way starts the boot file."""
    [text] = run_v1(rig, user_image_url="127.0.0.1/org/image:1")

    assert "--num_gpus=1" in Told(text).argv


def test_v1_custom_on_several_machines(rig: Any) -> None:
    """Everyone is told of all hosts, node by node."""
    command = f"python -c {shlex.quote(TELL)}"
    texts = run_v1(rig, user_image_url="127.0.0.1/org/image:1", user_command=command, worker_server_num=2)
    first, second = map(Told, texts)

    assert first["BATCH_CUSTOM0_HOSTS"] == second["BATCH_CUSTOM0_HOSTS"]
    assert first["BATCH_CUSTOM1_HOSTS"].partition(":")[0] != first["BATCH_CUSTOM0_HOSTS"].partition(":")[0]
    assert (first["DLS_TASK_INDEX"], second["DLS_TASK_INDEX"]) == ("0", "1")


def test_v1_several_machines(rig: Any) -> None:
    """PyTorch: rank, size and a place to meet; each machine has its own log and directories."""
    meets = (
        "import argparse, socket\nparser = argparse.ArgumentParser()\n"
        "for name in ('init_method', 'rank', 'world_size'): parser.add_argument('--' + name)\n"
        "args, _ = parser.parse_known_args()\n"
        "host, port = args.init_method[6:].split(':')\n"
        "if args.rank == '0':\n"
        "    server = socket.create_server((host, int(port)))\n"
        "    others = [server.accept()[0] for _ in range(int(args.world_size) - 1)]\n"
        "else:\n"
        "    import time\n"
        "    while True:\n"
        "        try:\n"
        "            socket.create_connection((host, int(port)))\n"
        "            break\n"
        "        except ConnectionRefusedError:\n"
        "            time.sleep(0.01)\n"
    )
    texts = run_v1(rig, meets + TELL, worker_server_num=2)
    first, second = map(Told, texts)

    assert "--rank=0" in first.argv
    assert ["--rank=0" in line for text in texts for line in text.splitlines() if "]command: " in line] == [True, False]
    assert {"--rank=1", "--world_size=2"} <= set(second.argv)
    assert second["DLS_TASK_INDEX"] == "1"
    assert first.root != second.root


def test_v1_parameter_servers(rig: Any) -> None:
    """TensorFlow: workers with a parameter server, which ends when they have."""
    serves = "import sys, time\nif '--task_name=ps' in sys.argv:\n    time.sleep(60)\n"
    texts = run_v1(rig, serves + TELL, worker_server_num=2, engine_id=4)
    told = [Told(text) for text in texts]

    assert {"--task_name=worker", "--task_index=1"} <= set(told[1].argv)
    [hosts] = [word for word in told[0].argv if word.startswith("--worker_hosts=")]
    assert hosts.count(",") == 1


def test_a_parameter_server_that_fails_fails_the_job(rig: Any) -> None:
    """Its lines are in the first worker's log."""
    script = "import sys, time\nif '--task_name=ps' in sys.argv:\n    sys.exit('no memory')\ntime.sleep(60)\n"
    status, texts = end_v1(rig, script, worker_server_num=2, engine_id=4)

    assert status == 11
    assert "[ps-0] no memory\n" in texts[0]
    assert "no memory" not in texts[1]


def test_v1_data_sets_and_several_sources(rig: Any) -> None:
    """A data set is a directory by a rule; of several sources the first is the argument, all are told."""
    rig.put_files("datasets/11-22/v1", x__txt="x")
    [text] = run_v1(rig, data_url=None, dataset_id="11-22", dataset_version_id="v1")
    assert f"--data_url=s3://{rig.bucket}/datasets/11-22/v1/" in Told(text).argv
    sources = [{"type": "obs", "data_url": rig.put_files(name, x__txt="x")} for name in ("many/a", "many/b")]
    [text] = run_v1(rig, data_url=None, data_source=sources)
    told = Told(text)

    assert f"--data_url=s3://{rig.bucket}/many/a/" in told.argv
    inputs = json.loads(told.environment["MA_INPUTS"])["inputs"]
    assert [item["data_source"]["obs"]["obs_url"] for item in inputs] == [
        f"s3://{rig.bucket}/many/a/",
        f"s3://{rig.bucket}/many/b/",
    ]


def test_v2_preset(rig: Any) -> None:
    """Channels are directories, `--name=directory`; the variables are those of this generation."""
    local = {"name": "more", "local_dir": "/home/ma-user/more", "access_method": "env"}
    inputs = [
        {"name": "data_url", "remote": {"obs": {"obs_url": rig.put_files("preset/a", x__txt="x")}}},
        {**local, "remote": {"obs": {"obs_url": rig.put_files("preset/b", y__txt="y")}}},
    ]
    look = (
        "print('FILES', os.listdir(os.environ['more']), open('/home/ma-user/modelarts/inputs/data_url_0/x.txt').read())"
    )
    [text] = run_v2(rig, TELL + look, inputs=inputs, environments={"MINE": "/home/ma-user/x", "MA_HOME": "other"})
    told = Told(text)

    assert [told.place(word) for word in told.argv] == [
        "/home/ma-user/modelarts/user-job-dir/app/train.py",
        "--data_url=/home/ma-user/modelarts/inputs/data_url_0",
        "--train_url=/home/ma-user/modelarts/outputs/train_url_0",
        "--rate=0.1 or so",
    ]
    assert "FILES ['y.txt'] x\n" in text
    assert told["more"] == "/home/ma-user/more"
    assert (told["MINE"], told["MA_HOME"]) == ("/home/ma-user/x", "other")
    assert told.place(told.cwd) == told["MA_JOB_DIR"] == "/home/ma-user/modelarts/user-job-dir"
    assert told["WORKSPACE"] == "/home/ma-user/modelarts/user-job-dir/app"
    assert (told["MA_NUM_HOSTS"], told["VC_WORKER_NUM"], told["VC_TASK_INDEX"]) == ("1", "1", "0")
    assert told["MA_CURRENT_IP"] == told["VC_WORKER_HOSTS"]
    assert told["MA_APIGW_ENDPOINT"] == rig.endpoint
    [first, _] = json.loads(told.environment["MA_INPUTS"])["inputs"]
    assert first["name"] == "data_url"
    assert told.place(first["local_dir"]) == "/home/ma-user/modelarts/inputs/data_url_0"
    assert first["remote"] == inputs[0]["remote"]


def test_v2_custom(rig: Any) -> None:
    """The user's command after the code is there, with arguments behind it, where one wants it to start."""
    [text] = run_v2(
        rig,
        boot_file=None,
        engine={"image_url": "org/image:1"},
        command="cd . && python ${MA_JOB_DIR}/app/train.py first",
        working_dir="/home/ma-user/here",
    )
    told = Told(text)

    assert told.argv[1] == "first"
    assert "--rate=0.1 or so" in told.argv
    assert told.place(told.cwd) == "/home/ma-user/here"


def test_tracebacks_of_scripts(rig: Any) -> None:
    """A script that fails to open a file says so as it would in a real container, chained exceptions too."""
    script = "def look():\n try:\n  open('/cache/first')\n except OSError:\n  open('/cache/second')\nlook()\n"
    status, [text] = end_v1(rig, script)
    frames = [line.rpartition("/")[2] for line in text.splitlines() if line.startswith('  File "')]

    assert status == 11
    assert frames == [
        'train.py", line 3, in look',
        'train.py", line 6, in <module>',
        'train.py", line 5, in look',
    ]


def test_v2_local_code_dir(rig: Any) -> None:
    """The code is brought where one wants it."""
    [text] = run_v2(rig, local_code_dir="/home/ma-user/mine")

    assert Told(text).place(Told(text).argv[0]) == "/home/ma-user/mine/app/train.py"


def test_v2_several_machines(rig: Any) -> None:
    """PyTorch is told of the others in words of two, everyone of all hosts; outputs of all machines are saved."""
    writes = "open(sys.argv[2].split('=')[1] + '/' + os.environ['VC_TASK_INDEX'], 'w').close()\n"
    texts = run_v2(rig, TELL + writes, nodes=2, parameters=None)
    first, second = map(Told, texts)
    name = json.loads(first.environment["MA_OUTPUTS"])["outputs"][0]["remote"]["obs"]["obs_url"].split("/")[2]

    assert second.argv[3:] == ["--init_method", first.argv[4], "--rank", "1", "--world_size", "2"]
    said = [line for text in texts for line in text.splitlines() if "]command: " in line]
    assert [line.endswith(f"--rank {index} --world_size 2") for index, line in enumerate(said)] == [True, True]
    hosts = first["VC_WORKER_HOSTS"].split(",")
    assert hosts == [first["MA_CURRENT_IP"], second["MA_CURRENT_IP"]]
    assert first.argv[4].startswith(f"tcp://{hosts[0]}:")
    assert sorted(rig.objects(f"{name}/out")) == ["0", "1"]


def test_v2_old_engines(rig: Any) -> None:
    """An engine of the first generation finds its world."""
    [text] = run_v2(rig, engine={"engine_id": "xgboost-sklearn-python3.6"}, working_dir="/home/ma-user/here")
    told = Told(text)

    assert told.place(told.cwd) == "/home/work/user-job-dir"
    assert f"--data_url={told.root}/home/work/modelarts/inputs/data_url_0" in told.argv
    assert told["DLS_TASK_NUMBER"] == "1"


def test_v2_ascend(rig: Any) -> None:
    """Ascend machines have a rank table."""
    shows = "print('TABLE', open(os.environ['RANK_TABLE_FILE']).read())"
    resource = {"flavor_id": "modelarts.kat1.xlarge", "node_count": 1}
    [text] = run_v2(
        rig,
        TELL + shows,
        engine={"engine_id": "mindspore_1.7.0-cann_5.1.0-py_3.7-euler_2.8.3-aarch64"},
        spec={"resource": resource},
    )
    [line] = [line for line in text.splitlines() if line.startswith("TABLE")]
    table = json.loads(line[6:])

    assert (table["status"], table["server_list"][0]["device"][0]["rank_id"]) == ("completed", "0")
    assert (Told(text)["RANK_ID"], Told(text)["RANK_SIZE"]) == ("0", "1")


def test_v2_volumes(rig: Any) -> None:
    """A volume in OBS is a directory, whose changes are there afterwards."""
    rig.put_files("volume", old__txt="old")
    volume = {"obs": {"obs_path": rig.place("volume"), "local_path": "/home/ma-user/shared"}}
    script = (
        "print(open('/home/ma-user/shared/old.txt').read())\nopen('/home/ma-user/shared/new.txt', 'w').write('new')"
    )
    run_v2(rig, script, spec={"volumes": [volume]})

    assert rig.objects("volume") == {"old.txt": b"old", "new.txt": b"new"}


def test_outputs_are_copied_while_it_runs(make_rig: Callable[..., Any]) -> None:
    """Every so often, and only what is new."""
    rig = make_rig(period=0.05)
    script = (
        "import os, sys, time\nout = sys.argv[2].split('=')[1]\nopen(out + '/first', 'w').write('1')\n"
        "print('here', flush=True)\n"
        "while not os.path.exists(out + '/go'): time.sleep(0.01)\n"
    )
    name = "live"
    code = rig.put_files(f"{name}/app", train__py=script)
    program = {
        "code_dir": code,
        "boot_file": f"{code}train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
        "inputs": [{"name": "data_url", "remote": {"obs": {"obs_url": code}}}],
        "outputs": [{"name": "train_url", "remote": {"obs": {"obs_url": rig.place(f"{name}/out")}}}],
    }
    resource = {"flavor_id": "modelarts.vm.cpu.2u", "node_count": 1}
    body = {"kind": "job", "metadata": {"name": name}, "algorithm": program, "spec": {"resource": resource}}
    job = rig.post(V2, body, 201)["metadata"]["id"]
    rig.until(lambda: rig.objects(f"{name}/out"), lambda found: found == {"first": b"1"})
    rig.post(f"{V2}/{job}/actions", {"action_type": "terminate"}, 202)


def test_hooks_and_requirements(rig: Any) -> None:
    """What lies beside the boot file runs before it; requirements are only mentioned."""
    hook = "echo HOOK $PWD > $MA_JOB_DIR/hooked"
    script = "import os\nprint('HOOKED', open(os.environ['MA_JOB_DIR'] + '/hooked').read())"
    [text] = run_v2(rig, script, {"ma-pre-start__sh": hook, "pip-requirements__txt": "nothing-of-that-name==1"})

    assert "HOOKED HOOK" in text
    assert "pip-requirements.txt is not installed here" in text


def test_requirements_are_installed_if_one_wants_it(make_rig: Callable[..., Any]) -> None:
    """Wheels that lie beside the list, for this job alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("tiny_thing.py", "value = 42")
        wheel.writestr("tiny_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        wheel.writestr(
            "tiny_thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_thing-1.0.dist-info/RECORD", "")
    rig = make_rig(install=True)
    files: Any = {
        "pip-requirements__txt": "./tiny_thing-1.0-py3-none-any.whl",
        "tiny_thing-1__0-py3-none-any__whl": content.getvalue(),
    }
    [log] = run_v2(rig, "import tiny_thing\nprint('VALUE', tiny_thing.value)", files)

    assert "VALUE 42" in log
