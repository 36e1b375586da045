# expect: out-of-memory
# says: out-of-memory killer
# watched: killed
# signal: SIGKILL
# exit_code: 137
import subprocess
import sys

sys.exit(subprocess.run(["sh", "-c", 'sh -c "kill -9 \\$\\$"; exit $?']).returncode)
