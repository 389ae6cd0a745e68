"""How pytest-xdist shares out the items: a surface stays on one worker, which sends for it."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from conformance.plugin import SESSION


class Scheduling:
    """Hooks of pytest-xdist."""

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Share out by what stands before `::`, which is the surface."""
        return LoadScopeScheduling(config, log)

    @pytest.hookimpl
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the parts are left."""
        node.workerinput["conformance"] = str(node.config.stash[SESSION].shared)
