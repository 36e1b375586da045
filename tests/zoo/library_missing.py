# expect: import-error
# says: libnothere.so.7
import ctypes

ctypes.CDLL("libnothere.so.7")
