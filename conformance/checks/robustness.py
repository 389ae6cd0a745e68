"""What must hold whatever was sent before."""

from __future__ import annotations

from conformance.check import Answer, Deviation, Dialogue, relation
from conformance.reading import Outcome, is_aftermath
from conformance.wire.exchange import End


def provoked(dialogue: Dialogue) -> bool:
    """An ordinary request follows one that is not."""
    after = dialogue[-1]
    before = dialogue[-2:-1]
    tried = bool(before) and not before[0].ordinary and after.ordinary
    return tried and after.exchange.end is not End.CANCELED and after.outcome is not Outcome.BUSY


@relation("robustness.answers-after", on=provoked)
def answers_after(dialogue: Dialogue) -> Answer:
    """The valid request is answered; the deviation belongs to the one before it."""
    before, after = dialogue[-2:]
    if is_aftermath(before, after):
        came = f"status {after.status}" if after.status else after.exchange.detail
        yield Deviation(
            "an answer to the request after this one", came, exchange=before.exchange.number
        )
