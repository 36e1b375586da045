"""The program that serves an endpoint: `python server.py FOLDER`.

As in supervisor.py an empty package stands in for `anyfit_local`; here installed packages are at hand.
"""

import os
import sys

here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
sys.path[:] = [path for path in sys.path if path != here]
package = type(sys)("anyfit_local")
package.__path__ = [here]
sys.modules["anyfit_local"] = package

from anyfit_local.serving.server import main  # noqa: E402

main(sys.argv[1])
