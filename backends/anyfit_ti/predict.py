"""Serve a model on TI: POST /v1/models/m:predict on port 8501; standard library only, Python 3.6+.

Beside this file lie `anyfit_inference.py`, `anyfit_model.json`, the model's files in `model/` and, where there is any,
the user's code as an archive. A service of 2021 starts it with a command. TI-EMS knows no commands: there this file is
the `model_service.py` that the inference server of TI's images imports before it listens, and whose place it takes.
"""

import importlib
import os
import signal
import subprocess
import sys

PATH = "/v1/models/m:predict"
PORT = 8501
PAGES = {"/": {"status": "ready"}, "/v1/models": {"models": ["m"]}, "/v1/models/m": {"name": "m", "ready": True}}
_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Load the model and answer until told to stop."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    sys.path.insert(0, _HERE)
    inference = importlib.import_module("anyfit_inference")
    model, model_dir = inference.described(_HERE), os.path.join(_HERE, "model")
    if os.listdir(model_dir) == ["model.tar.gz"]:
        model_dir = inference.unpacked(os.path.join(model_dir, "model.tar.gz"), "anyfit-model-")
    handler = inference.packaged(_HERE, model, model_dir, "ti")
    if model.get("install_requirements"):
        _install(handler.code_dir)
    handler.load()
    inference.serve(handler, _port(sys.argv), PATH, PAGES)


def _port(arguments: "list[str]") -> int:
    """The port that the command line names, ours or that of the server whose place this one takes."""
    if "--port" in arguments[:-1]:
        return int(arguments[arguments.index("--port") + 1])
    return PORT


def _install(code_dir: str) -> None:
    """What the code needs, where it says so."""
    needed = os.path.join(code_dir, "requirements.txt")
    if os.path.isfile(needed):
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-r", needed]
        if subprocess.call(pip, stdout=sys.stderr):
            raise SystemExit("anyfit: the requirements cannot be installed (pip's words are above)")
        importlib.invalidate_caches()


if __name__ in ("__main__", "model_service"):
    main()
