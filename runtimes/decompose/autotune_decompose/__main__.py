"""Takes a program apart: autotune decompose runs this. Exit status as of autotune: 0 done, 1 failed, 2 usage or the program, 3 some
functions stay where they are."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
if sys.version_info < (3, 10):
    sys.exit("autotune decompose: Python 3.10 or newer is needed to read programs, this is " + sys.version.split()[0])

from blocks import Blocks  # noqa: E402
from package import write  # noqa: E402
from plan import Plan  # noqa: E402
from program import Program, Trouble  # noqa: E402


def options():
    parser = argparse.ArgumentParser(prog="autotune decompose")
    parser.add_argument("program")
    parser.add_argument("--entry", default="main")
    parser.add_argument("--depth", choices=("shallow", "medium", "deep"), default="medium")
    parser.add_argument("--package", required=True)
    parser.add_argument("--memory", type=int, default=256)
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("--qualifier", default="live")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def taken_apart(given):
    """(plan, refused loops)"""
    program = Program(given.program, given.entry)
    plan = Plan(program, given.depth)
    entry = plan.looked[program.entry]
    if entry.stays and not entry.stays[2].endswith("sandbox"):
        raise Trouble(entry.module.path, entry.node, f"{given.entry} {entry.stays[2]}: it cannot be the entry")
    if given.depth != "deep":
        return plan, [], {}
    blocks = Blocks(program, plan.looked)
    return Plan(program, "deep"), blocks.refused, blocks.lines


def report(given, plan, pieces, refused, lines):
    shown = {name: f"{name} (lines {first} to {last})" for name, (first, last) in lines.items()}
    if given.json:
        stays = [{"file": str(p), "line": l, "column": c, "reason": w} for p, l, c, w in refused]
        return json.dumps({"depth": given.depth, "entry": pieces[0]["function"], "functions": pieces, "stays": stays})
    text = []
    for piece in pieces:
        of = ", ".join(shown.get(n, n) for n in piece["of"])
        text.append(f"{piece['function']:<24} {of}" + (f"  → {', '.join(piece['calls'])}" if piece["calls"] else ""))
    return "\n".join(text)


def main():
    given = options()
    target = pathlib.Path(given.package)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        print(f"autotune decompose: {target} is there and is not empty; say another --package", file=sys.stderr)
        return 2
    try:
        plan, refused, lines = taken_apart(given)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"autotune decompose: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except RecursionError:
        print(f"{given.program}:1:1: its statements are nested too deeply to be looked at", file=sys.stderr)
        return 2
    refused = sorted(refused + list(plan.refused.values()), key=lambda r: (str(r[0]), *r[1:]))
    here = pathlib.Path(__file__).resolve().parent.parent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".autotune-") as made:  # all or nothing
            pieces = write(plan, pathlib.Path(made) / "all", vars(given), [here / "autotune_piece.py", here / "again.py"])
            if target.exists():
                target.rmdir()
            shutil.move(pathlib.Path(made) / "all", target)
    except OSError as error:
        print(f"autotune decompose: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(report(given, plan, pieces, refused, lines))
    for path, line, column, what in refused:
        print(f"{path}:{line}:{column}: {what}", file=sys.stderr)
    return 3 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
