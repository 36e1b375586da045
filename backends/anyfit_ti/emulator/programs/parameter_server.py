"""The side processes of parameter server training, as the launcher of the images starts them (reference, section 4.5).

    parameter_server.py tensorflow    serves as `ps` of the cluster that TF_CONFIG describes
    parameter_server.py mxnet         serves as what DMLC_ROLE says

Without the framework there is nothing to serve; the training script is then on its own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from typing import Any

__all__ = ["main"]


def main(framework: str) -> None:
    """Serve until somebody ends it."""
    try:
        module: Any = importlib.import_module(framework)  # of MXNet the import itself serves
    except ImportError:
        print(f"{framework} is not installed here: nothing serves as parameter server")
        threading.Event().wait()
        return
    if framework == "tensorflow":
        task = json.loads(os.environ["TF_CONFIG"])
        spec = module.train.ClusterSpec(task["cluster"])
        module.distribute.Server(spec, job_name="ps", task_index=task["task"]["index"]).join()


if __name__ == "__main__":
    main(sys.argv[1])
