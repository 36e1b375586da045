# expect: out-of-memory
# says: out-of-memory killer
# watched: killed
# signal: SIGKILL
import os
import signal

print("loading everything at once", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
