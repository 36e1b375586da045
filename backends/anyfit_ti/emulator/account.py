"""The account: who it is, and the keys that are given out for a while (reference, section 8.1)."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from anyfit_emulator.records import Records
from anyfit_emulator.storage import Credential
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_emulator.storage.server import APP_ID

__all__ = ["Account"]

UIN = "100000000001"
ROLE = "TIONE_QCSRole"
_CONTAINER = 7200  # seconds


class Account:
    """One account, whose keys are the object store's.

    Attributes:
        uin: The account's number.
        app_id: What bucket names end in.
        name: Of the user.
        role: The service role that jobs are given.
        keys: All keys that are let in, the object store's and these.
        lasting: Those that are good for ever.
        door: The path at which containers are given keys; nobody else can guess it.
    """

    uin = UIN
    app_id = APP_ID
    name = "emulator"
    role = ROLE

    def __init__(self, records: Records, keys: CredentialTable, lasting: Credential) -> None:
        self._records = records
        self.keys = keys
        self.lasting = lasting
        self.door = f"/credentials/{secrets.token_urlsafe(24)}"
        self._lock = threading.Lock()
        self._lent: Credential | None = None
        for access_key, document in records.all("keys"):
            self._let_in(access_key, document)

    def lend(self, seconds: int) -> Credential:
        """New keys with a token, for the API and the object store alike."""
        document = {
            "secret_key": secrets.token_urlsafe(24),
            "token": secrets.token_urlsafe(48),
            "expires": self.keys.clock() + seconds,
        }
        access_key = f"AKID{secrets.token_hex(14)}"
        self._records.put("keys", access_key, document)
        return self._let_in(access_key, document)

    def for_containers(self) -> dict[str, str]:
        """What a container finds behind the door: keys with at least half of their life ahead."""
        with self._lock:
            keys = self._lent
            if keys is None or (keys.expires or 0.0) < self.keys.clock() + _CONTAINER / 2:
                keys = self._lent = self.lend(_CONTAINER)
        return {"TmpSecretId": keys.access_key, "TmpSecretKey": keys.secret_key, "Token": keys.token}

    def _let_in(self, access_key: str, document: dict[str, Any]) -> Credential:
        credential = Credential(access_key, document["secret_key"], document["token"], document["expires"])
        self.keys.add(credential)
        return credential
