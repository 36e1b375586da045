"""Serve a model on ModelMaker: POST /ModelMaker/predict on port 10000; standard library only, Python 3.6+.

Beside this file lie `anyfit_inference.py`, `anyfit_model.json` and, where there is any, the user's code as an archive.
"""

import importlib
import os
import signal
import sys

PATH = "/ModelMaker/predict"
PORT = 10000
_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Load the model and answer until told to stop."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    sys.path.insert(0, _HERE)
    inference = importlib.import_module("anyfit_inference")
    model_dir = os.path.join(os.environ.get("MM_ROOT") or "/opt/ai", "model")
    handler = inference.packaged(_HERE, inference.described(_HERE), model_dir, "modelmaker")
    handler.load()
    inference.serve(handler, int(os.environ.get("MM_SERVE_PORT") or PORT), PATH)


if __name__ == "__main__":
    main()
