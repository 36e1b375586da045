"""The tables `[storage.s3]`, `[storage.obs]` and `[storage.cos]` of the configuration."""

from __future__ import annotations

from typing import Any, Literal

from anyfit.errors import ConfigError
from anyfit.storage.settings import StoreSettings
from anyfit.values import field, frozen

__all__ = ["TABLES", "StoreTable"]

TABLES = ("s3", "obs", "cos")
"""The schemes that have a table."""


def _key(default: Any, help: str, *, secret: bool = False, path: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"help": help, "secret": secret, "path": path})


@frozen(kw_only=True)
class StoreTable:
    """How to reach the stores of one scheme and as whom; each key's meaning is in its metadata."""

    endpoint: str = _key("", "https://host without the bucket; by default the service's own of the region.")
    region: str = _key("", "The service's name of the region, such as cn-north-4 or ap-guangzhou.")
    access_key: str = _key("", "The access key; COS calls it SecretId.")
    secret_key: str = _key("", "The secret key that goes with it.", secret=True)
    session_token: str = _key("", "The security token that goes with temporary keys.", secret=True)
    addressing: Literal["auto", "virtual", "path"] = _key("auto", "Whether the bucket stands in the host or the path.")
    signature: Literal["v4", "v2"] = _key("v4", "Of s3 and obs; v2 for services that know nothing newer.")
    verify_ssl: bool = _key(True, "Whether to check the service's certificate.")
    ca_bundle: str = _key("", "A file of certificate authorities to trust in place of the usual ones.", path=True)
    direct: bool | None = _key(
        None, "Whether bytes go past the vendor's library, which is faster; by default if they can."
    )
    timeout: float = _key(60.0, "Seconds without a byte before a connection counts as lost.")

    def store_settings(self, name: str) -> StoreSettings:
        """The same for a store; `name` is the table's, for messages."""
        if self.timeout <= 0:
            raise ConfigError(f"{name}.timeout: expected more than 0, got {self.timeout:g}")
        try:
            return StoreSettings(
                endpoint=self.endpoint,
                region=self.region,
                access_key=self.access_key,
                secret_key=self.secret_key,
                session_token=self.session_token,
                addressing=self.addressing,
                signature=self.signature,
                verify=self.ca_bundle or True if self.verify_ssl else False,
                fast=self.direct,
                timeout=self.timeout,
            )
        except ConfigError as error:
            raise ConfigError(f"{name}: {error.message.removeprefix('storage: ')}", hint=error.hint) from None
