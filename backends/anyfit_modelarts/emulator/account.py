"""The account: its user, its project, tokens and access keys (reference, sections 1.3 to 1.5)."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from typing import Any

from attrs import asdict, frozen

from anyfit_emulator.records import Records
from anyfit_emulator.storage import Credential
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_modelarts.emulator.calls import Caller

__all__ = ["Account", "Token"]

_OWNER = "modelarts"


@frozen
class Token:
    """What a token is good for.

    Attributes:
        issued: Unix time; so is `expires`.
        project: Whether it is good for the project, or for the account alone.
    """

    issued: float
    expires: float
    project: bool


class Account:
    """One account with one user and one project, made up at the first start and kept.

    Args:
        keys: Of the object store; the account's are added to them.
        clock: Tells the Unix time.

    Attributes:
        region: Also the name of its project.
        username: The user; `password` goes with it. The account (`domain`) has another name.
        access_key: Of keys that are valid for ever; `secret_key` goes with it.
        token_seconds: How long a token lives that is given out from now on.
    """

    def __init__(self, records: Records, keys: CredentialTable, clock: Callable[[], float], region: str) -> None:
        self._records = records
        self._keys = keys
        self.clock = clock
        self.region = region
        self._lock = threading.Lock()
        self.token_seconds = 86400.0
        known = records.get("account", "1") or _invented()
        records.put("account", "1", known)
        self.domain, self.username, self.password = known["domain"], known["username"], known["password"]
        self.domain_id, self.user_id, self.project_id = known["domain_id"], known["user_id"], known["project_id"]
        self.access_key, self.secret_key = known["access_key"], known["secret_key"]
        self._tokens = {token: Token(**document) for token, document in records.all("token")}
        self._pairs = {self.access_key: Credential(self.access_key, self.secret_key, owner=_OWNER)}
        for _, document in records.all("keys"):
            self._pairs[document["access_key"]] = Credential(**document)
        for credential in self._pairs.values():
            keys.add(credential)

    @property
    def project_name(self) -> str:
        """The project's name."""
        return self.region

    def is_user(self, domain: str, username: str, password: str) -> bool:
        """Whether these are the account's name, the user's name and the user's password."""
        given, known = (domain, username), (self.domain, self.username)
        return given == known and hmac.compare_digest(password.encode(), self.password.encode())

    def new_token(self, *, project: bool) -> tuple[str, Token]:
        """A token of the user; earlier ones live on."""
        text = "MIIF" + secrets.token_urlsafe(1500)
        token = Token(self.clock(), self.clock() + self.token_seconds, project)
        with self._lock:
            self._tokens[text] = token
            self._records.put("token", text, asdict(token))
        return text, token

    def token(self, text: str) -> Token | None:
        """A token that was given out, also one that has expired."""
        return self._tokens.get(text)

    def expire_tokens(self) -> None:
        """Let every token's life end now."""
        with self._lock:
            for text, token in self._tokens.items():
                self._tokens[text] = Token(token.issued, 0.0, token.project)
                self._records.put("token", text, asdict(self._tokens[text]))

    def new_keys(self, seconds: float | None) -> Credential:
        """Further access keys: for so many seconds and with a security token, or for ever."""
        key, secret = f"HST{secrets.token_hex(9).upper()}", secrets.token_urlsafe(30)
        if seconds is None:
            credential = Credential(key, secret, owner=_OWNER)
        else:
            credential = Credential(key, secret, secrets.token_urlsafe(300), self.clock() + seconds, _OWNER)
        with self._lock:
            self._pairs[key] = credential
            self._records.put("keys", key, asdict(credential))
            self._keys.add(credential)
        return credential

    def job_keys(self) -> Credential:
        """Keys of the object store for a job, which live no longer than this emulator."""
        credential = Credential(f"JOB{secrets.token_hex(9).upper()}", secrets.token_urlsafe(30), owner=_OWNER)
        self._keys.add(credential)
        return credential

    def drop_job_keys(self, credential: Credential) -> None:
        """Let these keys in no longer."""
        self._keys.remove(credential.access_key)

    def keys(self, access_key: str) -> Credential | None:
        """The access keys of that id, also temporary ones that have expired."""
        return self._pairs.get(access_key)

    def caller(self, *, project: bool) -> Caller:
        """The user, with the right to use the project or without."""
        return Caller(self.username, self.user_id, self.domain_id, self.project_id if project else "")


def _invented() -> dict[str, Any]:
    return {
        "domain": "emulated",
        "username": "developer",
        "password": secrets.token_urlsafe(12),
        "domain_id": secrets.token_hex(16),
        "user_id": secrets.token_hex(16),
        "project_id": secrets.token_hex(16),
        "access_key": f"EMU{secrets.token_hex(8).upper()}",
        "secret_key": secrets.token_urlsafe(30),
    }
