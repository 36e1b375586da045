"""Object storage on loopback: the S3, OBS and COS dialects over one directory on disk."""

from __future__ import annotations

from anyfit_emulator.storage.call import Options
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.faults import Faults
from anyfit_emulator.storage.server import ObjectStoreServer
from anyfit_emulator.storage.store import ObjectStore

__all__ = ["Credential", "CredentialTable", "Faults", "ObjectStore", "ObjectStoreServer", "Options"]
