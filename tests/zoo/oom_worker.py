# expect: killed
# says: worker process
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(signal.raise_signal, signal.SIGKILL).result()
    os._exit(0)
