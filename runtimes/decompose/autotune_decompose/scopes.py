"""What statements bind, and where a name is whose: functions, their arguments and the functions within them."""
import ast

DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = DEFS + (ast.Lambda,)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def own(node):
    """Nodes below `node` that run when it runs: not those of functions that it only defines."""
    todo = [node]
    while todo:
        at = todo.pop()
        yield at
        for child in ast.iter_child_nodes(at):
            if not (isinstance(child, SCOPES) and child is not node):
                todo.append(child)


def imported(node):
    """(name, (module, name in it or None)) of what an import statement binds; "*" for all that is in a module."""
    if isinstance(node, ast.Import):
        return [(a.asname or a.name.partition(".")[0], (a.name if a.asname else a.name.partition(".")[0], None)) for a in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(a.asname or a.name, (node.module, a.name)) for a in node.names]
    return []


class Names(set):
    """Names that a function or functions within it bind."""

    def __init__(self, names=()):
        super().__init__(names)
        self.stands = {}      # name → those that it may be: (module, name in it); None: something else
        self.outside = set()  # ids of the nodes that have such a name and are not of it: they are the module's


def _binds(at):
    """Names that a node itself binds, where it stands."""
    if isinstance(at, ast.arg):
        return [at.arg]
    if isinstance(at, ast.Name):
        return [] if isinstance(at.ctx, ast.Load) else [at.id]
    if isinstance(at, DEFS + (ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return [at.name] if at.name else []
    return [at.rest] if isinstance(at, ast.MatchMapping) and at.rest else []


def bound_in(function):
    """Names that are the function's own, its arguments among them; those of functions within it too."""
    names, otherwise, outer = Names(), set(), set()
    for node in ast.walk(function):
        for name, what in imported(node):
            names.stands.setdefault(name, set()).add(what)
        otherwise.update(_binds(node) if node is not function else ())
        if isinstance(node, ast.Global):
            outer.update(node.names)
    names.update((otherwise | set(names.stands)) - outer)
    names.stands = {n: s | ({None} if n in otherwise else set()) for n, s in names.stands.items() if n in names}
    names.outside = outside(function)
    return names


def outside(node):
    """ids of the names below a node that no function, lambda or comprehension within it binds."""
    return set(_outside(node, frozenset()))


def _outside(node, bound):
    if isinstance(node, ast.Name):
        return [] if node.id in bound else [id(node)]
    first, within = [], bound
    if isinstance(node, SCOPES):  # defaults, decorators and annotations are of where it stands
        a = node.args
        first = [*a.defaults, *a.kw_defaults, *getattr(node, "decorator_list", ()), *(n.annotation for n in ast.walk(a) if isinstance(n, ast.arg)),
                 getattr(node, "returns", None)]
        names, outer = _own_names(node)
        within = (bound | names) - outer
    elif isinstance(node, COMPREHENSIONS):
        first = [node.generators[0].iter]
        within = bound | {n for g in node.generators for at in ast.walk(g.target) for n in _binds(at)}
    found = [n for part in first if part is not None for n in _outside(part, bound)]
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension) and child.iter in first:
            found += [n for part in (child.target, *child.ifs) for n in _outside(part, within)]
        elif child not in first and not isinstance(child, ast.arguments):
            found += _outside(child, within)
    return found


def _own_names(function):
    """Names that a function binds itself, and not one within it; those that it declares global."""
    names, outer, todo = {n for at in ast.walk(function.args) if isinstance(at, ast.arg) for n in _binds(at)}, set(), [function]
    while todo:
        node = todo.pop()
        for at in ast.iter_child_nodes(node):
            names.update(_binds(at), (n for n, _ in imported(at)))
            if isinstance(at, ast.Global):
                outer.update(at.names)
            if isinstance(at, COMPREHENSIONS):  # their targets are their own; what := binds is not
                names.update(n.target.id for n in ast.walk(at) if isinstance(n, ast.NamedExpr))
            elif not isinstance(at, SCOPES + (ast.ClassDef, ast.arguments)):
                todo.append(at)
    return names, outer


def parameters(function):
    a = function.args
    return [p.arg for p in a.posonlyargs + a.args] + [p.arg for p in a.kwonlyargs]
