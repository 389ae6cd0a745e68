"""Faults of relations: what one answer alone does not show."""

from reference_server.faults.semantics import again, alike, beside, forms, wanted

__all__ = ["again", "alike", "beside", "forms", "wanted"]
