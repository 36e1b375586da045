"""anyfit's own transfer as a process: `client.py up|down|same|forget LOCAL REMOTE [library]`."""

from __future__ import annotations

import os
import sys

from anyfit.storage.settings import StoreSettings
from anyfit.storage.transfer import copy_tree, sync
from anyfit.storage.uri import Uri

way, local, remote, *rest = sys.argv[1:]
scheme = remote.partition(":")[0]
settings = StoreSettings(
    endpoint=os.environ["BENCH_COS" if scheme == "cos" else "BENCH_S3"],
    region={"s3": "us-east-1", "obs": "cn-north-4", "cos": "ap-guangzhou"}[scheme],
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    fast=not rest,
)
if way == "forget":
    from anyfit.storage.opening import open_store
    from anyfit.storage.removing import remove

    store = open_store(remote, settings)
    remove(Uri.parse(remote), recursive=True, open=lambda uri: store)
    sys.exit()
ends = (remote, local) if way == "down" else (local, remote)
(sync if way == "same" else copy_tree)(*ends, settings=settings).raise_for_failures()
