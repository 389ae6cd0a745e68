"""The command `conformance`."""

from __future__ import annotations

import argparse
import difflib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from conformance.config import CACHE, SHRINK, Options, check_only, vendor_file
from conformance.errors import ConformanceError, Misconfigured
from conformance.requirement import Profile, catalogue
from conformance.signals import stopping
from conformance.verdict import Exit

INTENSITIES = ("quick", "standard", "thorough")  # as in the plan, which is slow to import
FORMATS = ("text", "json", "markdown")


class Parser(argparse.ArgumentParser):
    """An argument parser that guesses what a misspelt option was meant to be."""

    def error(self, message: str) -> NoReturn:
        """Leave with code 2 and a hint."""
        words = message.removeprefix("unrecognized arguments: ").split()
        known = [name for parser in _parsers(self) for name in parser._option_string_actions]
        wrong = [word.partition("=")[0] for word in words if word.startswith("--")]
        near = [n for w in wrong for n in difflib.get_close_matches(w, known, 1) if n != w]
        hint = f"\n  hint: did you mean {', '.join(near)}?" if near else ""
        self.print_usage(sys.stderr)
        self.exit(Exit.TESTER, f"{self.prog}: {message}{hint}\n")


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def parser() -> Parser:
    """The whole command line."""
    main = Parser(
        prog="conformance", description="Tests servers that say they are OpenAI-compatible."
    )
    commands = main.add_subparsers(metavar="command", required=True)
    _add_run(commands.add_parser("run", help="test a server and write a report"))
    listing = commands.add_parser("list", help="list the requirements")
    listing.add_argument("--only", action="append", default=[], metavar="WORD")
    listing.add_argument("--format", choices=FORMATS, default="text")
    listing.add_argument("--bugs", action="store_true", help="bugs of the field in their place")
    listing.set_defaults(main=_list)
    explain = commands.add_parser("explain", help="explain one requirement")
    explain.add_argument("id")
    explain.add_argument("--format", choices=FORMATS, default="text")
    explain.set_defaults(main=_explain)
    judge = commands.add_parser("judge", help="judge a recorded run again")
    judge.add_argument("ledger", type=Path, metavar="run.jsonl")
    judge.add_argument("--profile", type=Profile, choices=list(Profile), help="another profile")
    judge.add_argument("--out", type=Path, help="write the reports there")
    judge.set_defaults(main=_judge)
    _add_prove(commands.add_parser("prove", help="prove the suite: every check by every fault"))
    return main


