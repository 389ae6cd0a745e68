"""The OpenAPI document, its overlays, and the views made of them."""
