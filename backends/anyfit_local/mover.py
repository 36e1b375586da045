"""The helper of a supervisor that moves data: `python mover.py CLIENT_FOLDER [--profile=NAME] get|put URI PATH`.

It is run by its path, for `-c` and `-m` look for modules in the working directory too, where a project's own
`queue.py` would stand in for that of the standard library.
"""

import os
import sys

here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
sys.path[:] = [path for path in sys.path if path != here]  # our own modules must not stand in for others either

from anyfit_local.moving import main  # noqa: E402

main()
