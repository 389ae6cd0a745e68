"""`pytest --target-url URL`: one item for each requirement and surface.

Items come from the catalogue, never from what the target answers. The first item of a surface sends
that surface's part of the plan; the others read its verdicts. With pytest-xdist a scheduler keeps a
surface on one worker, and the controller joins the parts and writes one report. Without
`--target-url` this module only adds its options: nothing heavy is imported.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.session import Session

HELP = {
    "model": "model to ask for (default: the first that GET /models lists)",
    "embedding-model": "model for embeddings (default: the model)",
    "api-key": "key of the target (default: OPENAI_API_KEY)",
    "profile": "seed, ollama or openai (default: ollama)",
    "intensity": "quick, standard or thorough (default: standard)",
    "concurrency": "requests under way at once (default: 4)",
    "max-requests": "budget of requests",
    "max-seconds": "budget of seconds",
    "max-generated-tokens": "budget of generated tokens",
    "only": "surfaces, requirement ids or prefixes, separated by commas",
    "out": "folder of the reports (default: reports/<time>-<host>)",
    "seed": "of the generated requests (default: 0)",
    "shrink": "requests to make one that fails smaller (default: 30)",
    "cache": "folder of requests that failed (default: .conformance_cache; none: do not keep any)",
}
SESSION: pytest.StashKey[Session] = pytest.StashKey()
UNUSABLE = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command, each with the prefix `--target-`."""
    group = parser.getgroup("conformance", "conformance of OpenAI-compatible servers")
    group.addoption("--target-url", metavar="URL", help="base URL of the server to test")
    for name, text in HELP.items():
        group.addoption(f"--target-{name}", metavar=name.upper().replace("-", "_"), help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the session, if a target is given."""
    if config.getoption("--target-url") is None:
        return
    from conformance.errors import ConformanceError  # noqa: PLC0415  only where it is needed
    from conformance.session import Session  # noqa: PLC0415

    try:
        given = {name: config.getoption(f"--target-{name}") for name in HELP}
        config.stash[SESSION] = Session(
            config.getoption("--target-url"), given, _worker(config), _shared(config)
        )
    except (ConformanceError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    config.addinivalue_line("markers", "conformance: a requirement on a surface")
    if config.pluginmanager.hasplugin("xdist"):
        from conformance.scheduling import Scheduling  # noqa: PLC0415

        config.pluginmanager.register(Scheduling(), "conformance-scheduling")


def _worker(config: pytest.Config) -> str:
    """The name of this worker; empty where there are none, or in the controller."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    return str(given.get("workerid", ""))


def _shared(config: pytest.Config) -> Path | None:
    """The folder that the controller shares with its workers."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    return Path(given["conformance"]) if "conformance" in given else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Without a path only the items of this plugin are collected."""
    config = session.config
    if SESSION in config.stash and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add an item for each requirement and surface."""
    if SESSION in config.stash:
        root = Target.from_parent(session, name="conformance", nodeid="")
        report = root.ihook.pytest_make_collect_report(collector=root)
        root.ihook.pytest_collectreport(report=report)
        items.extend(report.result)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Send only what the chosen items need."""
    if SESSION in session.config.stash:
        chosen = [item for item in session.items if isinstance(item, RequirementItem)]
        session.config.stash[SESSION].choose([(item.surface, item.requirement) for item in chosen])


class Target(pytest.Collector):
    """The target as a collector of items."""

    def collect(self) -> Iterator[RequirementItem]:
        """Every requirement of the profile in force, by surface."""
        for surface, requirement in self.config.stash[SESSION].pairs:
            name = f"{surface}::{requirement}"
            yield RequirementItem.from_parent(
                self, name=name, nodeid=name, surface=surface, requirement=requirement
            )


class RequirementItem(pytest.Item):
    """One requirement on one surface."""

    def __init__(self, *, surface: str, requirement: str, **given: Any) -> None:
        super().__init__(**given)
        self.surface = surface
        self.requirement = requirement
        self.add_marker(pytest.mark.conformance)

    def runtest(self) -> None:
        """Judge the surface, if that was not done yet, and read the verdict."""
        from conformance.errors import Misconfigured  # noqa: PLC0415

        session = self.config.stash[SESSION]
        try:
            row = session.row(self.surface, self.requirement)
        except Misconfigured as error:
            pytest.exit(str(error), returncode=2)
        if session.unusable:
            self.session.shouldstop = f"the target cannot be used: {session.unusable}"
            pytest.fail(session.unusable, pytrace=False)
        self.user_properties.append(("requirement", self.requirement))
        outcome, said = session.outcome(row)
        getattr(self, f"_{outcome}")(said)

    def _pass(self, _: str) -> None:
        """Kept."""

    def _warn(self, said: str) -> None:
        self.warn(ConformanceWarning(said))

    def _fail(self, said: str) -> None:
        raise Broken(said)

    def _error(self, said: str) -> None:
        raise SuiteError(said)

    def _skip(self, said: str) -> None:
        pytest.skip(said)

    def _xfail(self, said: str) -> None:
        pytest.xfail(said)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | Any:
        """The finding in words, not a traceback."""
        if isinstance(excinfo.value, Broken | SuiteError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where a report says that this item stands."""
        return self.path, 0, f"{self.requirement} on {self.surface}"


class Broken(AssertionError):
    """A requirement was broken."""


class SuiteError(Exception):
    """The suite itself is wrong."""


class ConformanceWarning(pytest.PytestWarning):
    """A SHOULD was broken."""


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """SIGTERM ends a run like Ctrl-C: with its reports."""
    if SESSION not in session.config.stash or _worker(session.config):
        return (yield)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return (yield)
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt(number)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports; an unusable target is return code 3."""
    if SESSION not in session.config.stash:
        return
    conformance = session.config.stash[SESSION]
    conformance.finish()
    if conformance.unusable:
        session.exitstatus = UNUSABLE


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what a judgement says first, and where the report is."""
    if SESSION in config.stash and not os.environ.get("PYTEST_XDIST_WORKER"):
        terminalreporter.section("conformance")
        for line in config.stash[SESSION].summary():
            terminalreporter.write_line(line)
