"""`python -m anyfit_emulator`."""

from __future__ import annotations

import sys

from anyfit_emulator.cli import main

sys.exit(main())
