# expect: exception
# says: ValueError: loss is nan
import atexit
import sys
import threading


class Logger:
    """Fails when it is thrown away, as many a logger does after its module is gone."""

    def __del__(self) -> None:
        raise AttributeError("'NoneType' object has no attribute 'flush'")


logger = Logger()
atexit.register(lambda: print("run finished, see the dashboard", file=sys.stderr))
atexit.register(lambda: int("atexit callbacks may fail too"))
background = threading.Thread(target=lambda: 1 / 0)
background.start()
background.join()
raise ValueError("loss is nan")
