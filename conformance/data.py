"""Where the data that ships beside the packages lies.

`specs/` stands next to `conformance/` in a checkout and in an installed wheel alike, so one
relative path serves both and nothing on `sys.path` can shadow it.
"""

from __future__ import annotations

from pathlib import Path

SPECS = Path(__file__).resolve().parent.parent / "specs"
