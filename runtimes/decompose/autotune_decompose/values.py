"""What a function does to its arguments and to what is outside of it, and what it hands over: by its text, never by running it.

Names are followed to what they may stand for: an argument, a variable of the module, the result of a call. A name that was
made by copying may be changed itself, but not what is in it: of how many levels that is so is a number from 0 to 3.
"""
import ast

from scopes import DEFS, Names, bound_in, outside, own, parameters

CHANGE = {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add",
          "discard", "difference_update", "intersection_update", "symmetric_difference_update", "appendleft", "extendleft",
          "popleft", "rotate", "write", "writelines", "truncate", "seek", "__setitem__", "__delitem__", "__setattr__"}
PUT = {"append", "add", "insert", "extend", "update", "setdefault", "appendleft", "extendleft", "__setitem__"}
CHANGE_FIRST = {"heapq.heappush", "heapq.heappop", "heapq.heapify", "heapq.heapreplace", "heapq.heappushpop", "random.shuffle",
                "bisect.insort", "bisect.insort_left", "bisect.insort_right", "setattr", "delattr", "operator.setitem",
                "operator.delitem"}
PASS_ON = {"get", "pop", "items", "values", "popleft", "setdefault", "popitem", "__getitem__"}  # what is in an object
COPY = {"list", "sorted", "tuple", "set", "frozenset", "dict", "enumerate", "zip", "reversed", "iter", "filter", "copy.copy",
        "itertools.chain", "itertools.islice"}
PART = {"next", "max", "min", "getattr", "random.choice"}
PROCESS = {"input": "reads from standard input", "os.chdir": "changes the folder of the process", "os.putenv": "changes the process",
           "os.umask": "changes the process", "signal.signal": "changes the process", "sys.setrecursionlimit": "changes the process",
           "globals": "looks at the variables of the module", "vars": "looks at its own variables", "exec": "runs text",
           "decimal.getcontext": "uses the arithmetic context of the process", "decimal.setcontext": "changes the process",
           "decimal.localcontext": "uses the arithmetic context of the process", "locale.setlocale": "uses the locale of the process",
           "eval": "runs text", "sys._getframe": "looks at its callers", "inspect.stack": "looks at its callers"}
SHARED = (  # what sets a thing of the process, what depends on it
    ({"random.seed"}, ("random.",), "draws from the random numbers that the program has seeded"),
    ({"decimal.getcontext", "decimal.setcontext", "decimal.localcontext"}, ("decimal.",), "uses the arithmetic context that the program changes"),
    ({"locale.setlocale"}, ("locale.",), "uses the locale that the program changes"),
    ({"os.environ", "os.putenv"}, ("os.environ", "os.getenv", "subprocess."), "uses the environment that the program changes"),
    ({"os.chdir"}, ("open", "os.", "pathlib.", "subprocess.", "glob.", "shutil."), "uses the folder that the program changes"))
NOT_SAME = ("time.", "random.", "uuid.", "secrets.", "datetime.", "os.getpid", "os.urandom", "socket.", "threading.", "queue.")
OBJECTS = {"open": "an open file", "object": "an object", "iter": "an iterator", "map": "an iterator", "filter": "an iterator",
           "zip": "an iterator", "enumerate": "an iterator", "reversed": "an iterator", "re.compile": "a compiled expression"}
OBJECT_PREFIXES = ("threading.", "socket.socket", "sqlite3.connect", "subprocess.Popen", "queue.", "collections.deque",
                   "collections.defaultdict", "collections.OrderedDict", "collections.Counter", "decimal.Decimal",
                   "datetime.", "pathlib.", "boto3.", "io.")
DECORATORS = {"functools.lru_cache", "functools.cache"}


def place(node, what):
    return (getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, what)


def _part(roots):
    return {(root, max(copied - 1, 0)) for root, copied in roots}


def _within(roots, levels=1):
    return {(root, min(copied + levels, 3)) for root, copied in roots}


