"""Who may come in: access keys, permanent and temporary."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from attrs import field, frozen

from anyfit_emulator.storage.errors import StoreError

__all__ = ["Credential", "CredentialTable"]


@frozen
class Credential:
    """A pair of keys.

    Attributes:
        access_key: The public half, also called SecretId.
        secret_key: The secret half.
        token: The security token that requests must carry, or "" for permanent keys.
        expires: Unix time after which the keys are refused, or None.
        owner: Whose they are; shown in listings.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: float | None = None
    owner: str = "emulator"


class CredentialTable:
    """The known keys; they may be added and removed while requests are served.

    Attributes:
        clock: Tells the Unix time; everything about time in authentication asks it.
    """

    def __init__(self, *credentials: Credential, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._known = {credential.access_key: credential for credential in credentials}

    def add(self, credential: Credential) -> None:
        """Let these keys in, in place of earlier ones of that access key."""
        with self._lock:
            self._known = {**self._known, credential.access_key: credential}

    def remove(self, access_key: str) -> None:
        """Let these keys in no longer."""
        with self._lock:
            self._known = {name: c for name, c in self._known.items() if name != access_key}

    def find(self, access_key: str) -> Credential:
        """The credential of that access key."""
        try:
            return self._known[access_key]
        except KeyError:
            raise StoreError("InvalidAccessKeyId", details={"AWSAccessKeyId": access_key}) from None

    def knows_secret(self, secret: str) -> bool:
        """Whether this is the secret half of permanent keys."""
        known = [c.secret_key for c in self._known.values() if not c.token]
        return any(hmac.compare_digest(one.encode(), secret.encode("utf-8", "replace")) for one in known)

    def check_token(self, credential: Credential, token: str) -> None:
        """Hold a request's security token against the credential, after its signature was found right."""
        if credential.token and not token:
            raise StoreError("InvalidAccessKeyId", details={"AWSAccessKeyId": credential.access_key})
        if credential.token != token:
            raise StoreError("InvalidToken")
        if credential.expires is not None and self.clock() >= credential.expires:
            raise StoreError("ExpiredToken")
