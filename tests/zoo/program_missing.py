# expect: program-missing
# says: no-such-converter
import subprocess

subprocess.run(["no-such-converter", "in.png"], check=True)
