"""Keys for a while, from the service that gives them out (reference, section 8.1)."""

from __future__ import annotations

from typing import Any

from anyfit_ti.emulator.desk import STS, Call, QuietDesk, Site, Tables
from anyfit_ti.emulator.times import utc

__all__ = ["Sts"]

_LONGEST = 43200


class Sts(QuietDesk):
    """`AssumeRole`; policies are taken and not applied."""

    def __init__(self, site: Site) -> None:
        self._account = site.account

    def tables(self) -> Tables:
        """What it answers."""
        return {STS: {"AssumeRole": self.assume_role}}

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Keys with a token."""
        fields = call.fields
        fields.text("RoleArn", required=True)
        fields.text("RoleSessionName", required=True)
        keys = self._account.lend(fields.integer("DurationSeconds", 7200, least=1, most=_LONGEST))
        expires = int(keys.expires or 0)
        return {
            "Credentials": {"Token": keys.token, "TmpSecretId": keys.access_key, "TmpSecretKey": keys.secret_key},
            "ExpiredTime": expires,
            "Expiration": utc(expires),
        }
