"""Who we are: the token for calls or the keys that sign them, the project, and the keys of the object store.

What a service gave is kept on disk for its life (`anyfit.tokens`), so that most processes log in not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import RLock
from typing import Any

from requests import Response
from requests.auth import AuthBase

from anyfit.errors import AnyfitError, AuthError
from anyfit.http import Transport
from anyfit.storage.settings import StoreSettings
from anyfit.tokens import Token, TokenFile
from anyfit_modelarts.answers import json_of, refusal_in
from anyfit_modelarts.errors import fault_of
from anyfit_modelarts.places import iam_endpoint, obs_endpoint
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.signing import SignedAuth

__all__ = ["Account"]

_DEFAULT_LIFE = timedelta(hours=24)
_LONGEST_MARGIN = timedelta(minutes=10)
_KEYS_SECONDS = 86400
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class Account:
    """One user in one project.

    Args:
        settings: The backend's.
        folder: Where tokens are kept.
        transport: Makes the calls of logging in.
    """

    def __init__(self, settings: Settings, folder: Path, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._iam = iam_endpoint(settings)
        self._lock = RLock()
        who = f"{settings.domain}/{settings.username} {self.project_name} {settings.project_id} {self._iam}"
        self._token_file = TokenFile(folder, f"token {who}")
        self._keys_file = TokenFile(folder, f"keys {who}")
        self._project_file = TokenFile(folder, f"project {settings.access_key} {self.project_name} {self._iam}")
        self._token: Token | None = None
        self._project = settings.project_id

    @property
    def project_name(self) -> str:
        """The project's name; that of a region's own project is the region's."""
        return self._settings.project_name or self._settings.region

    @property
    def signs(self) -> bool:
        """Whether calls are signed with keys rather than carry a token."""
        if self._settings.auth == "auto":
            return bool(self._settings.access_key)
        return self._settings.auth == "signature"

    def signer(self, project_id: str = "") -> AuthBase:
        """Signs calls."""
        given = self._settings
        if not given.access_key:
            raise _missing("access_key and secret_key are not set")
        return SignedAuth(
            given.access_key, given.secret_key, security_token=given.security_token, project_id=project_id
        )

    def project(self) -> str:
        """The id of the project, looked up by its name where it is not given."""
        with self._lock:
            if not self._project:
                self._project = self._find_project() if self.signs else self._current().values["project_id"]
            return self._project

    def token(self) -> str:
        """The token of the moment; logs in when there is none, or when it ends soon."""
        with self._lock:
            return self._current().values["token"]

    def renew(self, old: str) -> str:
        """Another token than `old`, which the service no longer takes."""
        with self._lock:
            for kept in (self._token, self._token_file.load()):
                if kept is not None and kept.values["token"] != old and kept.good_at(_now()):
                    self._token = kept  # another thread or process was faster
                    return kept.values["token"]
            self._token = self._log_in()
            return self._token.values["token"]

    def keys(self, *, fresh: bool = False) -> StoreSettings:
        """How to reach the object store, with keys that are good for a while."""
        given = self._settings
        if given.access_key:
            return self._store(given.access_key, given.secret_key, given.security_token, None)
        with self._lock:
            kept = None if fresh else self._keys_file.load()
            if kept is None:
                kept = self._ask_for_keys()
                self._keys_file.save(kept)
            values = kept.values
            return self._store(values["access"], values["secret"], values["securitytoken"], kept.expires_at)

    def _store(self, access: str, secret: str, token: str, ends: datetime | None) -> StoreSettings:
        return StoreSettings(
            endpoint=obs_endpoint(self._settings),
            region=self._settings.region,
            access_key=access,
            secret_key=secret,
            session_token=token,
            expires_at=ends,
            verify=self._settings.verify_ssl,
        )

    def _current(self) -> Token:
        if self._token is None or not self._token.good_at(_now()):
            self._token = self._token_file.load() or self._log_in()
        return self._token

    def _log_in(self) -> Token:
        given = self._settings
        if not given.username:
            raise _missing("neither access_key nor username is set")
        project = {"id": given.project_id} if given.project_id else {"name": self.project_name}
        user = {
            "name": given.username,
            "password": given.password,
            "domain": {"name": given.domain or given.username},
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": project}}}
        asked = _now()
        response = self._ask("POST", "/v3/auth/tokens", "login", params={"nocatalog": "true"}, json=body)
        token = response.headers.get("X-Subject-Token", "")
        if not token:
            raise AuthError("login: IAM gives no token", hint="is iam_endpoint right?", backend="modelarts")
        told = _table(_table(json_of(response)).get("token"))
        project_id = given.project_id or str(_table(told.get("project")).get("id") or "")
        if not project_id:
            raise AuthError(
                f"login: the token is for no project; is there one named {self.project_name}?",
                hint="set project_name, or project_id",
                backend="modelarts",
            )
        found = Token({"token": token, "project_id": project_id}, _end(told.get("expires_at"), asked))
        self._token_file.save(found)
        return found

    def _ask_for_keys(self) -> Token:
        token = self.token()
        try:
            response = self._securitytokens(token)
        except AuthError:
            response = self._securitytokens(self.renew(token))
        told = _table(_table(json_of(response)).get("credential"))
        names = ("access", "secret", "securitytoken")
        if not all(isinstance(told.get(name), str) and told[name] for name in names):
            raise AuthError("storage keys: IAM gives none", hint="is iam_endpoint right?", backend="modelarts")
        return Token({name: told[name] for name in names}, _end(told.get("expires_at"), _now()))

    def _securitytokens(self, token: str) -> Response:
        identity = {"methods": ["token"], "token": {"duration_seconds": _KEYS_SECONDS}}
        body, headers = {"auth": {"identity": identity}}, {"X-Auth-Token": token}
        path = "/v3.0/OS-CREDENTIAL/securitytokens"
        return self._ask("POST", path, "storage keys", headers=headers, json=body)

    def _find_project(self) -> str:
        kept = self._project_file.load()
        if kept is not None:
            return kept.values["project_id"]
        name = self.project_name
        response = self._ask("GET", "/v3/projects", "project", params={"name": name}, auth=self.signer())
        projects = _table(json_of(response)).get("projects")
        found = [str(row["id"]) for row in projects or [] if isinstance(row, Mapping) and row.get("name") == name]
        if len(found) != 1:
            raise AuthError(
                f"project: there are {len(found)} projects named {name!r}",
                hint="set project_name, or project_id",
                backend="modelarts",
            )
        self._project_file.save(Token({"project_id": found[0]}))
        return found[0]

    def _ask(self, method: str, path: str, what: str, **arguments: Any) -> Response:
        """One call of logging in; it changes nothing, so it may be repeated."""
        response = self._transport.send(method, self._iam + path, repeatable=True, **arguments)
        if not response.ok:
            refusal = refusal_in(json_of(response))
            fault = fault_of(response.status_code, refusal, what, response.headers.get("X-Request-Id", ""))
            raise _as_auth(fault) if response.status_code < 500 and response.status_code != 429 else fault
        return response


def _as_auth(fault: AnyfitError) -> AuthError:
    """Whatever IAM refuses is about who we are, or for which project."""
    project = "project" in fault.message.partition(": ")[2].lower()
    fields = "modelarts.project_id and project_name" if project else "domain, username, password and project"
    return AuthError(
        fault.message.replace("ModelArts answers", "IAM answers"),
        hint=f"check {fields}: anyfit config show --origin",
        backend="modelarts",
        status=fault.status,
        request_id=fault.request_id,
    )


def _missing(message: str) -> AuthError:
    return AuthError(
        f"modelarts: {message}",
        hint="set username and password, or access_key and secret_key, under [modelarts] in anyfit.toml",
        backend="modelarts",
    )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _end(text: object, asked: datetime) -> datetime:
    """When it is time for another one: a little before the end, which the service tells in UTC."""
    known = _MOMENT.match(str(text))
    ends = datetime.fromisoformat(f"{known[0]}+00:00") if known else asked + _DEFAULT_LIFE
    return ends - min(_LONGEST_MARGIN, max(ends - asked, timedelta()) / 10)
