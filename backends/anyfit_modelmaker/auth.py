"""Who we are: the token for calls, and the temporary keys of the object store.

Both are kept on disk for their life (`anyfit.tokens`), so that most processes log in not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import RLock
from typing import Any

from anyfit.errors import AuthError
from anyfit.http import Transport
from anyfit.storage.settings import StoreSettings
from anyfit.tokens import Token, TokenFile
from anyfit_modelmaker.answers import object_of
from anyfit_modelmaker.errors import STALE, fault_of_code, fault_of_status
from anyfit_modelmaker.places import base_url
from anyfit_modelmaker.settings import Settings

__all__ = ["Account"]

_DEFAULT_LIFE = 3600.0  # when the service does not say, or in a unit that makes no sense
_MARGIN = timedelta(seconds=60)
_KEYS_LIFE = timedelta(hours=24)


class Account:
    """One user of one server.

    Args:
        settings: The backend's.
        folder: Where tokens are kept.
        transport: Makes the two calls of logging in.
    """

    def __init__(self, settings: Settings, folder: Path, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._base = base_url(settings.host_base, settings.region)
        self._lock = RLock()
        self._token_file = TokenFile(folder, f"token {settings.username} {self._base}")
        self._keys_file = TokenFile(folder, f"keys {settings.username} {self._base}")
        self._token: str = ""

    def token(self) -> str:
        """The token of the moment; logs in when there is none."""
        with self._lock:
            if not self._token:
                kept = self._token_file.load()
                self._token = kept.values.get("token", "") if kept else ""
            return self._token or self.renew("")

    def renew(self, old: str) -> str:
        """Another token than `old`, which the service no longer takes."""
        with self._lock:
            if self._token != old and self._token:
                return self._token  # another thread was faster
            kept = self._token_file.load() if old else None
            if kept and kept.values.get("token") not in (None, old):
                self._token = kept.values["token"]  # another process was
                return self._token
            token = self._log_in()
            self._token_file.save(token)
            self._keys_file.forget()  # they belong to the login before
            self._token = token.values["token"]
            return self._token

    def keys(self, *, fresh: bool = False) -> StoreSettings:
        """How to reach the object store, with keys that are good for a while."""
        with self._lock:
            kept = None if fresh else self._keys_file.load()
            if kept is None:
                kept = self._ask_for_keys()
                self._keys_file.save(kept)
            values = kept.values
            return StoreSettings(
                endpoint=values["endpoint"],
                region=values["region"],
                access_key=values["access_key"],
                secret_key=values["secret_key"],
                expires_at=kept.expires_at,
                addressing="path",
            )

    def _log_in(self) -> Token:
        if not self._settings.username:
            raise AuthError(
                "modelmaker: username and password are not set",
                hint="set both under [modelmaker] in anyfit.toml, or in ~/.modelmaker/config.json",
                backend="modelmaker",
            )
        now = datetime.now(timezone.utc)
        body = {"username": self._settings.username, "password": self._settings.password}
        answer = self._ask("POST", "/v1/auth-token", "login", json=body)
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise AuthError("login: ModelMaker gives no token", hint="is host_base right?", backend="modelmaker")
        return Token({"token": token}, now + timedelta(seconds=_life(answer.get("duration"))) - _MARGIN)

    def _ask_for_keys(self) -> Token:
        now = datetime.now(timezone.utc)
        token = self.token()
        try:
            answer = self._ask("GET", "/v1/account/auth-access", "storage keys", headers=_headers(token))
        except AuthError:
            headers = _headers(self.renew(token))
            answer = self._ask("GET", "/v1/account/auth-access", "storage keys", headers=headers)
        s3 = answer.get("s3")
        if not isinstance(s3, Mapping) or not all(isinstance(s3.get(name), str) for name in ("ak", "sk", "url")):
            raise AuthError("storage keys: ModelMaker gives none", hint="is host_base right?", backend="modelmaker")
        url = str(s3["url"])
        values = {
            "endpoint": url if "://" in url else f"{self._settings.s3_protocol}://{url}",
            "region": str(s3.get("region") or ""),
            "access_key": str(s3["ak"]),
            "secret_key": str(s3["sk"]),
        }
        return Token(values, now + _KEYS_LIFE)

    def _ask(self, method: str, path: str, what: str, **arguments: Any) -> Mapping[str, Any]:
        """One call of logging in; it changes nothing, so it may be repeated."""
        response = self._transport.send(method, self._base + path, repeatable=True, **arguments)
        if not response.ok:
            raise fault_of_status(response.status_code, what)
        answer = object_of(response)
        if answer is None:
            raise fault_of_status(response.status_code, what, "no JSON object; is host_base right?")
        code = answer.get("errorCode", 0)
        if code in STALE:
            raise AuthError(f"{what}: the token is not valid", backend="modelmaker", status=str(code))
        if code:
            raise fault_of_code(code, str(answer.get("errorMessage") or ""), what)
        return answer


def _headers(token: str) -> dict[str, str]:
    return {"Auth-Token": token, "Content-Type": "application/json"}


def _life(duration: object) -> float:
    """Seconds; the platform's unit is not documented, so what is no sensible number of seconds is not trusted."""
    if isinstance(duration, (int, float)) and not isinstance(duration, bool) and 0 < duration <= 31 * 86400:
        return float(duration)
    return _DEFAULT_LIFE
