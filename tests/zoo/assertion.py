# expect: assertion
# says: len(labels) == 3
labels = [0, 1]
assert len(labels) == 3, "one class has no samples"
