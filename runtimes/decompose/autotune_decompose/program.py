"""A program as its modules, functions and who calls whom; nothing of it is run."""
import ast
import copy
import pathlib

from scopes import DEFS, SCOPES, Names, imported, outside, own

LOADS = ("importlib.import_module", "importlib.__import__", "__import__", "builtins.__import__")
ANY = ("sys", "builtins", "importlib", "runpy", "eval", "exec", "pkgutil.resolve_name", "builtins.eval", "builtins.exec", *LOADS)  # give any module
ANY_PREFIXES = ("sys.modules", "runpy.", "importlib.")
ONLY_COMPARE = (ast.Is, ast.IsNot, ast.In, ast.NotIn)  # b is None, "b" in sys.modules
ABOUT = ("__name__", "__file__", "__doc__")
NOT_ANY = ("importlib.metadata", "importlib.resources")


class Trouble(Exception):
    """The program cannot be taken apart at all: file, line, column, what."""

    def __init__(self, path, node, what):
        super().__init__(what)
        self.path, self.line, self.column = path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1

    def __str__(self):
        return f"{self.path}:{self.line}:{self.column}: {self.args[0]}"


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
        self.functions, self.classes, self.bound, self.again = {}, {}, {}, set()
        self.wanted = set()   # modules that are imported anywhere, in functions too
        self.imports = {}     # name → what each import of it means; of all that is in a module, see Program.resolve
        self.aliases = {}     # name → (module, function), of g = f; of the program, see Program.resolve
        self.all_of = []      # modules of which all is imported
        for node in self.tree.body:
            for at in _at_top(node):
                if isinstance(at, DEFS):
                    if at is not node or at.name in self.functions or at.name in self.bound:
                        self.again.add(at.name)
                    before = self.functions.get(at.name)
                    self.functions[at.name] = at
                    if before:  # whichever it is that runs
                        self.functions[at.name] = copy.copy(at)
                        self.functions[at.name].body = before.body + at.body
                elif isinstance(at, ast.ClassDef):
                    self.classes[at.name] = at
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
                    self.all_of.append(what[0])
                elif id(node) in here or name in everywhere:
                    self.imports.setdefault(name, []).append(what)
            if isinstance(node, ast.Call) and node.args and isinstance(getattr(node.args[0], "value", None), str):
                if getattr(node.func, "attr", getattr(node.func, "id", "")) in ("import_module", "__import__"):
                    self.wanted.add(node.args[0].value)
            if isinstance(node, ast.Global):
                self.again.update(set(node.names) & set(self.functions))
                for name in node.names:
                    self.bound.setdefault(name, [])

    def is_own(self, name):
        return name in self.functions or name in self.classes or name in self.bound

    def exports(self):
        """Names that import * of it binds."""
        stated = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and n.id == "__all__"]
        if not stated and "__all__" not in self.imports:
            return [n for n in {**self.functions, **self.classes, **self.bound, **self.imports} if not n.startswith("_")]
        for at in self.tree.body:
            bound = getattr(at, "targets", [getattr(at, "target", None)])
            if bound == stated and "__all__" not in self.imports and isinstance(at, (ast.Assign, ast.AnnAssign)) and isinstance(at.value, (ast.List, ast.Tuple)):
                names = [getattr(e, "value", None) for e in at.value.elts]
                if all(isinstance(n, str) for n in names):
                    return names
        raise Trouble(self.path, stated[0] if stated else None, "__all__ is no list of texts, so that what import * of the module means is not known")


def _at_top(statement):
    """Functions and classes that are defined when a statement runs, in whatever other statement they are."""
    if isinstance(statement, SCOPES + (ast.ClassDef,)):
        return [statement]
    return [found for child in ast.iter_child_nodes(statement) for found in _at_top(child)]


