"""The request sequence of the vendor's REST tutorial, with the documented bodies."""

from __future__ import annotations

import re
from typing import Any

SCRIPT = """
import argparse
import moxing as mox

parser = argparse.ArgumentParser()
parser.add_argument("--data_url", type=str)
parser.add_argument("--train_url", type=str)
parser.add_argument("--epochs", type=int)
args, unknown = parser.parse_known_args()
mox.file.copy_parallel(args.data_url, "/cache/data")
numbers = [float(word) for word in open("/cache/data/numbers.txt").read().split()]
for epoch in range(args.epochs):
    print("epoch", epoch, "mean", sum(numbers) / len(numbers))
mox.file.make_dirs(args.train_url + "model")
with mox.file.File(args.train_url + "model/weights.txt", "w") as stream:
    stream.write(str(sum(numbers)))
print("unknown", unknown)
"""


def test_the_tutorial(rig: Any) -> None:
    """Token, machines, engines, create, detail, log names, log, delete."""
    code = rig.put_files("demo/code", train__py=SCRIPT)
    data = rig.put_files("demo/data", numbers__txt="1 2 3")
    login = rig.send("POST", "/v3/auth/tokens", rig.login_body(project={"name": "cn-north-4"}))
    rig.token = login.headers["X-Subject-Token"]
    specs = rig.get("/v1/{p}/job/resource-specs?job_type=train")
    assert {spec["spec_code"] for spec in specs["specs"]} >= {"modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u"}
    [spec] = [spec for spec in specs["specs"] if spec["spec_id"] == 7]
    assert (spec["core"], spec["cpu"], spec["no_resource"]) == ("2", "8", False)
    engines = rig.get("/v1/{p}/job/ai-engines?job_type=train")["engines"]
    assert {
        "engine_type": 1,
        "engine_name": "TensorFlow",
        "engine_id": 4,
        "engine_version": "TF-1.8.0-python3.6",
    } in engines

    body = {
        "job_name": "jobtest_TF",
        "job_desc": "using TensorFlow for handwritten digit recognition",
        "config": {
            "worker_server_num": 1,
            "parameter": [{"label": "epochs", "value": "2"}],
            "flavor": {"code": "modelarts.vm.cpu.2u"},
            "train_url": rig.place("demo/out"),
            "engine_id": 4,
            "app_url": code,
            "boot_file_url": f"{code}train.py",
            "data_source": [{"type": "obs", "data_url": data}],
            "log_url": rig.place("demo/log"),
        },
        "notification": {"topic_urn": "", "events": []},
        "workspace_id": "0",
    }
    made = rig.post("/v1/{p}/training-jobs", body)
    assert made["is_success"] is True
    assert (made["status"], made["version_name"], made["job_name"]) == (1, "V0001", "jobtest_TF")
    assert re.fullmatch("job[0-9a-f]{8}", made["resource_id"])
    path = f"/v1/{{p}}/training-jobs/{made['job_id']}"
    version = f"{path}/versions/{made['version_id']}"
    detail = rig.until(lambda: rig.get(version), lambda seen: seen["status"] not in (1, 7, 8))
    assert detail["status"] == 10
    assert (detail["train_url"], detail["data_url"]) == (rig.place("demo/out"), data)
    assert detail["engine_version"] == "TF-1.8.0-python3.6"
    assert detail["pod_version"] == "1.8.0-cp36"
    assert detail["create_time"] <= detail["start_time"]
    assert len(detail["system_metric_list"]["cpuUsage"]) == 1

    names = rig.get(f"{version}/log/file-names")
    assert names == {"is_success": True, "log_file_list": ["job-jobtest-tf.0"]}
    log = rig.get(f"{version}/aom-log?log_file=job-jobtest-tf.0&lines=500&order=desc")
    assert "\n\nepoch 1 mean 2.0\n\n" in log["content"]
    assert "[Modelarts Service Log]Training completed." in log["content"]
    assert f"command: code/train.py --data_url=s3://{rig.bucket}/demo/data/" in log["content"]
    assert f"--train_url=s3://{rig.bucket}/demo/out/V0001/ --num_gpus=1 --epochs=2" in log["content"]
    assert "unknown ['--num_gpus=1']" in log["content"]
    assert re.fullmatch(r"\d{19}", log["end_line"])
    assert rig.objects("demo/out") == {"V0001/model/": b"", "V0001/model/weights.txt": b"6.0"}
    [exported] = rig.objects("demo/log").values()
    assert b"epoch 1" in exported

    assert rig.call("DELETE", path) == {"is_success": True}
    assert rig.send("GET", version).status_code == 404
