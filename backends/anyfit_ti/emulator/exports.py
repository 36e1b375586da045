"""Lines as a file to be downloaded (reference, section 3.6)."""

from __future__ import annotations

import csv
import hmac
import io
import json
import tempfile
import time
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from anyfit_emulator.moving import upload
from anyfit_ti.emulator.desk import TIONE_2021, Call, QuietDesk, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.logs import Entry, Logs, read_wanted
from anyfit_ti.emulator.times import utc

__all__ = ["Exports"]

_HOUR = 3600
_DAYS = 3 * 86400
_TYPES = ("PLATFORM_INIT", "PLATFORM_SANITY_CHECK", "USER")


class Exports(QuietDesk):
    """Makes files at once, in a bucket of the platform's own."""

    def __init__(self, site: Site, logs: Logs) -> None:
        self._site = site
        self._logs = logs
        self._bucket = f"tione-export-{site.account.app_id}"

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "CreateExport": self.create,
                "DescribeExport": self.describe,
                "DeleteExport": self.delete,
            }
        }

    def create(self, call: Call) -> dict[str, Any]:
        """`CreateExport`."""
        fields = call.fields
        kind = fields.text("Format", "csv", one_of=("csv", "json")) or "csv"
        fields.text("Type", one_of=_TYPES)
        if fields.has("StartTime") != fields.has("EndTime"):
            raise fields.bad("StartTime", "and that of `EndTime` must be given together")
        wanted = read_wanted(fields)
        identifier = f"export-{letters(8)}"
        name = f"{identifier}.{kind}"
        content = _written(list(self._logs.entries(wanted)), kind)
        self._site.store.create_bucket(self._bucket)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_text(content)
            upload(self._site.store, Path(folder), f"cos://{self._bucket}/")
        document = {"name": name, "created": time.time(), "size": len(content.encode())}
        self._site.records.put("export", identifier, document)
        return {"ExportId": identifier}

    def describe(self, call: Call) -> dict[str, Any]:
        """`DescribeExport`: with a link that is good for an hour."""
        identifier, found = self._find(call.fields)
        expired = time.time() > found["created"] + _DAYS
        return {
            "ExportId": identifier,
            "FileName": found["name"],
            "CosPath": "" if expired else self._link(found["name"]),
            "CreateTime": utc(found["created"]),
            "FileSize": str(found["size"]),
            "Status": "Expired" if expired else "Completed",
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """`DeleteExport`."""
        identifier, found = self._find(call.fields)
        self._site.store.delete(self._bucket, found["name"], lambda current: None)
        self._site.records.remove("export", identifier)
        return {}

    def _find(self, fields: Fields) -> tuple[str, dict[str, Any]]:
        identifier = fields.text("ExportId", required=True)
        found = self._site.records.get("export", identifier)
        if found is None:
            raise ApiError("ResourceNotFound", f"There is no export {identifier}.")
        return identifier, found

    def _link(self, name: str) -> str:
        """A signed URL, as COS has them."""
        keys = self._site.account.lasting
        now = int(time.time())
        span = f"{now};{now + _HOUR}"
        host = urlsplit(self._site.cos_endpoint).netloc
        path = f"/{self._bucket}/{name}"
        text = f"get\n{path}\n\nhost={quote(host, '-_.~')}\n"
        digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        key = hmac.digest(keys.secret_key.encode(), span.encode(), sha1).hex().encode()
        signature = hmac.digest(key, f"sha1\n{span}\n{digest}\n".encode(), sha1).hex()
        words = {
            "q-sign-algorithm": "sha1",
            "q-ak": keys.access_key,
            "q-sign-time": span,
            "q-key-time": span,
            "q-header-list": "host",
            "q-url-param-list": "",
            "q-signature": signature,
        }
        return f"{self._site.cos_endpoint}{path}?{urlencode(words)}"


def _written(found: list[Entry], kind: str) -> str:
    rows = [entry.to_wire() for entry in found]
    if kind == "json":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    target = io.StringIO()
    names = ("Timestamp", "PodName", "Message")
    writer = csv.DictWriter(target, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()