def _add_prove(prove: argparse.ArgumentParser) -> None:
    prove.add_argument("--out", type=Path, help="write the matrix there")
    prove.add_argument("--live", action="store_true", help="every fault on the wire too")
    prove.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="prefixes of the ids of faults, or of requirements; may be repeated",
    )
    prove.add_argument(
        "--sabotage",
        type=_count,
        default=0,
        metavar="N",
        help="replace N checks by blind ones, and by ones that always fire: the proof must see it",
    )
    prove.add_argument(
        "--hunt",
        type=_count,
        default=0,
        metavar="N",
        help="make N random mutants of replies: all but harmless ones have to be noticed",
    )
    prove.add_argument("--seed", type=int, default=0, help="of sabotage and hunt (default 0)")
    prove.add_argument(
        "--processes", type=_count, metavar="N", help="that share the work (default: two a core)"
    )
    prove.set_defaults(main=_prove)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("url", nargs="?", help="base URL; without it the embedded reference server")
    run.add_argument("--model", help="default: the first that GET /models lists")
    run.add_argument("--embedding-model", help="default: the model")
    run.add_argument("--api-key", help="default: OPENAI_API_KEY")
    run.add_argument("--profile", type=Profile, choices=list(Profile), default=Profile.OLLAMA)
    run.add_argument("--intensity", choices=INTENSITIES, default="standard")
    run.add_argument("--concurrency", type=_count, default=4, metavar="N")
    run.add_argument("--max-requests", type=_count, metavar="N")
    run.add_argument("--max-seconds", type=_seconds, metavar="S")
    run.add_argument("--max-generated-tokens", type=_count, metavar="N")
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="surfaces, requirement ids, prefixes of ids; may be repeated",
    )
    run.add_argument("--out", type=Path, help="default: reports/<time>-<host>")
    run.add_argument("--seed", type=int, default=0, help="of the generated requests (default 0)")
    run.add_argument(
        "--shrink",
        type=_none_or_more,
        default=SHRINK,
        metavar="N",
        help=f"requests to make one that fails smaller (default {SHRINK}; 0: as it was sent)",
    )
    run.add_argument(
        "--no-cache",
        action="store_const",
        const=None,
        default=CACHE,
        dest="cache",
        help="do not keep requests that fail, nor try first what failed before",
    )
    run.set_defaults(main=_run)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _none_or_more(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number above 0")
    return value


def options(arguments: argparse.Namespace, environment: Any = os.environ) -> Options:
    """The options of a run, with the key from the environment and the vendor's file."""
    capabilities, waivers = vendor_file(Path.cwd())
    only = tuple(word for words in arguments.only for word in words.split(","))
    check_only(only, catalogue())
    return Options(
        url=arguments.url,
        model=arguments.model,
        embedding_model=arguments.embedding_model,
        api_key=arguments.api_key or environment.get("OPENAI_API_KEY"),
        profile=arguments.profile,
        intensity=arguments.intensity,
        concurrency=arguments.concurrency,
        max_requests=arguments.max_requests,
        max_seconds=arguments.max_seconds,
        max_generated_tokens=arguments.max_generated_tokens,
        only=only,
        out=arguments.out,
        seed=arguments.seed,
        shrink=arguments.shrink,
        cache=arguments.cache,
        capabilities=capabilities,
        waivers=waivers,
    )


def _run(arguments: argparse.Namespace) -> int:
    chosen = options(arguments)
    from conformance import target  # noqa: PLC0415  heavy modules only for the commands that run

    if chosen.url is not None:
        return _run_against(chosen.url, chosen)
    with target.embedded() as url:
        return _run_against(url, chosen)


def _run_against(url: str, chosen: Options) -> int:
    from conformance import again, ledger, report  # noqa: PLC0415
    from conformance.console import Console  # noqa: PLC0415
    from conformance.run import Run, default_out  # noqa: PLC0415
    from conformance.target import bases  # noqa: PLC0415
    from conformance.text import summary  # noqa: PLC0415

    out = chosen.out or default_out(bases(url)[0])
    console = Console(chosen.profile)
    run = Run(url, chosen, out, console)
    gc.freeze()  # what stands for the whole run need not be looked through for garbage
    with stopping(run.stop) as signals:
        result = run.execute()
    for line in summary(result.judgement):
        console.say(line)
    recording = ledger.read(result.ledger)
    if chosen.cache is not None and chosen.url is not None:
        again.keep(chosen.cache, result.judgement, recording, run.contract)
    report.write(out, result.judgement, recording)
    console.say(f"report: {out / 'report.html'}")
    if signals:
        return 128 + signals[0]
    return int(result.judgement.exit(chosen.profile))


def _list(arguments: argparse.Namespace) -> int:
    if arguments.bugs:
        from conformance.bugs import table  # noqa: PLC0415

        _print(table(arguments.format))
        return 0
    from conformance.standard import listing  # noqa: PLC0415

    check_only(arguments.only, catalogue())
    if arguments.format == "markdown" and not arguments.only:
        from conformance.printed import document  # noqa: PLC0415

        _print(document())
    else:
        _print(listing(tuple(arguments.only), arguments.format))
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from conformance.standard import explanation  # noqa: PLC0415

    found = catalogue().get(arguments.id)
    if found is None:
        near = difflib.get_close_matches(arguments.id, catalogue(), 3)
        hint = f"did you mean {', '.join(near)}?" if near else "see `conformance list`"
        raise Misconfigured(f"there is no requirement {arguments.id}", hint)
    _print(explanation(found, arguments.format))
    return 0


def _judge(arguments: argparse.Namespace) -> int:
    from conformance import ledger, report  # noqa: PLC0415
    from conformance.judge import judge  # noqa: PLC0415
    from conformance.text import summary  # noqa: PLC0415

    recording = ledger.read(arguments.ledger)
    if arguments.profile:
        recording = replace(
            recording, head=replace(recording.head, profile=arguments.profile.value)
        )
    judgement = judge(recording)
    _print("\n".join(summary(judgement)))
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        report.write(arguments.out, judgement, recording)
    return int(judgement.exit(Profile(recording.head.profile)))


def _prove(arguments: argparse.Namespace) -> int:
    from conformance.crew import processors  # noqa: PLC0415
    from conformance.proving import Wanted, main  # noqa: PLC0415

    return main(
        Wanted(
            only=tuple(arguments.only),
            live=arguments.live,
            sabotage=arguments.sabotage,
            hunt=arguments.hunt,
            seed=arguments.seed,
            out=arguments.out,
            processes=arguments.processes or processors(),
        )
    )


def _print(text: str) -> None:
    with nullcontext(sys.stdout) as stream:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.main(arguments))
    except ConformanceError as error:
        sys.stderr.write(f"conformance: {error}\n")
        return Exit.TESTER
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