class Program:
    """The file of the entry, and the files beside it that are imported."""

    def __init__(self, path, entry):
        self.root = pathlib.Path(path).resolve().parent
        self.shown = pathlib.Path(path).parent
        self.stem = pathlib.Path(path).stem
        self.modules, self.carried = {}, set()
        self.opened = set()  # modules of which anything may be bound anew, see within
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
        more = True
        while more:
            more = False
            for module in self.modules.values():
                for other in (self.modules[m] for m in module.all_of if m in self.modules):
                    for what in ((other.name, n) for n in other.exports()):
                        if what not in module.imports.setdefault(what[1], []):
                            module.imports[what[1]].append(what)
                            more = True
        assigned = self._assigned()
        for source, name in assigned:
            self.modules[source].bound.setdefault(name, [])
            self.modules[source].again.update({name} & set(self.modules[source].functions))
        more = True
        while more:
            more = False
            for module in self.modules.values():
                for at in module.tree.body:
                    name = at.targets[0].id if isinstance(at, ast.Assign) and len(at.targets) == 1 and isinstance(at.targets[0], ast.Name) else None
                    if name is None or name in module.aliases or len(module.bound.get(name, ())) != 1 or self._is_global(module, name):
                        continue
                    if name in module.functions or name in module.classes or name in module.imports or (module.name, name) in assigned:
                        continue
                    target = self.named(module, at.value)
                    if target and self.is_function(target):
                        module.aliases[name] = tuple(target.split("."))
                        more = True

    def _assigned(self):
        """(module, name) of m.name = …, by whatever import m is a module, of the program's."""
        found = set()
        for module in self.modules.values():
            names = Names()
            for name, what in (i for node in ast.walk(module.tree) for i in imported(node)):
                names.add(name)
                names.stands.setdefault(name, set()).add(what)
            for at in ast.walk(module.tree):
                if isinstance(at, ast.Attribute) and not isinstance(at.ctx, ast.Load):
                    of = [*self.meanings(module, at.value, names), *self.meanings(module, at.value)]
                    found |= {(m, at.attr) for m, name in filter(None, of) if name is None and m in self.modules}
        return found

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
        """Likewise, all that a name may stand for where several statements bind it; "": something else."""
        found = list(dict.fromkeys(self._named(of) for of in self.meanings(module, node, hidden)))
        return found if any(found) else []

    def _named(self, what):
        module = what and self.modules.get(what[0])
        return f"{what[0]}.{what[1]}" if module and (what[1] in module.functions or what[1] in module.classes) else ""

    def what(self, source, name, seen=None):
        """All that a name at the top of a module may be: (module, name) where that is bound, (module, None) for a module."""
        module = self.modules.get(source)
        if module is None or name is None:
            return [(source, name)]
        seen = set() if seen is None else seen
        if (source, name) in seen:  # two modules import it of each other
            return []
        seen.add((source, name))
        if name in module.aliases:
            return [module.aliases[name]]
        found = [(source, name)] if module.is_own(name) else []
        for further in module.imports.get(name, ()):
            found += self.what(*further, seen)
        return list(dict.fromkeys(found))

    def meanings(self, module, node, hidden=()):
        """Likewise, of an expression, names of libraries among them; None: something else."""
        found = []
        if isinstance(node, ast.Name):
            if node.id not in hidden or id(node) in getattr(hidden, "outside", ()):
                return self.what(module.name, node.id)
            for of in sorted(getattr(hidden, "stands", {}).get(node.id, [None]), key=str):
                found += [of] if of is None else self.what(*of)
        elif isinstance(node, ast.Attribute):
            for of in self.meanings(module, node.value, hidden):
                if of and of[0] not in self.modules:
                    found.append((of[0], node.attr if of[1] is None else f"{of[1]}.{node.attr}"))
                else:
                    found += (of and of[1] is None and self.what(of[0], node.attr)) or [None]
        else:
            return [None]
        return list(dict.fromkeys(found))

    def variables(self, module, node, hidden=()):
        """(module, name) of the variables that an expression may name; a class has variables of its own."""
        found = [(self.modules[m], n) for m, n in filter(None, self.meanings(module, node, hidden)) if m in self.modules]
        return [(m.name, n) for m, n in found if n in m.bound or n in m.classes or m.name in self.opened and n in m.functions]

    def whole(self, module, root, hidden=()):
        """(node, modules) below `root` by which all that is in modules of the program can be reached: what is called there is not known."""
        nodes = list(ast.walk(root))
        left = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
        left |= {id(o) for n in nodes if isinstance(n, ast.Compare) and all(isinstance(op, ONLY_COMPARE) for op in n.ops) for o in (n.left, *n.comparators)}
        calls = {id(n.func): n for n in nodes if isinstance(n, ast.Call)}
        for at in nodes:
            if isinstance(at, (ast.Name, ast.Attribute)) and isinstance(at.ctx, ast.Load) and id(at) not in left:
                if found := self._whole(module, at, calls.get(id(at)), hidden):
                    yield at, found

    def _whole(self, module, at, call, hidden):
        found = [of[0] for of in self.meanings(module, at, hidden) if of and of[1] is None]
        dotted = self.dotted(module, at, hidden)
        if dotted == "globals":
            found.append(module.name)
        elif dotted in ANY or dotted.startswith(ANY_PREFIXES) and not dotted.startswith(NOT_ANY):
            text = getattr(call.args[0], "value", None) if call and call.args and dotted in LOADS else None
            found += [text.partition(".")[0]] if isinstance(text, str) else self.modules
        while isinstance(at, ast.Attribute):  # b.__dict__
            name, at = at.attr, at.value
            found += [m for m, n in filter(None, self.meanings(module, at, hidden)) if n is None and m in self.modules and name not in ABOUT and not self.what(m, name)]
        return [m for m in found if m in self.modules]

    def within(self, sources):
        """(functions and classes, all names) of modules, and of what those import; who asks has them whole, and may bind any anew."""
        functions, names, todo, seen = set(), set(), list(sources), set()
        while todo:
            module = self.modules.get(todo.pop())
            if module is None or module.name in seen:
                continue
            seen.add(module.name)
            self.opened.add(module.name)
            for of in {w for name in [*module.functions, *module.classes, *module.bound, *module.imports] for w in self.what(module.name, name)}:
                if of[1] is None:
                    todo.append(of[0])
                elif of[0] in self.modules:
                    functions |= {self._named(of)} - {""}
                    names.add(of)
        return functions, names

    def called(self, module, call, hidden=()):
        return self.named(module, call.func, hidden)

    def dotted(self, module, node, hidden=()):
        """"os.chdir" of what was imported, "open" of what is built in; "" where that is not known, or is of the program."""
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return ""
        found = self.meanings(module, node, hidden)
        if of := [w for w in found if w and w[0] not in self.modules]:  # json or its faster twin: what the last one is counts
            return ".".join(filter(None, of[-1]))
        if isinstance(node, ast.Name):
            return "" if found else node.id
        base = self.dotted(module, node.value, hidden)
        return f"{base}.{node.attr}" if base else ""
