# expect: permission
# says: prepare.sh
import pathlib
import subprocess
import tempfile

program = pathlib.Path(tempfile.mkdtemp()) / "prepare.sh"
program.write_text("#!/bin/sh\n")
program.chmod(0o644)  # the executable bit is missing, which stops even root
try:
    subprocess.run([str(program)], check=True)
finally:
    program.unlink()
    program.parent.rmdir()
