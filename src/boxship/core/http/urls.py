"""URLs that users name and this program is to ask. Says which it would; where their names lead is judged when they are asked."""

from __future__ import annotations

import yarl


def complaint(url: str) -> str | None:
    """What is wrong with a URL that bytes are to be fetched from, as the end of a sentence; None: nothing."""
    try:
        place = yarl.URL(url)
        host = place.host
    except ValueError:
        return "is no URL"
    if place.scheme not in {"http", "https"} or not host:
        return "is not fetched: a URL begins with http:// or https:// and names a host"
    if place.user is not None or place.password is not None:
        return "is not fetched: a URL with a name or a password in it would be stored with them"
    return None
