"""Rules over several answers: what the same request, or another word for it, brings again."""

from conformance.checks.semantics import (
    again,
    alike,
    beside,
    counted,
    forms,
    isolated,
    limits,
    wanted,
)

__all__ = ["again", "alike", "beside", "counted", "forms", "isolated", "limits", "wanted"]
