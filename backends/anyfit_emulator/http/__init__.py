"""A small HTTP/1.1 server on loopback: an application is a function from a request to a response."""

from __future__ import annotations

from anyfit_emulator.http.message import App, Body, Disconnected, FileSlice, Mishap, Request, Response, Slow
from anyfit_emulator.http.server import HttpServer

__all__ = ["App", "Body", "Disconnected", "FileSlice", "HttpServer", "Mishap", "Request", "Response", "Slow"]
