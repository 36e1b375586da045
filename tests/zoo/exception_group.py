# expect: missing-data
# says: /nowhere/shard-1
# python: 3.11
failures = []
for shard in range(2):
    try:
        open(f"/nowhere/shard-{shard}").close()
    except OSError as error:
        failures.append(error)
raise ExceptionGroup("some shards could not be read", failures)
