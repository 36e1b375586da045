# expect: missing-data
# says: address of an object store
open("obs://bucket/digits.csv").close()
