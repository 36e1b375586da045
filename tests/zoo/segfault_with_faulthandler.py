# expect: segfault
# says: Native code
# signal: SIGSEGV
import ctypes
import faulthandler
import resource

faulthandler.enable()
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
ctypes.string_at(0)
