"""Which account settings are of, told so that it can be shown."""

from __future__ import annotations

import hashlib
import os
import re

from anyfit_ti.settings import Settings

__all__ = ["account_of"]


def account_of(settings: Settings) -> str:
    """Its number, or what cannot be turned back into where its keys come from."""
    keys = _keys_of(settings)
    role = re.search(r":uin/(\d+):", keys)
    return (role[1] if role else settings.uin) or hashlib.sha256(keys.encode()).hexdigest()[:12]


def _keys_of(settings: Settings) -> str:
    """What tells an account whose number nobody has set from others: the keys, or what they are had from."""
    if settings.role_arn:
        return settings.role_arn
    if settings.secret_id:
        return settings.secret_id
    if settings.credentials_url:
        return settings.credentials_url
    if settings.cvm_role:
        return f"cvm {settings.cvm_role}"
    return os.environ.get("TKE_ROLE_ARN", "")
