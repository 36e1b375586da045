# expect: disk-full
# says: No room is left
with open("/dev/full", "w") as model:
    model.write("weights")
