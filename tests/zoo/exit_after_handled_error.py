# expect: exit-code
# says: sys.exit(5)
# exit_code: 5
import logging
import sys

try:
    int("a small fault at the beginning")
except ValueError:
    logging.exception("skipped one sample")
for epoch in range(300):
    print(f"epoch {epoch} loss {1 / (epoch + 1):.4f}")
sys.exit(5)
