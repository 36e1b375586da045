# expect: out-of-memory
# says: more memory than it could get
import resource

resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
bytearray(1 << 31)
