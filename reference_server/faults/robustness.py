"""Faults of a server that does not get over what it was sent."""

from __future__ import annotations

from reference_server.faults.fault import behaviour

behaviour(
    "robustness.stumbles",
    "Fails on the first valid request after a body that is no JSON.",
    breaks={"robustness.answers-after"},
    on="chat.hostile",
)
