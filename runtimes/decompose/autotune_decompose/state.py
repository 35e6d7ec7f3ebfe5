"""What variables of modules hold: each other, functions, and objects whose methods may change them without looking like a change."""
import ast

from scopes import DEFS, SCOPES, own
from values import CHANGE, COPY, OBJECTS, Looked, puts

READ = {m for t in (str, bytes, int, float, complex, list, tuple, dict, set, frozenset) for m in dir(t)} - CHANGE
PLAIN = ("int", "float", "str", "bytes", "bool", "complex", "len", "sum", "abs", "round", "range", "divmod", "pow", "hash", "repr", "format",
         "any", "all", "type", "object")
PLAIN_PREFIXES = ("re.compile", "os.path.", "os.environ", "os.getenv", "math.", "json.load", "pathlib.", "collections.namedtuple", "typing.",
                  "struct.", "operator.", "decimal.Decimal", "fractions.", "logging.", "boto3.", "botocore.", "zoneinfo.")
ITERATORS = ("itertools.", "csv.reader", "csv.DictReader", "os.scandir", "re.finditer",
             "collections.defaultdict")  # which makes what it is asked for
HARMLESS = {"object", "enum.Enum", "enum.IntEnum", "enum.Flag", "abc.ABC", "typing.NamedTuple", "typing.Protocol", "Exception", "ValueError"}
MAKES = {"__init__", "__new__", "__post_init__"}  # run when nobody else has the object
MOVES, UNKNOWN = "changes by being used", "is changed while the program runs"


class State:
    """`moves`: variables that change by being used; `unknown`: those of whose methods nothing is known; `same`: pairs of variables
    of which one holds the other; `functions`: variable → functions and classes of the program that it holds."""

    def __init__(self, program):
        self.program = program
        self.moves, self.unknown, self.same, self.functions = set(), set(), set(), {}
        self.looked = set()  # ids of expressions of which it is known which variable holds them
        for module in program.modules.values():
            for name, statements in module.bound.items():
                for value in [v for s in statements for v in _bound_to(s, name)]:
                    self._put(module, (module.name, name), value)
            for name, value in [put[:2] for s in module.tree.body for at in own(s) for put in puts(at) if not isinstance(s, DEFS)]:
                for variable in program.variables(module, ast.Name(name, ast.Load())):
                    self._put(module, variable, value)

    def _put(self, module, variable, value):
        self._holds(module, variable, value)
        for at, modules in self.program.whole(module, value):
            functions, variables = self.program.within(modules)
            self.functions.setdefault(variable, set()).update(functions)
            self.same.update((variable, other) for other in variables)
            self.looked.add(id(at))

    def _holds(self, module, variable, node):
        program = self.program
        self.looked.add(id(node))
        functions, others = [n for n in program.candidates(module, node) if n], program.variables(module, node)
        if functions or others:
            self.functions.setdefault(variable, set()).update(functions)
            self.same.update((variable, other) for other in others)
        elif isinstance(node, ast.Attribute):  # a bound method, it may be
            if not program.dotted(module, node):
                self.unknown.add(variable)
                self._holds(module, variable, node.value)
        elif isinstance(node, ast.GeneratorExp):
            self.moves.add(variable)
        elif isinstance(node, ast.Call):
            self._holds_result(module, variable, node)
        else:
            if isinstance(node, ast.Lambda) and any(isinstance(n, ast.Call) and (getattr(n.func, "attr", "") in CHANGE or getattr(n.func, "id", "") == "next")
                                                    for n in ast.walk(node)):
                self.moves.add(variable)
            for child in ast.iter_child_nodes(node):
                self._holds(module, variable, child)

    def _holds_result(self, module, variable, node):
        program, dotted = self.program, self.program.dotted(module, node.func)
        named = program.called(module, node)
        if dotted in PLAIN or dotted.startswith(PLAIN_PREFIXES):
            return
        if named and not program.is_function(named):
            if changes_itself(program, named):
                self.moves.add(variable)
            self.functions.setdefault(variable, set()).add(named)
        elif named:
            self.unknown.add(variable)
            if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own(program.node(named))):
                self.moves.add(variable)
        elif (OBJECTS.get(dotted) in ("an iterator", "an open file")) or dotted.startswith(ITERATORS):
            self.moves.add(variable)
        elif dotted not in COPY and not (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant)):
            self.unknown.add(variable)
        self.looked.add(id(node.func))
        for part in [*node.args, *(k.value for k in node.keywords)] + ([] if dotted or named else [node.func]):
            self._holds(module, variable, part)

    def changes(self, found, call):
        """Variables that a call may change though it does not look like it."""
        func = call.func
        if isinstance(func, ast.Attribute) and not self.program.named(found.module, func, found.hidden) and func.attr not in READ | CHANGE:
            held = func.value
        elif not isinstance(func, ast.Attribute):
            held = func
        else:
            return set()
        roots = {r[1:] for r, _ in found.roots(held, found.names) | found.roots(func, found.names) if r[0] == "variable"}
        return roots & self.unknown

    def spread(self, variables):
        """Of variables that hold each other all are changed when one is."""
        more = True
        while more:
            more = False
            for one, other in self.same:
                for a, b in ((one, other), (other, one)):
                    if a in variables and b not in variables:
                        variables[b] = variables[a]
                        more = True


def _bound_to(statement, name):
    """Expressions that `name` is bound to, or to a part of, at the top of a module."""
    for at in own(statement):
        if isinstance(at, ast.Assign):
            targets, value = at.targets, at.value
        elif isinstance(at, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            targets, value = [at.target], at.value
        elif isinstance(at, (ast.For, ast.comprehension)):
            targets, value = [at.target], at.iter
        elif isinstance(at, ast.withitem):
            targets, value = [at.optional_vars] if at.optional_vars is not None else [], at.context_expr
        else:
            continue
        if value is not None and any(isinstance(n, ast.Name) and n.id == name for t in targets for n in ast.walk(t)):
            yield value


def changes_itself(program, name, seen=()):
    """Whether a method of the class, or of one that it is derived from, changes the object, or may."""
    module, short = program.split(name)
    node = module.classes[short]
    methods = {m.name: m for m in node.body if isinstance(m, DEFS)}
    for base in node.bases:
        of = program.named(module, base)
        if name in seen or (of in (None, name) and program.dotted(module, base) not in HARMLESS) or (of and changes_itself(program, of, (*seen, name))):
            return True
    for method in methods.values():
        first = (method.args.posonlyargs + method.args.args)[:1]
        if method.name in MAKES or not first:
            continue
        itself = first[0].arg
        found = Looked(program, name, method)
        if ("argument", itself) in found.changed or any(isinstance(n, SCOPES) and n is not method for n in ast.walk(method)):
            return True
        for call in (n for n in ast.walk(method) if isinstance(n, ast.Call)):
            held = call.func.value if isinstance(call.func, ast.Attribute) else None
            own_method = isinstance(held, ast.Name) and call.func.attr in methods
            if held is not None and not own_method and call.func.attr not in READ and ("argument", itself) in {r for r, _ in found.roots(held, found.names)}:
                return True
            if any(isinstance(a, ast.Name) and a.id == itself for a in call.args):
                return True
    return False
