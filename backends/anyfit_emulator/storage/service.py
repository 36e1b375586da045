"""The object store as something that `anyfit emulate storage` starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit_emulator.storage.server import APP_ID

if TYPE_CHECKING:
    from anyfit_emulator.service import Room

__all__ = ["StorageService"]


class StorageService:
    """Shows the room's object store, which runs anyway."""

    def __init__(self, room: Room) -> None:
        self._server = room.storage

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def ready(self) -> dict[str, str]:
        """Endpoints, keys and a bucket that works in every dialect."""
        server = self._server
        return {
            "s3_endpoint": server.s3_endpoint,
            "cos_endpoint": server.cos_endpoint,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "bucket": server.bucket,
            "region": server.options.region,
            "app_id": APP_ID,
            "data": str(server.store.directory),
        }

    def profile(self) -> str:
        """Lines for `anyfit.toml`."""
        server = self._server
        endpoints = {"s3": server.s3_endpoint, "obs": server.s3_endpoint, "cos": server.cos_endpoint}
        tables = [f"# anyfit ls -p emulator s3://{server.bucket}/\n"]
        for scheme, endpoint in endpoints.items():
            values = {"endpoint": endpoint, "region": server.options.region}
            values |= {"access_key": server.access_key, "secret_key": server.secret_key}
            lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
            tables.append(f"[profiles.emulator.storage.{scheme}]\n{lines}")
        return "\n".join(tables)
