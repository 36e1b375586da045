"""Identity and access management: tokens, projects, keys (reference, sections 1.3 and 1.4)."""

from __future__ import annotations

import time
from typing import Any

from anyfit_emulator.http import Response
from anyfit_modelarts.emulator.account import Account, Token
from anyfit_modelarts.emulator.calls import Arguments, Operation, Route
from anyfit_modelarts.emulator.errors import IAM, ApiError
from anyfit_modelarts.emulator.wire import answer

__all__ = ["LOGIN", "routes"]

LOGIN = "/v3/auth/tokens"
_KEYS = "/v3.0/OS-CREDENTIAL"
_WRONG = "The username or password is wrong."


def routes(account: Account) -> list[Route]:
    """The calls."""
    desk = Identity(account)
    return [
        ("POST", LOGIN, Operation("CreateToken", desk.create_token, IAM, 201, free=True)),
        ("GET", "/v3/projects", Operation("ListProjects", desk.list_projects, IAM)),
        ("POST", f"{_KEYS}/securitytokens", Operation("CreateSecurityToken", desk.temporary_keys, IAM, 201, free=True)),
        ("POST", f"{_KEYS}/credentials", Operation("CreateCredential", desk.permanent_keys, IAM, 201)),
    ]


class Identity:
    """Answers for an account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create_token(self, arguments: Arguments) -> Response:
        """`POST /v3/auth/tokens`; the token is in a header alone."""
        identity = _member(_member(arguments.body, "auth", ""), "identity", "auth.")
        methods = identity.get("methods")
        if methods == ["password"]:
            self._check_password(_member(identity, "password", "auth.identity."))
        elif methods == ["token"]:
            self._check_token(_member(identity, "token", "auth.identity."))
        else:
            raise ApiError("IAM.0011", 'auth.identity.methods must be ["password"].')
        scope = arguments.body["auth"].get("scope")
        project = self._scope(scope if scope is not None else {})
        text, token = self._account.new_token(project=project)
        document = self._describe(token, methods, bool(arguments.query.text("nocatalog")))
        response = answer(document, 201)
        response.headers.append(("X-Subject-Token", text))
        return response

    def list_projects(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /v3/projects`."""
        account = self._account
        project = {
            "id": account.project_id,
            "name": account.project_name,
            "domain_id": account.domain_id,
            "parent_id": account.domain_id,
            "is_domain": False,
            "enabled": True,
            "description": "",
            "links": {"self": f"/v3/projects/{account.project_id}"},
        }
        query = arguments.query
        page, size = query.whole("page", 1, 1), query.whole("per_page", 5000, 1, 5000)
        wanted = {name: query.text(name) for name in ("name", "id", "domain_id", "parent_id")}
        fits = all(value in ("", project[name]) for name, value in wanted.items())
        found = [project] if fits and query.text("enabled", "true") == "true" else []
        links = {"self": "/v3/projects", "next": None, "previous": None}
        return {"projects": found[(page - 1) * size : page * size], "links": links}

    def temporary_keys(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/securitytokens`: access keys that go with a security token."""
        identity = _member(_member(arguments.body, "auth", ""), "identity", "auth.")
        if identity.get("methods") != ["token"]:
            raise ApiError("IAM.0011", 'auth.identity.methods must be ["token"].')
        told = identity.get("token") or {}
        if not isinstance(told, dict):
            raise ApiError("IAM.0011", "auth.identity.token must be an object.")
        if not arguments.caller.user:
            self._check_token(told)
        seconds = told.get("duration_seconds", 900)
        if type(seconds) is not int or not 900 <= seconds <= 86400:
            raise ApiError("IAM.0007", "duration_seconds must be a whole number of [900,86400].")
        keys = self._account.new_keys(seconds)
        return {
            "credential": {
                "access": keys.access_key,
                "secret": keys.secret_key,
                "securitytoken": keys.token,
                "expires_at": _moment(keys.expires or 0.0),
            }
        }

    def permanent_keys(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/credentials`: access keys whose secret is told once."""
        asked = _member(arguments.body, "credential", "")
        if asked.get("user_id") != self._account.user_id:
            raise ApiError("IAM.0004", f"There is no user {asked.get('user_id')}.", 404)
        keys = self._account.new_keys(None)
        return {
            "credential": {
                "access": keys.access_key,
                "secret": keys.secret_key,
                "status": "active",
                "user_id": self._account.user_id,
                "create_time": _moment(self._account.clock()),
                "description": asked.get("description", ""),
            }
        }

    def _check_password(self, password: dict[str, Any]) -> None:
        user = _member(password, "user", "auth.identity.password.")
        place = "auth.identity.password.user."
        domain = _member(user, "domain", place)
        words = (domain.get("name"), user.get("name"), user.get("password"))
        for name, word in zip(("domain.name", "name", "password"), words, strict=True):
            if not isinstance(word, str) or not word:
                raise ApiError("IAM.0011", f"{place}{name} is required.")
        if not self._account.is_user(str(words[0]), str(words[1]), str(words[2])):
            raise ApiError("IAM.0001", _WRONG, 401)

    def _check_token(self, told: dict[str, Any]) -> None:
        token = self._account.token(str(told.get("id")))
        if token is None or self._account.clock() >= token.expires:
            raise ApiError("IAM.0001", "The token is not valid.", 401)

    def _scope(self, scope: Any) -> bool:
        """Whether the project is asked for; the account alone gives a token that other services refuse."""
        if not isinstance(scope, dict):
            raise ApiError("IAM.0011", "auth.scope must be an object.")
        project = scope.get("project")
        if not project:
            return False
        account = self._account
        known = {"name": account.project_name, "id": account.project_id}
        if not isinstance(project, dict) or not any(name in project for name in known):
            raise ApiError("IAM.0011", "auth.scope.project needs a name or an id.")
        if any(project[name] != value for name, value in known.items() if name in project):
            raise ApiError("IAM.0001", "The project of the scope does not exist.", 401)
        return True

    def _describe(self, token: Token, methods: list[str], brief: bool) -> dict[str, Any]:
        account = self._account
        domain = {"id": account.domain_id, "name": account.domain}
        place = {"project": {"id": account.project_id, "name": account.project_name, "domain": domain}}
        user = {"id": account.user_id, "name": account.username, "domain": domain, "password_expires_at": ""}
        document = {
            "expires_at": _moment(token.expires),
            "issued_at": _moment(token.issued),
            "methods": methods,
            **({} if brief else {"catalog": []}),
            "roles": [{"id": "0", "name": "te_admin"}],
            **(place if token.project else {"domain": domain}),
            "user": user,
        }
        return {"token": document}


def _member(document: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise ApiError("IAM.0011", f"{place}{name} must be an object.")
    return value


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds)) + f"{int(seconds % 1 * 1e6):06d}Z"
