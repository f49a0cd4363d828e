"""`python -m grafana` writes dashboards, alert rules and provisioning files; with `--check` it only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana.generate import generated

HERE = Path(__file__).parent


def stale() -> list[str]:
    """Return the files that are not what would be generated, and those that would not be generated at all."""
    wanted = generated()
    there = {str(path.relative_to(HERE)) for path in HERE.glob("generated/*.json")}
    wrong = {name for name, text in wanted.items() if not _same(HERE / name, text)}
    return sorted(wrong | (there - wanted.keys()))


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main() -> None:
    """Write, or compare; exit code 1 when something is stale."""
    found = stale()
    if "--check" in sys.argv[1:]:
        sys.exit(f"stale, `make dashboards` renews them: {', '.join(found)}" if found else 0)
    wanted = generated()
    for name in found:
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    main()
