"""Conversations with services that speak OpenAI's protocol, through the API (reference, section 3.13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_ti.emulator.desk import TIONE_2021, Call, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.serving.asking import json_request
from anyfit_ti.emulator.serving.register import Group, Register

__all__ = ["Chat"]


class Chat:
    """Asks groups.

    Args:
        ask: Passes a request of the platform's own to a group, as the gateway does with those of others.
    """

    def __init__(self, register: Register, ask: Callable[[Group, Request, str], Response]) -> None:
        self._register = register
        self._ask = ask

    def tables(self) -> Tables:
        """What it answers."""
        return {TIONE_2021: {"ChatCompletion": self.complete}}

    def complete(self, call: Call) -> dict[str, Any]:
        """A conversation with a group that speaks OpenAI's protocol."""
        fields = call.fields
        with self._register.lock:
            group = self._register.group(fields.text("Model", required=True))
        messages = [
            {"role": item.text("Role", required=True), "content": _content(item)}
            for item in fields.parts("Messages", required=True)
        ]
        asked = {
            "model": group.id,
            "messages": messages,
            "temperature": fields.number("Temperature", 0.7),
            "top_p": fields.number("TopP", 1.0),
            "max_tokens": fields.integer("MaxTokens", 512, least=1),
        }
        return _completion(group, self._ask(group, json_request(asked), "/v1/chat/completions"))


def _content(message: Fields) -> Any:
    parts = message.parts("MultiModalContents")
    if not parts:
        return message.text("Content")
    return [
        {"type": "text", "text": part.text("Text")}
        if part.text("Type", required=True) == "text"
        else {"type": "image_url", "image_url": {"url": (part.part("ImageUrl") or Fields({})).text("Url")}}
        for part in parts
    ]


def _completion(group: Group, response: Response) -> dict[str, Any]:
    content = response.body if isinstance(response.body, bytes) else b""
    try:
        answer: Any = json.loads(content) if response.status == 200 else None
        choices = [
            {
                "Message": {"Role": choice["message"]["role"], "Content": choice["message"]["content"]},
                "FinishReason": choice.get("finish_reason") or "",
                "Index": choice.get("index", index),
            }
            for index, choice in enumerate(answer["choices"])
        ]
    except (ValueError, KeyError, TypeError):
        text = content[:200].decode("utf-8", "replace")
        raise ApiError("FailedOperation", f"The service answered {response.status}: {text}") from None
    usage = answer.get("usage") or {}
    return {
        "Model": group.id,
        "Choices": choices,
        "Id": answer.get("id") or f"chatcmpl-{letters(16)}",
        "Usage": {
            "CompletionTokens": usage.get("completion_tokens", 0),
            "PromptTokens": usage.get("prompt_tokens", 0),
            "TotalTokens": usage.get("total_tokens", 0),
        },
    }
