# expect: exit-code
# says: no learning rate suits these data
# exit_code: 1
import sys

sys.exit("no learning rate suits these data")
