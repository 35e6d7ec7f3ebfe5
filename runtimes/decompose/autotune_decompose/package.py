"""Pieces as folders that autotune host runs: the program with stubs in place of what is in other pieces."""
import ast
import copy
import hashlib
import json
import pathlib
import re
import shutil
import sys

LONGEST = 64  # of a function's name, as Lambda has it


def names_of(plan):
    """Piece (None: the entry's) → name of its function: the file's, and after a dash what it is."""
    program = plan.program
    base = re.sub("[^A-Za-z0-9_-]", "-", program.stem)
    names, used = {None: base[:LONGEST]}, {base[:LONGEST]}
    for piece in plan.pieces:
        module, _, function = piece.rpartition(".")
        parts = [base] + ([piece] if plan.depth == "shallow" else ([] if module == program.stem else [module]) + [function])
        name = "-".join(parts)
        if len(name) > LONGEST or name in used or not name.isascii():
            name = re.sub("[^A-Za-z0-9_-]", "-", name)[:LONGEST - 9] + "-" + hashlib.sha256(piece.encode()).hexdigest()[:8]
        names[piece] = name
        used.add(name)
    return names


def _stub(function, name, target):
    call = f"return autotune_piece.call({target!r}, {name!r}, args, kwargs)"
    made = ast.parse(f"def {function}(*args, **kwargs):\n    {call}").body[0]
    return made


def _with_stubs(plan, module, piece, names):
    tree = copy.copy(module.tree)
    tree.body = list(module.tree.body)
    here = {n.rpartition(".")[2]: n for n in plan.moved if n.rpartition(".")[0] == module.name and plan.unit(n) != piece}
    stubs = False
    for at, node in enumerate(tree.body):
        name = here.get(getattr(node, "name", None))
        if name and isinstance(node, ast.FunctionDef):
            tree.body[at] = _stub(node.name, name, names[plan.unit(name)])
            stubs = True
    if stubs:
        at = 0
        for n, node in enumerate(tree.body):
            doc = n == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            if doc or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                at = n + 1
        tree.body.insert(at, ast.parse("import autotune_piece").body[0])
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _takes(function):
    wanted = [p.arg for p in function.args.posonlyargs + function.args.args]
    if wanted[:1] == ["event"]:
        return "event" if len(wanted) == 1 else "event, context"
    return "names"


def write(plan, folder, options, runtime_files):
    """The pieces' folders; (name, functions, calls) of each, the entry's first."""
    program, names = plan.program, names_of(plan)
    out = []
    for piece, name in names.items():
        target = pathlib.Path(folder) / name
        target.mkdir(parents=True)
        for module in program.modules.values():
            (target / f"{module.name}.py").write_text(_with_stubs(plan, module, piece, names))
        for carried in sorted(program.carried):
            shutil.copytree(program.root / carried, target / carried, ignore=shutil.ignore_patterns("__pycache__"))
        functions = [program.entry] if piece is None else plan.pieces[piece]
        config = {"entry": program.entry if piece is None else None,
                  "takes": _takes(program.node(program.entry)),
                  "own": {} if piece is None else {f: {"returned": sorted(getattr(program.node(f), "returned", ()))} for f in functions},
                  "modules": sorted(program.modules), "qualifier": options["qualifier"]}
        (target / "autotune_piece.json").write_text(json.dumps(config, indent=1) + "\n")
        for file in runtime_files:
            shutil.copyfile(file, target / ("autotune_again.py" if file.name == "again.py" else file.name))
        aliases = f"aliases: {{{options['qualifier']}: 1}}\n" if options["qualifier"] else ""
        (target / "function.yaml").write_text(  # what was read as one version's Python is written as that
            f"runtime: python{sys.version_info[0]}.{sys.version_info[1]}\nhandler: autotune_piece.handler\nmemory_mb: {options['memory']}\ntimeout: {options['timeout']}s\n{aliases}")
        calls = sorted({names[plan.unit(c)] for f in _within(plan, functions) for c in plan.edges(f) if c in plan.moved and plan.unit(c) != piece})
        out.append({"function": name, "of": functions, "calls": calls})
    return out


def _within(plan, functions):
    """What runs in a piece: its functions, and what they call that is no piece's."""
    seen, todo = [], list(functions)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.append(name)
            todo += [c for c in plan.edges(name) if c not in plan.moved or plan.unit(c) == plan.unit(functions[0])]
    return seen