def puts(node):
    """(name, expression, levels, whether each part of it is meant): what is put so deep into what a name stands for."""
    levels, each = 0, isinstance(node, ast.AugAssign)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PUT:
        holders, values, levels = [node.func.value], [*node.args, *(k.value for k in node.keywords)], 1
        each = node.func.attr in ("extend", "update", "extendleft")
    elif isinstance(node, ast.Assign):
        holders, values = [t for t in node.targets if not isinstance(t, ast.Name)], [node.value]
    elif isinstance(node, ast.AugAssign):
        holders, values, levels = [node.target], [node.value], 1
    else:
        return
    for holder in holders:
        deep = levels
        while isinstance(holder, (ast.Attribute, ast.Subscript, ast.Call)):
            deep += not isinstance(holder, ast.Call)  # d.setdefault(k, []).append(x), as d[k].append(x)
            holder = holder.func if isinstance(holder, ast.Call) else holder.value
        if isinstance(holder, ast.Name):
            yield from ((holder.id, value, deep, each) for value in values)


class Looked:
    """What is known of one function, or of all methods of a class."""

    def __init__(self, program, name, node=None):
        self.program, self.name = program, name
        self.module, short = program.split(name)
        self.node = node or program.node(name)
        self.is_class = isinstance(self.node, ast.ClassDef)
        self.hidden = bound_in(self.node)
        if self.is_class:  # its methods' names are not visible in them
            self.hidden = Names()
            for method in ast.walk(self.node):
                if isinstance(method, DEFS):
                    bound = bound_in(method)
                    for one in bound:  # of a name that only one of them imports nothing is known in the others
                        self.hidden.stands.setdefault(one, set()).update(bound.stands.get(one, {None}))
                    self.hidden |= bound
            self.hidden.outside = outside(self.node)
        self.calls, self.uses = [], []      # (name, node): of the program; called, or named otherwise
        self.passed = []                    # (callee, parameter or None, roots, node, roots of what is in it)
        self.changed = {}                   # root → place
        self.sets = set()                   # of the process, as SHARED has them
        self.kept = None                    # place: it must stay with the entry
        self.stays = None                   # place: it must stay with its callers
        self.objects = []                   # (callee, place): hands over what is no value
        self.returns, self.inside = set(), set()  # roots of what it returns, and of what is in that
        self._aliases()
        self._roots()
        self._look()

    # Roots: ("argument", name) | ("variable", module, name) | ("result", function) | ("inside", function): what is in its result; each
    # with whether it was copied.
    def roots(self, node, names):
        if isinstance(node, ast.Name):
            if node.id in names and id(node) not in self.hidden.outside:
                return names[node.id]
            return self._variables(node)
        elif isinstance(node, ast.Attribute) and self._modules(node.value):
            return self._variables(node)
        elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            return _part(self.roots(node.value, names))
        elif isinstance(node, (ast.IfExp,)):
            return self.roots(node.body, names) | self.roots(node.orelse, names)
        elif isinstance(node, ast.BoolOp):
            return set().union(*(self.roots(v, names) for v in node.values))
        elif isinstance(node, ast.NamedExpr):
            return self.roots(node.value, names)
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return _within(set().union(*(self.roots(e, names) for e in node.elts)))
        elif isinstance(node, ast.Dict):
            return _within(set().union(*(self.roots(e, names) for e in node.values)))
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return _within(self.roots(node.elt, names))
        elif isinstance(node, ast.DictComp):
            return _within(self.roots(node.value, names))
        elif isinstance(node, ast.Call):
            return self._of_call(node, names)
        return set()

    def _modules(self, node):
        """The modules of the program that an expression may name."""
        return [m for m, name in filter(None, self.program.meanings(self.module, node, self.hidden)) if name is None and m in self.program.modules]

    def _variables(self, node):
        return {(("variable", *of), 0) for of in self.program.variables(self.module, node, self.hidden)}

    def _aliases(self):
        """Names of its own that are another name of a function: h = g, once, and nothing else binds h."""
        self.followed = set()  # expressions of functions that are known by their other name too
        if self.is_class:
            return
        binds = [n.id for n in ast.walk(self.node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
        taken = {n.arg for n in ast.walk(self.node) if isinstance(n, ast.arg)} | {n.name for n in ast.walk(self.node) if isinstance(n, DEFS + (ast.ClassDef,))}
        taken |= {n for g in ast.walk(self.node) if isinstance(g, (ast.Global, ast.Nonlocal)) for n in g.names} | set(self.hidden.stands)
        plain = [(a.targets[0].id, a.value) for a in ast.walk(self.node)
                 if isinstance(a, ast.Assign) and len(a.targets) == 1 and isinstance(a.targets[0], ast.Name)]
        for _ in plain:  # one may be the name of another
            for name, value in plain:
                of = self.program.named(self.module, value, self.hidden)
                if of and self.program.is_function(of) and binds.count(name) == 1 and name not in taken:
                    self.hidden.stands[name] = {tuple(of.split("."))}
                    self.followed.add(id(value))

    def _look_at_names(self):
        """Functions whose name may stand for something else as well, so that what is called by it is not known."""
        p = self.program
        pairs = []
        for at in ast.walk(self.node):
            if isinstance(at, (ast.Name, ast.Attribute)) and isinstance(at.ctx, ast.Load):
                several = p.candidates(self.module, at, self.hidden)
                for name in (s for s in several if s and len(several) > 1):
                    self.uses.append((name, at))
                    self.objects.append((name, place(at, f"is named {ast.unparse(at)} here, which may be something else as well")))
            elif isinstance(at, ast.Assign):
                pairs += [(t, at.value) for t in at.targets]
            elif isinstance(at, (ast.AnnAssign, ast.NamedExpr)) and at.value is not None:
                pairs.append((at.target, at.value))
            elif isinstance(at, (ast.For, ast.AsyncFor, ast.comprehension)):
                pairs.append((at.target, at.iter))
        called = {n.func.id for n in ast.walk(self.node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        calls = {id(n.func) for n in ast.walk(self.node) if isinstance(n, ast.Call)}
        for target, value in pairs:
            names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} & called
            for name in sorted(n for n in names if n not in self.hidden.stands):
                for at in (n for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute)) and id(n) not in calls):
                    of = p.named(self.module, at, self.hidden)
                    if of and p.is_function(of):
                        self.objects.append((of, place(at, f"gets the name {name} here, which may be something else as well")))

    def _of_call(self, node, names):
        callee = self.program.called(self.module, node, self.hidden)
        if callee and self.program.is_function(callee):
            return {(("result", callee), 0), (("inside", callee), 1)}
        dotted = self.program.dotted(self.module, node.func, self.hidden)
        inner = set().union(*(self.roots(a, names) for a in node.args)) if node.args else set()
        if dotted in COPY:
            return {(root, max(copied, 1)) for root, copied in inner}
        if dotted in PART:
            return _part(inner)
        if isinstance(node.func, ast.Attribute) and node.func.attr in PASS_ON:
            return _part(self.roots(node.func.value, names))
        return set()

    def _roots(self):
        names = {p: {(("argument", p), 0)} for p in ([] if self.is_class else parameters(self.node))}
        if not self.is_class:
            for more in (self.node.args.vararg, self.node.args.kwarg):  # new ones at each call; what is in them is not
                if more:
                    names[more.arg] = {(("argument", more.arg), 1)}
        pairs = []
        for node in ast.walk(self.node):
            if isinstance(node, ast.Assign):
                pairs += [(t, node.value, False) for t in node.targets]
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                pairs.append((node.target, node.value, False))
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                pairs.append((node.target, node.iter, True))
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                pairs.append((node.optional_vars, node.context_expr, False))
        into = [put for node in ast.walk(self.node) for put in puts(node) if put[0] in self.hidden]
        before = None
        while before != names:
            before = {n: set(r) for n, r in names.items()}
            for base, value, levels, each in into:
                put = self.roots(value, names)
                names.setdefault(base, set()).update(_within({(r, max(d - 1, 0)) for r, d in put} if each else put, levels))
            for target, value, part in pairs:
                found = self.roots(value, names)
                loop = getattr(self.program.node(self.program.called(self.module, value, self.hidden) or self.name), "returned", None) \
                    if isinstance(value, ast.Call) else None
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        direct = not part and (name is target or (loop is not None and name.id in loop))  # a loop gives back the object itself
                        names.setdefault(name.id, set()).update(found if direct else _part(found))
        self.names = names

    def _change(self, node, held, at):
        """What `held` stands for is changed."""
        for root, copied in self.roots(held, self.names):
            if not copied:
                self.changed.setdefault(root, place(at, ""))

    def _look(self):
        p, node = self.program, self.node
        called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
        inside = {id(n.value): n for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        for at in ast.walk(node):
            if isinstance(at, (ast.Attribute, ast.Subscript)) and isinstance(at.ctx, (ast.Store, ast.Del)):
                self._change(at, at.value, at)
                if p.dotted(self.module, at.value, self.hidden) == "os.environ":
                    self.sets.add("os.environ")
                    self.kept = self.kept or place(at, "changes the environment of the process")
                for module in self._modules(at.value) if isinstance(at, ast.Attribute) else ():
                    self.changed.setdefault(("variable", module, at.attr), place(at, ""))
                held = p.named(self.module, at.value, self.hidden)
                if held and not p.is_function(held):
                    self.kept = self.kept or place(at, f"changes a variable of the class {held.rpartition('.')[2]}")
            elif isinstance(at, ast.AugAssign) and isinstance(at.target, ast.Name) and not isinstance(at.value, (ast.Constant, ast.JoinedStr)):
                if isinstance(at.value, (ast.List, ast.ListComp, ast.Set, ast.SetComp, ast.Dict, ast.DictComp)):
                    self._change(at, at.target, at)  # of numbers nothing is changed; what else is meant is seen when it runs
            elif isinstance(at, ast.Global):
                for name in at.names:
                    self.changed.setdefault(("variable", self.module.name, name), place(at, ""))
            elif isinstance(at, ast.Call):
                self._look_at_call(at)
            if isinstance(at, (ast.Name, ast.Attribute)) and isinstance(at.ctx, ast.Load) and at is not node:
                if p.dotted(self.module, at, self.hidden) == "sys.stdin":
                    self.kept = self.kept or place(at, "reads from standard input")
                name = p.named(self.module, at, self.hidden)
                if name and id(at) not in called:
                    self.uses.append((name, at))
                    if id(at) in inside and p.is_function(name):
                        self.objects.append((name, place(inside[id(at)], "has an attribute, and is more than a function")))
        self._look_at_names()
        for at, modules in p.whole(self.module, node, self.hidden):
            self._take_whole(at, modules)
        if not self.is_class:
            self._look_at_form()

    def _take_whole(self, at, modules):
        """All that is in modules may be called and changed by what is done here."""
        what = f"may be reached by {ast.unparse(at)} here, which is a whole module or gives any"
        self.kept = self.kept or place(at, f"uses {ast.unparse(at)}, which is a whole module or gives any: what it calls by that is not known")
        functions, variables = self.program.within(modules)
        for name in sorted(functions):
            self.uses.append((name, at))
            self.objects.append((name, place(at, what)))
        for variable in variables:
            self.changed.setdefault(("variable", *variable), place(at, ""))

    def _look_at_call(self, at):
        p = self.program
        if isinstance(at.func, ast.Attribute) and at.func.attr in CHANGE:
            self._change(at, at.func.value, at)
            if p.dotted(self.module, at.func.value, self.hidden) == "os.environ":
                self.sets.add("os.environ")
                self.kept = self.kept or place(at, "changes the environment of the process")
        dotted = p.dotted(self.module, at.func, self.hidden)
        unbound = dotted.partition(".")[0] in ("list", "dict", "set") and dotted.partition(".")[2] in CHANGE  # list.append(some, 1)
        if (dotted in CHANGE_FIRST or dotted == "next" or unbound) and at.args:
            self._change(at, at.args[0], at)
        self.sets.add(dotted)
        if dotted in PROCESS:
            self.kept = self.kept or place(at, PROCESS[dotted])
        callee = p.called(self.module, at, self.hidden)
        if callee is None:
            return
        self.calls.append((callee, at))
        if not p.is_function(callee):
            return
        wanted = parameters(p.node(callee))
        pairs = [(wanted[n] if n < len(wanted) else None, a) for n, a in enumerate(at.args)]
        pairs += [(k.arg, k.value) for k in at.keywords]
        for parameter, value in pairs:
            roots = self.roots(value, self.names)
            self.passed.append((callee, parameter, {r for r, copied in roots if not copied}, at, {r for r, _ in roots}))
            if kind := self.kind(value):
                self.objects.append((callee, place(value, f"is handed {kind}, which is no value")))

    def _look_at_form(self):
        node, p = self.node, self.program
        module, short = p.split(self.name)
        if isinstance(node, ast.AsyncFunctionDef):
            self.stays = place(node, "is a coroutine")
        for at in own(node):
            if isinstance(at, (ast.Yield, ast.YieldFrom)):
                self.stays = self.stays or place(at, "is a generator")
            elif isinstance(at, ast.Return) and at.value is not None:
                for root, copied in self.roots(at.value, self.names):
                    (self.inside if copied else self.returns).add(root)
                if kind := self.kind(at.value):
                    self.stays = self.stays or place(at, f"returns {kind}, which is no value")
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if p.dotted(module, called) not in DECORATORS:
                self.stays = self.stays or place(decorator, "has a decorator, and what that makes of it is not known")
        if short in module.again:
            self.stays = self.stays or place(node, "is bound more than once, or within another statement")

    def kind(self, node, seen=()):
        """What an expression is where it is no value, as far as that can be told; None: a value, or not known."""
        p = self.program
        if isinstance(node, ast.Lambda):
            return "a function"
        if isinstance(node, ast.GeneratorExp):
            return "a generator"
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return next((k for e in node.elts if (k := self.kind(e, seen))), None)
        if isinstance(node, ast.Dict):
            return next((k for e in node.values if (k := self.kind(e, seen))), None)
        if isinstance(node, ast.IfExp):
            return self.kind(node.body, seen) or self.kind(node.orelse, seen)
        if isinstance(node, ast.Call):
            name = p.called(self.module, node, self.hidden)
            if name:
                if not p.is_function(name):
                    return f"an object of {name.rpartition('.')[2]}"
                return "a generator" if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own(p.node(name))) else None
            dotted = p.dotted(self.module, node.func, self.hidden)
            if dotted in OBJECTS:
                return OBJECTS[dotted]
            return f"an object of {dotted}" if dotted.startswith(OBJECT_PREFIXES) else None
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = p.named(self.module, node, self.hidden)
            if name:
                return "a function" if p.is_function(name) else "a class"
        if isinstance(node, ast.Name):
            if any(of and of[1] is None for of in p.meanings(self.module, node, self.hidden)):
                return "a module"
            return self._kind_of_name(node.id, seen) if node.id in self.hidden else None
        return None

    def _kind_of_name(self, name, seen):
        if name in seen:
            return None
        if self.name == self.program.entry and parameters(self.node)[1:2] == [name]:
            return "the context of the invocation"
        for at in ast.walk(self.node):
            if isinstance(at, DEFS) and at.name == name and at is not self.node:
                return "a function within another"
            if isinstance(at, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in at.targets):
                if kind := self.kind(at.value, (*seen, name)):
                    return kind
            if isinstance(at, ast.withitem) and isinstance(at.optional_vars, ast.Name) and at.optional_vars.id == name:
                return self.kind(at.context_expr, (*seen, name)) or "what a with statement holds"
            if isinstance(at, ast.arg) and at.arg == name and at.annotation is not None:
                annotated = self.program.named(self.module, at.annotation)
                if annotated and not self.program.is_function(annotated):
                    return f"an object of {annotated.rpartition('.')[2]}"
        return None
