"""The scripts that the contract suite runs: standard library only."""

from __future__ import annotations

__all__ = [
    "CHECKPOINT",
    "FAIL",
    "HANDLER",
    "LINES",
    "NODE",
    "PRIVATE",
    "REPORT",
    "SLEEP",
    "STEPS",
    "TALK",
    "WAIT",
    "WEIGHTS",
]

REPORT = '''
"""Tell everything that has reached the script, and leave a model, an output and some metrics."""
import json, os, sys

def contents(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, encoding="utf-8") as file:
                found[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return found

def leave(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)

channels = {name: os.environ["ANYFIT_CHANNEL_" + name.upper()] for name in json.loads(os.environ["ANYFIT_CHANNELS"])}
report = {
    "arguments": sys.argv[1:],
    "hyperparameters": json.loads(os.environ["ANYFIT_HPS"]),
    "environment": dict(os.environ),
    "inputs": {name: contents(folder) for name, folder in channels.items()},
    "job": os.environ["ANYFIT_JOB_NAME"],
}
for step in range(3):
    print("loss=%.2f" % (1 / (step + 1)), flush=True)
leave(os.environ["ANYFIT_MODEL_DIR"], "model.json", '{"factor": 2}')
leave(os.environ["ANYFIT_MODEL_DIR"], "parts/words.txt", "one two")
leave(os.environ["ANYFIT_OUTPUT_DIR"], "tables/result.csv", "a,b\\n1,2\\n")
print("REPORT " + json.dumps(report))
'''

WEIGHTS = """
import os
with open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "model.json"), "w") as file:
    file.write('{"factor": 2}')
"""

HANDLER = """
import json, os

def model_fn(model_dir):
    print("the handler has its model", flush=True)
    with open(os.path.join(model_dir, "model.json"), encoding="utf-8") as file:
        return json.load(file)

def input_fn(body, content_type):
    data = json.loads(body)
    if data == "refuse":
        raise ValueError("such data are not taken here")
    return data

def predict_fn(data, model):
    if data == "crash":
        raise RuntimeError("the handler fell over")
    return {"answer": [model["factor"] * number for number in data], "tag": os.environ.get("CONTRACT_TAG", "")}
"""

LINES = 300

TALK = f"""
import sys
say = sys.stdout.buffer.write
for number in range({LINES}):
    say(b"line %d\\n" % number)
say(b"\\n")
say("na\\u00efve caf\\u00e9 \\u4f60\\u597d \\U0001f389\\n".encode("utf-8"))
say(b"long " + b"x" * 1000 + b"\\n")
say(b"  indented\\tby a tab\\n")
sys.stdout.flush()
sys.stderr.write("to stderr\\n")
sys.stderr.flush()
say(b"no line end")
"""

STEPS = """
import time
for step in range(20):
    print("step", end=" ", flush=True)  # half a line must not be taken for a line
    time.sleep(0.01)
    print(step, flush=True)
    time.sleep(0.01)
"""

FAIL = """
import sys
def broken():
    raise RuntimeError("the script fell over")
try:
    broken()
except RuntimeError:
    import traceback
    traceback.print_exc()
    sys.exit(3)
"""

WAIT = """
import time
print("begin", flush=True)
while True:
    time.sleep(0.05)
"""

SLEEP = """
import time
time.sleep(600)
"""

NODE = """
import json, os
names = ("ANYFIT_NODE_RANK", "ANYFIT_INSTANCE_COUNT", "ANYFIT_CURRENT_HOST", "ANYFIT_HOSTS", "MASTER_ADDR")
print("NODE " + json.dumps({name: os.environ[name] for name in names}), flush=True)
"""

PRIVATE = """
import os
print("TOKEN has", len(os.environ["TOKEN"]), "characters", flush=True)
"""

CHECKPOINT = """
import os
path = os.path.join(os.environ["ANYFIT_CHECKPOINT_DIR"], "epoch.txt")
epoch = 0
if os.path.exists(path):
    with open(path) as file:
        epoch = int(file.read())
print("epoch", epoch, flush=True)
with open(path, "w") as file:
    file.write(str(epoch + 1))
"""
