"""What every answer says of itself, whatever it answers: its model, its time, its usage."""

from __future__ import annotations

from conformance.check import Answer, Deviation, Place, Undecided, show
from conformance.reading import Reading


def names_model(x: Reading) -> Answer:
    """An answer names the model that was asked for, or one that this name stands for."""
    sent = x.sent.get("model") if isinstance(x.sent, dict) else None
    found = x.json.get("model") if isinstance(x.json, dict) else None
    if not isinstance(sent, str) or not isinstance(found, str) or not sent:
        yield Undecided("the answer names no model")
    elif not found or not (found.startswith(sent) or sent.startswith(found)):
        yield Deviation(show(sent), show(found), Place(pointer="/model"))
