# expect: exception
# says: ValueError: sample 7 is broken
from multiprocessing import get_context


def prepare(sample: int) -> int:
    """Fails in another process; the traceback crosses over."""
    if sample == 7:
        raise ValueError("sample 7 is broken")
    return sample


if __name__ == "__main__":
    with get_context("spawn").Pool(1) as pool:
        print(pool.map(prepare, range(10)))
