"""Who sent this? One file per way of signing; `authenticate` finds out which was used."""

from __future__ import annotations

from anyfit_emulator.storage.auth import aws2, aws4, qsign
from anyfit_emulator.storage.auth.values import Claim, Identity
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_emulator.storage.errors import StoreError

__all__ = ["Claim", "Identity", "authenticate"]


def authenticate(claim: Claim, table: CredentialTable) -> Identity:
    """Verify whatever signature the request carries.

    Raises:
        StoreError: There is none, or it is wrong.
    """
    header = claim.headers.get("authorization", "")
    query = claim.query
    if header.startswith("AWS4-"):
        return aws4.from_header(claim, header, table)
    if header.startswith(("AWS ", "OBS ")):
        return aws2.from_header(claim, header, table)
    if header.startswith("q-sign-algorithm"):
        return qsign.from_header(claim, header, table)
    if header:
        raise StoreError("InvalidArgument", "Unsupported Authorization Type")
    if "X-Amz-Signature" in query:
        return aws4.from_query(claim, table)
    if "q-signature" in query:
        return qsign.from_query(claim, table)
    if "Signature" in query:
        return aws2.from_query(claim, table)
    raise StoreError("AccessDenied")
