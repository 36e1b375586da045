# expect: missing-data
# says: relative to where the script runs
open("data/digits.csv").close()
