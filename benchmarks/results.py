"""What benchmarks give: results, kept as JSON, and all of them together as JSON and as a Markdown table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["Result", "result", "run", "save", "table"]

Result = dict[str, Any]
"""``name``, ``value``, ``unit``, ``better`` (higher or lower), ``target``, ``met`` (None without one), ``command``."""


def result(
    name: str,
    value: float,
    unit: str,
    *,
    better: Literal["higher", "lower"],
    command: str,
    target: float | None = None,
) -> Result:
    """One figure; a target is met by a value that is as good or better."""
    met = None if target is None else value >= target if better == "higher" else value <= target
    figures = {"name": name, "value": round(value, 4), "unit": unit, "better": better, "target": target}
    return {**figures, "met": met, "command": command}


def save(results: Sequence[Result], out: Path) -> None:
    """Write results as a JSON list."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(list(results), indent=2) + "\n")


def run(
    measure: Callable[..., Sequence[Result]],
    description: str | None,
    *,
    choices: Mapping[str, Collection[str]] = MappingProxyType({}),
    **defaults: Any,
) -> None:
    """The command line of a benchmark: what ``measure`` returns is written to ``--out``.

    Each of ``defaults`` is a parameter of ``measure`` and an option: a number, one of ``choices``, or a list of them.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True)
    for name, default in defaults.items():
        several = isinstance(default, list)
        kind = type(default[0] if several else default)
        options = {"type": kind, "default": default, "choices": choices.get(name), "nargs": "+" if several else None}
        parser.add_argument(f"--{name}", **options)
    arguments = vars(parser.parse_args())
    out: Path = arguments.pop("out")
    save(measure(**arguments), out)


def table(results: Sequence[Result]) -> str:
    """Results as Markdown."""
    lines = ["| name | value | unit | better | target | met |", "|---|---|---|---|---|---|"]
    for each in results:
        target = "" if each["target"] is None else f"{each['target']:g}"
        met = {None: "", True: "yes", False: "no"}[each["met"]]
        lines.append(f"| {each['name']} | {each['value']:g} | {each['unit']} | {each['better']} | {target} | {met} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Put the results of all files of a folder into its ``results.json`` and ``results.md``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    results = [each for path in sorted(folder.glob("bench_*.json")) for each in json.loads(path.read_text())]
    save(results, folder / "results.json")
    (folder / "results.md").write_text(table(results))
    print(table(results), end="")


if __name__ == "__main__":
    main()
