# expect: import-error
# says: no_such_name
from collections import no_such_name
