# expect: requirements
# says: no-such-distribution
import subprocess
import sys

pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "no-such-distribution"]
subprocess.run(pip, check=True)
