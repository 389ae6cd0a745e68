"""What a run is asked to do: options of the command and of pytest, and the vendor's own file.

The vendor's file is `conformance.toml` in the current directory. It declares what the target
offers, so that a probe cannot guess wrong, and which failures are known:

    [capabilities]
    chat = true
    "chat.tools" = false

    [[waiver]]
    requirement = "chat-stream.one-created"    # or "chat-stream::sse.no-bom"
    reason = "fixed in 2.1, see issue 12"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.errors import Misconfigured
from conformance.requirement import Catalogue, Profile

FILE = "conformance.toml"
CACHE = Path(".conformance_cache")  # where requests that failed are kept, in the current folder
SHRINK = 30  # requests that are spent on making one finding smaller, where nothing else is said
SECONDS = {"quick": 120.0, "standard": 600.0, "thorough": 3600.0}


@dataclass(frozen=True)
class Options:
    """Everything that a run can be told. Times are seconds; None means no limit of its own.
    `shrink` is the number of requests that may be spent on making one failing request smaller,
    `cache` the folder in which failing requests are kept, so that they are tried first next time.
    """

    url: str | None = None
    model: str | None = None
    embedding_model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    profile: Profile = Profile.OLLAMA
    intensity: str = "standard"
    concurrency: int = 4
    max_requests: int | None = None
    max_seconds: float | None = None
    max_generated_tokens: int | None = None
    only: tuple[str, ...] = ()
    out: Path | None = None
    seed: int = 0
    shrink: int = 0
    cache: Path | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long the run may take."""
        return self.max_seconds if self.max_seconds is not None else SECONDS[self.intensity]


def vendor_file(folder: Path) -> tuple[Mapping[str, bool], Mapping[str, str]]:
    """The capabilities and waivers of a `conformance.toml`; nothing where there is none."""
    path = folder / FILE
    if not path.is_file():
        return {}, {}
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{FILE} cannot be read: {error}") from None
    if unknown := tree.keys() - {"capabilities", "waiver"}:
        raise Misconfigured(f"{FILE}: unknown table {min(unknown)!r}", "see the README")
    return _capabilities(tree.get("capabilities", {})), _waivers(tree.get("waiver", []))


def _capabilities(tree: Any) -> Mapping[str, bool]:
    if not isinstance(tree, dict) or not all(isinstance(v, bool) for v in tree.values()):
        raise Misconfigured(f"{FILE}: [capabilities] maps names to true or false")
    return dict(tree)


def _waivers(rows: Any) -> Mapping[str, str]:
    wanted = {"requirement", "reason"}
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, dict) or row.keys() != wanted or not all(row.values()):
            raise Misconfigured(f"{FILE}: a [[waiver]] has a requirement and a reason")
    return {row["requirement"]: row["reason"] for row in rows}


def check_only(only: Iterable[str], everything: Catalogue) -> None:
    """Raise `Misconfigured` for a word of `--only` that names nothing, with the nearest ones."""
    surfaces = {surface for requirement in everything.values() for surface in requirement.on}
    prefixes = {requirement.partition(".")[0] for requirement in everything}
    pairs = {f"{s}::{r.id}" for r in everything.values() for s in r.on}
    known = surfaces | prefixes | everything.keys() | pairs
    for word in only:
        started = any(name.startswith(word.rstrip(".") + ".") for name in everything)
        if word not in known and not started:
            near = difflib.get_close_matches(word, known, 3)
            raise Misconfigured(
                f"--only {word} names no surface and no requirement",
                f"did you mean {', '.join(near)}?" if near else "see `conformance list`",
            )
