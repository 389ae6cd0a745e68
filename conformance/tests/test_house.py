"""House rules: sizes, and who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    p
    for name in ("conformance", "reference_server", "benchmarks")
    for p in (ROOT / name).rglob("*.py")
)
CODE = [path for path in FILES if "tests" not in path.parts]

MAY_IMPORT = {
    "conformance/wire": {"conformance.wire"},
    "conformance/contract": {"conformance.contract", "conformance.data", "conformance.errors"},
    "conformance/checks": {
        "conformance.check", "conformance.checks", "conformance.grammar", "conformance.grammars",
        "conformance.reading", "conformance.odd", "conformance.wire.exchange", "conformance.contract",
    },
    "conformance/grammars": {
        "conformance.grammar", "conformance.grammars", "conformance.reading", "conformance.wire.exchange",
        "conformance.contract",
    },
    "conformance/probes": {
        "conformance.probes", "conformance.contract", "conformance.wire", "conformance.data", "conformance.errors",
    },
    "conformance/report": {
        "conformance.report", "conformance.ledger", "conformance.verdict", "conformance.requirement",
        "conformance.contract", "conformance.check", "conformance.text", "conformance.errors",
        "conformance.wire.exchange", "conformance.wire.sse", "conformance.covered", "conformance.reading",
    },
    "reference_server": {"reference_server", "conformance.wire.exchange"},
}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_over_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_is_over_40_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
            assert node.end_lineno - node.lineno + 1 - doc <= 40, node.name


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_layers_import_only_what_they_may(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        if "tests" in path.parts:
            continue
        for name in imports(path):
            if name.startswith(("conformance", "reference_server")):
                allowed = any(f"{name}.".startswith(f"{prefix}.") for prefix in MAY_IMPORT[folder])
                assert allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_only_the_proof_imports_the_reference_server() -> None:
    guilty = [p.name for p in CODE if "conformance" in p.parts
              and any(name.startswith("reference_server") for name in imports(p))]  # fmt: skip
    assert sorted(guilty) == ["bugs.py", "printed.py", "prove.py", "proving.py", "variants.py"]


def test_nothing_but_the_plugin_knows_pytest() -> None:
    knows = [p.name for p in CODE if any(name.partition(".")[0] == "pytest" for name in imports(p))]
    assert set(knows) <= {"plugin.py", "scheduling.py"}  # the latter for pytest-xdist
