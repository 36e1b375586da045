# expect: timeout
# says: max_run = 1 s
# max_run: 1
import signal

print("waiting for data that never comes", flush=True)
while True:
    signal.pause()
