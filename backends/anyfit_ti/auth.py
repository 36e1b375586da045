"""Who we are: keys that are set, or temporary ones that are asked for and renewed in time.

Where they come from, the first that is there: a role to be assumed with the keys, the keys themselves, the URL that a
container is given, the metadata service of a machine, the identity that TKE gives to pods.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import RLock
from typing import Any

from anyfit.errors import AuthError
from anyfit.http import Transport
from anyfit.storage.settings import REFRESH_BEFORE, StoreSettings
from anyfit.tokens import Token, TokenFile
from anyfit_ti.answers import inside, object_of
from anyfit_ti.errors import fault_of_code, fault_of_status
from anyfit_ti.settings import Settings
from anyfit_ti.signing import Credential, Tc3Auth

__all__ = ["Account", "StoreKeys"]

_METADATA = "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/"
_DEFAULT_LIFE = timedelta(minutes=30)  # where an answer does not say
_SECONDS = 7200
_NAMES = (("secret_id", "TmpSecretId"), ("secret_key", "TmpSecretKey"), ("token", "Token"))


class Account:
    """One account.

    Args:
        settings: The backend's.
        folder: Where temporary keys are kept.
        transport: Makes the calls that get them.
        clock: Answers seconds since 1970.
    """

    def __init__(
        self, settings: Settings, folder: Path, transport: Transport, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._lock = RLock()
        self._file = TokenFile(folder, f"keys {settings.secret_id} {settings.role_arn} {settings.service_url('sts')}")
        self._token: Token | None = None
        self._offset = 0.0

    def now(self) -> float:
        """The time as the service counts it."""
        return self._clock() + self._offset

    def learn_time(self, there: float) -> None:
        """Go by the service's clock, which shows this."""
        with self._lock:
            self._offset = there - self._clock()

    def credential(self) -> Credential:
        """The keys of the moment."""
        return self._keys()[0]

    def store_settings(self) -> StoreSettings:
        """How to reach the object store, with keys that are good for a while."""
        credential, expires_at = self._keys()
        return StoreSettings(
            endpoint=self._settings.cos_endpoint,
            region=self._settings.region,
            access_key=credential.secret_id,
            secret_key=credential.secret_key,
            session_token=credential.token,
            expires_at=expires_at,
            verify=self._settings.verify_ssl,
        )

    def refused(self, secret_id: str) -> bool:
        """Forget temporary keys that a service does not take; whether others may be had."""
        with self._lock:
            if self._token is not None and self._token.values["secret_id"] == secret_id:
                self._token = None
                self._file.forget()
            return self._are_temporary

    @property
    def _are_temporary(self) -> bool:
        return bool(self._settings.role_arn) or not self._settings.secret_id

    def _keys(self) -> tuple[Credential, datetime | None]:
        """The keys of the moment, and when they end."""
        settings = self._settings
        if not self._are_temporary:
            return Credential(settings.secret_id, settings.secret_key, settings.token), None
        token = self._temporary()
        values = token.values
        return Credential(values["secret_id"], values["secret_key"], values["token"]), token.expires_at

    def _temporary(self) -> Token:
        with self._lock:
            soon = self._moment() + REFRESH_BEFORE
            if self._token is None and self._settings.role_arn:
                self._token = self._file.load()
            if self._token is None or not self._token.good_at(soon):
                self._token = self._ask()
                if self._settings.role_arn:
                    self._file.save(self._token)
            return self._token

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.now(), timezone.utc)

    def _ask(self) -> Token:
        settings = self._settings
        if settings.role_arn and settings.secret_id:
            return self._assume_role()
        if settings.credentials_url:
            return self._fetch(settings.credentials_url, "keys of the container")
        if settings.cvm_role:
            return self._fetch(_METADATA + settings.cvm_role, "keys of the machine")
        if "TKE_WEB_IDENTITY_TOKEN_FILE" in os.environ:
            return self._web_identity(os.environ)
        raise AuthError(
            "ti: secret_id and secret_key are not set",
            hint="set both under [ti] in anyfit.toml, in TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY,"
            " or in ~/.ti/config.yaml",
            backend="ti",
        )

    def _fetch(self, url: str, what: str) -> Token:
        """What a service of the platform's own network gives to whoever asks there."""
        response = self._transport.send("GET", url)
        answer = object_of(response)
        if not response.ok or answer is None:
            raise fault_of_status(response.status_code, what)
        return self._token_of(answer, answer.get("ExpiredTime"), what)

    def _assume_role(self) -> Token:
        settings = self._settings
        body = {"RoleArn": settings.role_arn, "RoleSessionName": "anyfit", "DurationSeconds": _SECONDS}
        signer = Tc3Auth(Credential(settings.secret_id, settings.secret_key, settings.token), "sts", self.now)
        return self._sts("AssumeRole", body, signer)

    def _web_identity(self, environ: Mapping[str, str]) -> Token:
        """The identity of a pod, exchanged for keys; this call alone needs no signature."""
        body = {
            "ProviderId": environ.get("TKE_PROVIDER_ID", ""),
            "WebIdentityToken": Path(environ["TKE_WEB_IDENTITY_TOKEN_FILE"]).read_text(encoding="utf-8").strip(),
            "RoleArn": environ.get("TKE_ROLE_ARN", ""),
            "RoleSessionName": "anyfit",
            "DurationSeconds": _SECONDS,
        }
        return self._sts("AssumeRoleWithWebIdentity", body, None)

    def _sts(self, action: str, body: Mapping[str, Any], signer: Tc3Auth | None) -> Token:
        headers = {
            "X-TC-Action": action,
            "X-TC-Version": "2018-08-13",
            "X-TC-Region": self._settings.region,
            "X-TC-Timestamp": str(int(self.now())),
            **({} if signer else {"Authorization": "SKIP"}),
        }
        url = self._settings.service_url("sts")
        response = self._transport.send("POST", url, json=body, headers=headers, auth=signer, repeatable=True)
        answer = inside(response)
        if answer is None:
            raise fault_of_status(response.status_code, action)
        error = answer.get("Error")
        if isinstance(error, Mapping):
            raise fault_of_code(str(error.get("Code")), str(error.get("Message") or ""), action)
        return self._token_of(answer.get("Credentials") or {}, answer.get("ExpiredTime"), action)

    def _token_of(self, keys: Mapping[str, Any], expires: object, what: str) -> Token:
        values = {ours: str(keys.get(theirs) or "") for ours, theirs in _NAMES}
        if not (values["secret_id"] and values["secret_key"]):
            raise AuthError(f"{what}: there are no keys in the answer", hint="is the address right?", backend="ti")
        if isinstance(expires, (int, float)) and expires > 0:
            return Token(values, datetime.fromtimestamp(expires, timezone.utc))
        return Token(values, self._moment() + _DEFAULT_LIFE)


class StoreKeys:
    """The keys of the object store: asked again, those of then, and other ones where these are no longer taken."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._given = ""

    def __call__(self) -> StoreSettings:
        settings = self._account.store_settings()
        if settings.access_key == self._given and self._account.refused(self._given):
            settings = self._account.store_settings()
        self._given = settings.access_key
        return settings
