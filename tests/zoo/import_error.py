# expect: import-error
# says: no_such_module_anywhere
import no_such_module_anywhere
