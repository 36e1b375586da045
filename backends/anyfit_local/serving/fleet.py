"""Everything that an endpoint serves at a time: one pool per model version, and the shares of the traffic."""

from __future__ import annotations

import asyncio
from typing import Any

from anyfit_local.serving.pool import Answer, Pool

__all__ = ["Fleet"]


class Fleet:
    """The pools of one generation of an endpoint."""

    def __init__(self, plan: dict[str, Any], folder: str) -> None:
        self.plan = plan
        self.generation: int = plan["generation"]
        self.pools = [Pool(variant, folder, plan["request_seconds"]) for variant in plan["variants"]]
        self._credit = [0.0] * len(self.pools)
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def start(self) -> None:
        """Load every model; `LoadFault` when one cannot be."""
        started: list[Pool] = []
        try:
            for pool in self.pools:
                await pool.start()
                started.append(pool)
        except BaseException:
            await asyncio.gather(*(pool.close() for pool in started))
            raise

    async def handle(self, body: bytes, content_type: str, accept: str) -> tuple[Answer, str]:
        """The answer, and the model that gave it."""
        pool = self._next()
        self._busy += 1
        self._quiet.clear()
        try:
            return await pool.handle(body, content_type, accept), pool.model
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    async def close(self) -> None:
        """Finish what is under way, then end all workers."""
        await self._quiet.wait()
        await asyncio.gather(*(pool.close() for pool in self.pools))

    def describe(self) -> list[dict[str, Any]]:
        """What is served, for people and monitors."""
        return [
            {"model": p.model, "weight": p.weight, "workers": p.size, "requests": p.requests, "faults": p.faults}
            for p in self.pools
        ]

    def _next(self) -> Pool:
        """Shares are kept exactly, and every model's turns are spread evenly: whoever has most credit pays for all."""
        for index, pool in enumerate(self.pools):
            self._credit[index] += pool.weight
        chosen = max(range(len(self.pools)), key=self._credit.__getitem__)
        self._credit[chosen] -= sum(pool.weight for pool in self.pools)
        return self.pools[chosen]
