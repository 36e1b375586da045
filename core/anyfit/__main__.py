"""`python -m anyfit` is `anyfit`."""

import sys

from anyfit.cli import main

if __name__ == "__main__":
    sys.exit(main())
