"""A program as its modules, functions and who calls whom; nothing of it is run."""
import ast
import pathlib

DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = DEFS + (ast.Lambda,)


class Trouble(Exception):
    """The program cannot be taken apart at all: file, line, column, what."""

    def __init__(self, path, node, what):
        super().__init__(what)
        self.path, self.line, self.column = path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1

    def __str__(self):
        return f"{self.path}:{self.line}:{self.column}: {self.args[0]}"


def own(node):
    """Nodes below `node` that run when it runs: not those of functions that it only defines."""
    todo = [node]
    while todo:
        at = todo.pop()
        yield at
        for child in ast.iter_child_nodes(at):
            if not (isinstance(child, SCOPES) and child is not node):
                todo.append(child)


def targets(node):
    """Names that an assignment target binds."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del))}


def imported(node):
    """(name, (module, name in it or None)) of what an import statement binds; "*" for all that is in a module."""
    if isinstance(node, ast.Import):
        return [(a.asname or a.name.partition(".")[0], (a.name if a.asname else a.name.partition(".")[0], None)) for a in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(a.asname or a.name, (node.module, a.name)) for a in node.names]
    return []


class Names(set):
    """Names of a function; `stands`: (module, name in it) or "module.function" of those that are another name of something outside."""

    def __init__(self, names=()):
        super().__init__(names)
        self.stands = {}  # name → those that it may be: one, unless several statements bind it
        self.within = set()  # of them those that only a function within it imports, and that it uses itself: as what they are outside


def bound_in(function):
    """Names that are the function's own, its arguments among them; those of functions within it too."""
    stands, otherwise, outer = {}, set(), set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, what in imported(node):
                stands.setdefault(name, set()).add(what)
        elif isinstance(node, ast.arg):
            otherwise.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            otherwise.add(node.id)
        elif isinstance(node, DEFS + (ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node is not function and node.name:
            otherwise.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            otherwise.add(node.rest)
        elif isinstance(node, ast.Global):
            outer.update(node.names)
    names = Names((otherwise | set(stands)) - outer)
    names.stands = {n: s for n, s in stands.items() if n in names and n not in otherwise}
    here = list(own(function))
    names.within = (set(names.stands) - {n for at in here for n, _ in imported(at)}) & {n.id for n in here if isinstance(n, ast.Name)}
    return names


def parameters(function):
    a = function.args
    return [p.arg for p in a.posonlyargs + a.args] + [p.arg for p in a.kwonlyargs]


class Module:
    def __init__(self, name, path, text):
        self.name, self.path = name, path
        try:
            self.tree = ast.parse(text, str(path))
        except SyntaxError as error:
            where = ast.Pass()
            where.lineno, where.col_offset = error.lineno or 1, (error.offset or 1) - 1
            raise Trouble(path, where, f"this is no Python: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            raise Trouble(path, None, f"this cannot be parsed: {error}")
        self.index()

    def index(self):
        """Functions and classes at the top, what names stand for modules and functions of others, and what is bound."""
        self.functions, self.classes, self.imports, self.bound, self.again = {}, {}, {}, {}, set()
        self.wanted = set()   # modules that are imported anywhere, in functions too
        self.either = {}      # name → what several imports of it may mean
        self.aliases = {}     # name → "module.function", of g = f; of the program, see Program.resolve
        self.all_of = set()   # modules of which all is imported
        for node in self.tree.body:
            if isinstance(node, DEFS):
                if node.name in self.functions or node.name in self.bound:
                    self.again.add(node.name)
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            for inner in own(node) if not isinstance(node, DEFS + (ast.ClassDef,)) else ():
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    if inner.id in self.functions:
                        self.again.add(inner.id)
                    self.bound.setdefault(inner.id, []).append(node)
        here = {id(n) for s in self.tree.body if not isinstance(s, DEFS) for n in own(s)}
        everywhere = {n for g in ast.walk(self.tree) if isinstance(g, ast.Global) for n in g.names}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                raise Trouble(self.path, node, "relative imports need a package; a program starts at a file")
            for name, what in imported(node):
                self.wanted.add(what[0])
                if name == "*":
                    self.all_of.add(what[0])
                elif id(node) in here or name in everywhere:
                    self.either.setdefault(name, set()).add(what)
                    self.imports[name] = what
            if isinstance(node, ast.Global):
                self.again.update(set(node.names) & set(self.functions))
                for name in node.names:
                    self.bound.setdefault(name, [])
        self.either = {n: e for n, e in self.either.items() if len(e) > 1}


class Program:
    """The file of the entry, and the files beside it that are imported."""

    def __init__(self, path, entry):
        self.root = pathlib.Path(path).resolve().parent
        self.shown = pathlib.Path(path).parent
        self.stem = pathlib.Path(path).stem
        self.modules, self.carried = {}, set()
        todo = [self.stem]
        while todo:
            name = todo.pop()
            if name in self.modules:
                continue
            if not name.isidentifier():
                raise Trouble(self.shown / f"{name}.py", None, f'"{name}" is no name of a module; call the file otherwise')
            module = self.modules[name] = Module(name, self.shown / f"{name}.py", (self.root / f"{name}.py").read_bytes())
            for wanted in sorted(module.wanted):
                top = (wanted or "").partition(".")[0]
                if (self.root / f"{top}.py").is_file():
                    todo.append(top)
                elif (self.root / top / "__init__.py").is_file():
                    self.carried.add(top)
        main = self.modules[self.stem]
        if entry not in main.functions:
            names = ", ".join(sorted(main.functions)) or "none"
            raise Trouble(main.path, None, f'there is no function "{entry}" at the top of the file; there are: {names}')
        self.entry = f"{self.stem}.{entry}"
        self.resolve()

    def resolve(self):
        """What names of modules stand for where that takes other modules to know. Once all are indexed."""
        for module in self.modules.values():
            for other in (self.modules[m] for m in sorted(module.all_of) if m in self.modules):
                for name in {**other.functions, **other.classes, **other.bound, **other.imports}:
                    if not name.startswith("_") and not any(name in of for of in (module.functions, module.classes, module.bound, module.imports)):
                        module.imports[name] = (other.name, name)
            for name, several in list(module.either.items()):
                if not any(source in self.modules for source, _ in several):
                    del module.either[name]  # json or its faster twin: what the last one is counts
                else:
                    del module.imports[name]
        assigned = {(m.imports.get(n.value.id, ("", ""))[0], n.attr) for m in self.modules.values() for n in ast.walk(m.tree)
                    if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load) and isinstance(n.value, ast.Name)}
        more = True
        while more:
            more = False
            for module in self.modules.values():
                for at in module.tree.body:
                    name = at.targets[0].id if isinstance(at, ast.Assign) and len(at.targets) == 1 and isinstance(at.targets[0], ast.Name) else None
                    changes = len(module.bound.get(name, ())) != 1 or (module.name, name) in assigned or self._is_global(module, name)
                    if name is None or name in module.aliases or changes or any(name in of for of in (module.functions, module.classes, module.imports, module.either)):
                        continue
                    target = self.named(module, at.value)
                    if target and self.is_function(target):
                        module.aliases[name] = target
                        more = True

    @staticmethod
    def _is_global(module, name):
        return any(isinstance(g, ast.Global) and name in g.names for g in ast.walk(module.tree))

    def split(self, name):
        module, _, function = name.rpartition(".")
        return self.modules[module], function

    def node(self, name):
        module, function = self.split(name)
        return module.functions.get(function) or module.classes.get(function)

    def is_function(self, name):
        module, function = self.split(name)
        return function in module.functions

    def named(self, module, node, hidden=()):
        """What of the program an expression names: "module.function" or "module.Class"; None: nothing at the top of it."""
        found = self.candidates(module, node, hidden)
        return found[0] if len(found) == 1 else None

    def candidates(self, module, node, hidden=()):
        """Likewise, all that a name may stand for where several statements bind it."""
        found = []
        if isinstance(node, ast.Name):
            if node.id not in hidden and (node.id in module.functions or node.id in module.classes):
                return [f"{module.name}.{node.id}"]
            if node.id not in hidden and node.id in module.aliases:
                return [module.aliases[node.id]]
            for what in self.stands(module, node.id, hidden):
                found.append(what if isinstance(what, str) else self._in(*what) or "")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            for what in self.stands(module, node.value.id, hidden):
                if not isinstance(what, str) and what[1] is None:
                    found.append(self._in(what[0], node.attr) or "")
        return found if any(found) else []

    @staticmethod
    def stands(module, name, hidden=()):
        """(module, name in it) of the imports that a name may be of, or "module.function" by another name of it."""
        if name in hidden:
            return sorted(getattr(hidden, "stands", {}).get(name, ()), key=str)
        if name in module.either:
            return sorted(module.either[name], key=str)
        return [module.imports[name]] if name in module.imports else []

    def _in(self, source, name):
        module = self.modules.get(source)
        if module is None or name is None:
            return None
        if name in module.functions or name in module.classes:
            return f"{module.name}.{name}"
        if name in module.aliases:
            return module.aliases[name]
        further, original = module.imports.get(name, (None, None))  # passed on by an import there
        return self._in(further, original) if further != source else None

    def called(self, module, call, hidden=()):
        return self.named(module, call.func, hidden)

    def dotted(self, module, node, hidden=()):
        """"os.chdir" of what was imported, "open" of what is built in; "" where that is not known."""
        if isinstance(node, ast.Name):
            stands = self.stands(module, node.id, hidden)
            if stands and not isinstance(stands[-1], str):
                source, name = stands[-1]
                return source if name is None else f"{source}.{name}"
            if node.id in hidden:
                return ""
            return "" if node.id in module.bound or node.id in module.functions or node.id in module.classes else node.id
        if isinstance(node, ast.Attribute):
            base = self.dotted(module, node.value, hidden)
            return f"{base}.{node.attr}" if base else ""
        return ""
