"""Images: pictures of a prompt, in base64."""

from __future__ import annotations

import base64
import time
from typing import Any

from reference_server.pictures import SIZE, paint, sides


def answer(sent: dict[str, Any]) -> dict[str, Any]:
    """The answer to a valid request."""
    width, height = sides(sent.get("size")) or SIZE
    pictures = [paint(sent["prompt"], width, height, n) for n in range(int(sent.get("n", 1)))]
    data = [{"b64_json": base64.b64encode(each).decode("ascii")} for each in pictures]
    return {"created": int(time.time()), "data": data}
