# expect: entry-point-missing
# says: train_main.py
# exit_code: 2
import subprocess
import sys

sys.exit(subprocess.run([sys.executable, "src/train_main.py"]).returncode)
