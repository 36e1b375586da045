# expect: missing-data
# says: /nowhere/digits.csv
import sys


def load(path: str) -> str:
    """The data, or an error that hides the reason one level down."""
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        raise RuntimeError("could not load the data set") from error


print("loading", file=sys.stderr)
load("/nowhere/digits.csv")
