#!/usr/bin/env python3
"""Fails on an include that the house's plan does not allow.

The table below is the one of docs/architecture.md: which folder may include which. Third-party headers
that are heavy or belong to one room stay out of headers that other rooms include.

Usage: scripts/check_includes.py [REPOSITORY]
"""
import pathlib
import re
import sys

ANY = None
MAY_INCLUDE = {
    "core": set(),
    "os": {"core"},
    "net": {"core"},
    "bpf": set(),
    "runtimes": set(),
    "agent": {"core", "os", "bpf", "runtimes"},
    "analyzer": {"core"},
    "rules": {"core"},
    "knowledge": {"core", "os"},
    "providers": {"core", "net"},
    "host": {"core", "os", "net"},
    "exporters": {"core", "net"},
    "fleet": {"core", "net"},
    "cli": ANY,
    "tests": ANY,
    "bench": ANY,
}
# Kept behind a .cpp: a header that includes one of these makes everybody pay for it.
BEHIND_CPP = re.compile(r"^(boost/|bpf/|libbpf|yaml-cpp/|sqlite3|prometheus/|curl/|nlohmann/|zip\.h|gelf\.h|elfutils/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def problems(root: pathlib.Path):
    for folder, allowed in MAY_INCLUDE.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".cpp", ".hpp", ".h", ".c"}:
                continue
            where = path.relative_to(root)
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                quoted, angled = found.groups()
                target = (quoted or angled).split("/")[0]
                if quoted and "/" in quoted and target in MAY_INCLUDE and target != folder:
                    # bpf/logic and the wire format also compile for the host.
                    if allowed is not ANY and target not in allowed:
                        yield f"{where}:{number}: {folder}/ may not include {target}/ ({quoted})"
                shared_header = path.suffix == ".hpp" and folder not in {"tests", "bench"}
                if shared_header and angled and BEHIND_CPP.match(angled):
                    yield f"{where}:{number}: <{angled}> belongs behind a .cpp, not in a header"


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found = list(problems(root))
    print("\n".join(found) if found else "includes follow the plan")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
