# expect: exit-code
# says: sys.exit(3)
# exit_code: 3
import sys

print("validation loss is not a number, giving up")
sys.exit(3)
