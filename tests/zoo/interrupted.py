# expect: killed
# says: interrupted
# signal: SIGINT
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.raise_signal(signal.SIGINT)
