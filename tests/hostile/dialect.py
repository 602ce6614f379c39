"""How each upstream writes its errors, stated again from the API references, apart from the program's own table."""

from __future__ import annotations

import httpx


def message(prefix: str, answer: httpx.Response) -> str:
    """The sentence of an error in the format of the service. AssertionError: it is in another format, or empty."""
    document = answer.json()
    if prefix == "identity":
        text = document["error"]["message"]
        assert document["error"]["code"] == answer.status_code
    elif prefix == "image":
        text = document["message"]
    elif prefix == "network":
        text = document["NeutronError"]["message"]
        assert document["NeutronError"]["type"]
    elif prefix in {"volume", "share"}:
        (fault,) = document.values()
        text = fault["message"]
        assert fault["code"] == answer.status_code
    elif prefix == "orchestration":
        text = document["error"]["message"]
        assert document["code"] == answer.status_code
        assert document["error"]["type"]
    elif prefix == "container":
        text = document["errors"][0]["detail"]
        assert document["errors"][0]["status"] == answer.status_code
    else:
        raise AssertionError(f"state the error format of {prefix} here")
    assert isinstance(text, str) and text
    return text
