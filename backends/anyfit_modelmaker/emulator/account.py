"""The account: its password, its tokens and its object store keys (reference, sections 3.6 and 4)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

from anyfit_emulator.records import Records
from anyfit_emulator.storage import Credential
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_modelmaker.emulator.errors import TOKEN_EXPIRED, TOKEN_UNKNOWN, WRONG_PASSWORD, ApiError

__all__ = ["Account"]

_OWNER = "modelmaker"


class Account:
    """One account, made up at the first start and kept.

    Args:
        keys: Of the object store; the account's are added to them.
        clock: Tells the Unix time.

    Attributes:
        username: The user; `password` goes with it.
        access_key: Of keys that are valid for ever; `secret_key` goes with it. Clients get others, which expire.
        token_seconds: How long a token lives that is given out from now on.
        key_seconds: How long keys live that are given out from now on.
    """

    def __init__(self, records: Records, keys: CredentialTable, clock: Callable[[], float]) -> None:
        self._records = records
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self.token_seconds = self.key_seconds = 86400.0
        known = records.get("account", "1") or {
            "username": "emulator",
            "password": secrets.token_urlsafe(12),
            **_new_pair("permanent"),
        }
        records.put("account", "1", known)
        self.username, self.password = str(known["username"]), str(known["password"])
        self.access_key, self.secret_key = str(known["permanent_ak"]), str(known["permanent_sk"])
        keys.add(Credential(self.access_key, self.secret_key, owner=_OWNER))
        self._tokens = {token: float(document["expires"]) for token, document in records.all("token")}
        self._temporary = [_credential(document) for _, document in records.all("keys")]
        for credential in self._temporary:
            keys.add(credential)

    def login(self, body: dict[str, Any]) -> dict[str, Any]:
        """Call 1: a token."""
        given = (str(body.get("username")), str(body.get("password")))
        if given != (self.username, self.password):
            raise ApiError(WRONG_PASSWORD, "the user name or the password is wrong", status=401)
        token, expires = secrets.token_hex(24), self._clock() + self.token_seconds
        with self._lock:
            self._tokens[token] = expires
            self._records.put("token", token, {"expires": expires})
        return {"token": token, "duration": self.token_seconds}

    def check(self, token: str) -> None:
        """Let only living tokens through.

        Raises:
            ApiError: This one is not.
        """
        expires = self._tokens.get(token)
        if expires is None:
            raise ApiError(TOKEN_UNKNOWN, "the token is invalid")
        if self._clock() >= expires:
            raise ApiError(TOKEN_EXPIRED, "the token has expired")

    def expire_tokens(self) -> None:
        """Let every token's life end now."""
        with self._lock:
            for token in self._tokens:
                self._tokens[token] = 0.0
                self._records.put("token", token, {"expires": 0.0})

    def keys(self) -> Credential:
        """Keys for the object store, with at least half of their life ahead."""
        with self._lock:
            newest = self._temporary[-1] if self._temporary else None
            if newest is None or (newest.expires or 0.0) < self._clock() + self.key_seconds / 2:
                newest = _credential({**_new_pair("key"), "expires": self._clock() + self.key_seconds})
                self._temporary.append(newest)
                document = {"key_ak": newest.access_key, "key_sk": newest.secret_key, "expires": newest.expires}
                self._records.put("keys", newest.access_key, document)
                self._keys.add(newest)
            return newest

    def secret_of(self, access_key: str) -> str | None:
        """The secret half of keys of this account that are valid now."""
        if access_key == self.access_key:
            return self.secret_key
        for credential in self._temporary:
            if credential.access_key == access_key and self._clock() < (credential.expires or 0.0):
                return credential.secret_key
        return None


def _new_pair(name: str) -> dict[str, Any]:
    return {f"{name}_ak": f"MM{secrets.token_hex(9).upper()}", f"{name}_sk": secrets.token_urlsafe(30)}


def _credential(document: dict[str, Any]) -> Credential:
    return Credential(document["key_ak"], document["key_sk"], expires=document["expires"], owner=_OWNER)
