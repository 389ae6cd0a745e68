"""The official client for Node.js: the tests in `tests/node`, as `node --test` runs them."""

from pathlib import Path

import pytest
from nodejs import PROJECT, run

pytestmark = pytest.mark.node

FILES = sorted(path.name for path in PROJECT.glob("*.test.mjs")) or ["no files"]


@pytest.mark.parametrize("name", FILES)
def test_the_client_works(target, project: Path, name: str) -> None:
    names = {"BASE_URL": target.url, "MODEL": target.model, "EMBEDDER": target.embedder}
    done = run(project, "--test", "--test-reporter=tap", name, **names)
    assert done.returncode == 0, done.stdout
    assert "\n# fail 0\n" in done.stdout
    assert "\n# skipped 0\n" in done.stdout


def test_the_lock_names_no_address() -> None:
    lock = (PROJECT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
