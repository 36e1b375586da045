# expect: killed
# says: SIGTERM
# signal: SIGTERM
import os
import signal

os.kill(os.getpid(), signal.SIGTERM)
