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


def bound_in(function):
    """Names that are the function's own, its arguments among them; those of functions within it too."""
    names, outer = set(), set()
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.add(node.id)
        elif isinstance(node, DEFS + (ast.ClassDef,)) and node is not function:
            names.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((a.asname or a.name).partition(".")[0] for a in node.names)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Global):
            outer.update(node.names)
    return names - outer


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
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for a in node.names:
                    self.imports[a.asname or a.name.partition(".")[0]] = (a.name if a.asname else a.name.partition(".")[0], None)
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    raise Trouble(self.path, node, "relative imports need a package; a program starts at a file")
                for a in node.names:
                    self.imports[a.asname or a.name] = (node.module, a.name)
            elif isinstance(node, ast.Global):
                self.again.update(set(node.names) & set(self.functions))
                for name in node.names:
                    self.bound.setdefault(name, [])


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
            for wanted, _ in module.imports.values():
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
        if isinstance(node, ast.Name) and node.id not in hidden:
            if node.id in module.functions or node.id in module.classes:
                return f"{module.name}.{node.id}"
            source, name = module.imports.get(node.id, (None, None))
            return self._in(source, name)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in hidden:
            source, name = module.imports.get(node.value.id, (None, None))
            return self._in(source, node.attr) if name is None else None
        return None

    def _in(self, source, name):
        module = self.modules.get(source)
        if module is None or name is None:
            return None
        if name in module.functions or name in module.classes:
            return f"{module.name}.{name}"
        further, original = module.imports.get(name, (None, None))  # passed on by an import there
        return self._in(further, original) if further != source else None

    def called(self, module, call, hidden=()):
        return self.named(module, call.func, hidden)

    def dotted(self, module, node, hidden=()):
        """"os.chdir" of what was imported, "open" of what is built in; "" where that is not known."""
        if isinstance(node, ast.Name):
            if node.id in hidden:
                return ""
            if node.id in module.imports:
                source, name = module.imports[node.id]
                return source if name is None else f"{source}.{name}"
            return "" if node.id in module.bound or node.id in module.functions or node.id in module.classes else node.id
        if isinstance(node, ast.Attribute):
            base = self.dotted(module, node.value, hidden)
            return f"{base}.{node.attr}" if base else ""
        return ""
