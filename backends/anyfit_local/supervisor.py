"""The program that stays with a job: `python -I -S supervisor.py FOLDER`.

Only the standard library is at hand, and `anyfit_local` itself must not be imported, which would bring attrs,
pluggy and a quarter of a second. So an empty package stands in for it, with the same folder behind it.
"""

import os
import sys

package = type(sys)("anyfit_local")
package.__path__ = [os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
sys.modules["anyfit_local"] = package

from anyfit_local.supervise.job import main  # noqa: E402

main(sys.argv[1])
