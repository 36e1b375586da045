"""ModelMaker on loopback: its API, its training and serving containers as processes, with a real object store."""
