"""Clouds on loopback: the machine room that every emulator shares, and the object store.

The emulator knows nothing of anyfit's client; it speaks the vendors' protocols, and their own tools work against it.
"""

from __future__ import annotations

from anyfit_emulator.cli import main
from anyfit_emulator.service import Room, Service
from anyfit_emulator.storage import Credential, Faults, ObjectStore, ObjectStoreServer, Options

__all__ = ["Credential", "Faults", "ObjectStore", "ObjectStoreServer", "Options", "Room", "Service", "main"]
