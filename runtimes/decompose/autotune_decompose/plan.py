"""Which functions become pieces of their own, and why others do not."""
import ast

from scopes import DEFS, own
from state import MOVES, UNKNOWN, State
from values import NOT_SAME, SHARED, Looked, place


class Plan:
    """`pieces`: piece → its functions, the entry's first; `refused`: function → (path, line, column, what)."""

    def __init__(self, program, depth):
        self.program, self.depth = program, depth
        self.looked, self.held = {}, State(program)
        self._reach()
        self._variables()
        self._arguments()
        self.kept = {n: f.kept for n, f in self.looked.items() if f.kept}
        self.stays = {n: f.stays for n, f in self.looked.items() if f.stays}
        self._state()
        self._handed_over()
        self._recursion()
        self._at_import()
        self._keep_callers()
        self._group()

    def unit(self, name):
        return name if self.depth != "shallow" else name.rpartition(".")[0]

    def edges(self, name):
        found = self.looked[name]
        return [n for n, _ in found.calls + found.uses]

    def _reach(self):
        todo = [self.program.entry]
        while todo:
            name = todo.pop()
            if name not in self.looked:
                found = self.looked[name] = Looked(self.program, name)
                self._by_variables(found)
                todo += self.edges(name)
        self.order = list(self.looked)

    def _by_variables(self, found):
        """What a function uses by variables that hold it: who calls that, and with what, is not known."""
        for at in ast.walk(found.node):
            for root, _ in found.roots(at, {}) if isinstance(at, (ast.Name, ast.Attribute)) else ():
                for name in sorted(self.held.functions.get(root[1:], ())):
                    found.uses.append((name, at))
                    found.objects.append((name, place(at, f"is held by {root[2]}, and called by that")))

    def _variables(self):
        """Variables of modules that change, or are not the same in every process."""
        self.variables = dict.fromkeys(self.held.moves, MOVES)
        for found in self.looked.values():
            for at in (n for n in ast.walk(found.node) if isinstance(n, ast.Call)):
                for variable in self.held.changes(found, at):
                    self.variables.setdefault(variable, UNKNOWN)
            for root in found.changed:
                if root[0] == "variable":
                    self.variables.setdefault(root[1:], UNKNOWN)
        for module in self.program.modules.values():
            for name, statements in module.bound.items():
                for statement in statements:
                    for call in (n for n in ast.walk(statement) if isinstance(n, ast.Call)):
                        if self.program.dotted(module, call.func).startswith(NOT_SAME):
                            self.variables.setdefault((module.name, name), "is not the same in two processes")

    def _arguments(self):
        """An argument that is handed on to what changes it is changed, and so is what a call gave away when its result is."""
        more = True
        while more:
            more = False
            for found in self.looked.values():
                for roots in (found.returns, found.inside):
                    given = set().union(*(self._given_away(found, r) for r in roots))
                    more = more or not given <= roots
                    roots |= given
                changes = [(root, at) for r, at in found.changed.items() for root in self._given_away(found, r)]
                changes += [(root, place(node, "")) for callee, parameter, roots, node, _ in found.passed for root in roots
                            if callee in self.looked and ("argument", parameter) in self.looked[callee].changed]
                for root, at in changes:
                    if root not in found.changed:
                        found.changed[root] = at
                        more = True
                    if root[0] == "variable":
                        self.variables.setdefault(root[1:], UNKNOWN)
        self.held.spread(self.variables)

    def _given_away(self, found, root):
        """What else the result of a call in a function, or what is in that, may be: a variable, what it was handed, of a further call."""
        if root[0] not in ("result", "inside") or root[1] not in self.looked:
            return set()
        callee, whole = self.looked[root[1]], root[0] == "result"
        gives = callee.returns if whole else callee.inside | {r for r in callee.returns if r[0] == "argument"}
        handed = {}
        for name, parameter, roots, _, inner in found.passed:
            if name == root[1]:
                handed.setdefault(("argument", parameter), set()).update(roots if whole else inner)
        return {r for r in gives if r[0] != "argument"}.union(*(handed.get(r, ()) for r in gives))

    def _state(self):
        sets = set().union(*(f.sets for f in self.looked.values()))
        sets |= {"random.seed"} & {self.program.dotted(m, n.func) for m in self.program.modules.values()  # what else is set at import is so in each piece
                                   for s in m.tree.body for n in own(s) if isinstance(n, ast.Call)}
        shared = [(uses, what) for by, uses, what in SHARED if by & sets]
        for name, found in self.looked.items():
            for at in ast.walk(found.node):
                if not isinstance(at, (ast.Name, ast.Attribute)):
                    continue
                for root, _ in found.roots(at, {}):
                    if root[0] == "variable" and root[1:] in self.variables:
                        self.kept.setdefault(name, place(at, f"uses {root[2]}, a variable of the module that {self.variables[root[1:]]}"))
                dotted = self.program.dotted(found.module, at, found.hidden)
                for uses, what in shared:
                    if dotted.startswith(tuple(u for u in uses if u.endswith("."))) or dotted in uses:
                        self.kept.setdefault(name, place(at, what))
            returned = getattr(found.node, "returned", ())
            defaults = self._mutable_defaults(found)
            for root, at in found.changed.items():
                if root[0] != "argument" or root[1] in returned:
                    continue
                if root[1] in defaults:
                    self.kept.setdefault(name, (*at[:2], f"changes the default of its argument {root[1]}, which outlives the call"))
                else:
                    self.stays.setdefault(name, (*at[:2], f"changes its argument {root[1]}, which its caller would not see"))

    @staticmethod
    def _mutable_defaults(found):
        if found.is_class:
            return set()
        a = found.node.args
        plain = a.posonlyargs + a.args
        pairs = list(zip(plain[len(plain) - len(a.defaults):], a.defaults)) + [(k, d) for k, d in zip(a.kwonlyargs, a.kw_defaults) if d]
        return {p.arg for p, d in pairs if isinstance(d, (ast.List, ast.Dict, ast.Set, ast.Call))}

    def _handed_over(self):
        for found in self.looked.values():
            for callee, (line, column, what) in found.objects:
                self.stays.setdefault(callee, (line, column, what, found.module.path))
            for root, at in found.changed.items():  # what came from a call is changed, and the callee gave away its own
                if root[0] in ("result", "inside") and root[1] in self.looked and self._gives_away(*root):
                    what = "its argument" if root[0] == "result" else "what is in its argument"
                    self.stays.setdefault(root[1], (*at[:2], f"returns {what}, and that is changed here", found.module.path))
            for callee, parameter, _, _, inner in found.passed:
                if callee not in self.looked or hasattr(self.looked[callee].node, "returned"):  # loops have been looked at for that
                    continue
                if self._gives_away("result", callee, parameter) or self._gives_away("inside", callee, parameter):
                    for root in sorted(r for r in inner & set(found.changed) if r[0] in ("argument", "variable")):
                        self.stays.setdefault(callee, (*found.changed[root][:2], "returns its argument, and that is changed here", found.module.path))
            for callee, at in found.uses:  # by whom it is called, and what becomes of the answer, is not known
                if self.program.is_function(callee) and id(at) not in found.followed and (self._gives_away("result", callee) or self._gives_away("inside", callee)):
                    self.stays.setdefault(callee, (*place(at, "is handed on here, and returns its argument or a part of it"), found.module.path))
            for callee, node in found.calls:
                if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
                    for a in [a.value for a in node.args if isinstance(a, ast.Starred)] + [k.value for k in node.keywords if k.arg is None]:
                        if kind := found.kind(a):
                            self.stays.setdefault(callee, (*place(a, f"is handed {kind}, which is no value"), found.module.path))

    def _gives_away(self, kind, name, parameter=None):
        """Whether it returns an argument (that one), or a part of one, that its caller holds as well."""
        found = self.looked[name]
        returned = getattr(found.node, "returned", ())
        return any(r[0] == "argument" and r[1] not in returned and parameter in (None, r[1]) for r in (found.returns if kind == "result" else found.inside))

    def _recursion(self):
        """Of functions that call each other the calls would wait for each other, each in a sandbox of its own."""
        reach = {n: set(self.edges(n)) for n in self.looked}
        more = True
        while more:
            more = False
            for name, to in reach.items():
                further = set().union(*(reach[t] for t in to)) if to else set()
                if not further <= to:
                    to |= further
                    more = True
        for name, found in self.looked.items():
            around = {o for o in self.looked if o in reach[name] and name in reach[o] and self.unit(o) != self.unit(name)}
            if around and not found.is_class:
                at = next((n for c, n in found.calls + found.uses if c in around), found.node)
                self.stays.setdefault(name, place(at, f"and {sorted(around)[0]} call each other: each call would hold one more sandbox"))

    def _at_import(self):
        for module in self.program.modules.values():
            for statement in module.tree.body:
                if self._is_main_guard(statement):
                    continue
                for node in self._run_by_import(statement):
                    for name in self.program.candidates(module, node.func) if isinstance(node, ast.Call) else ():
                        if name in self.looked and self.program.is_function(name):
                            self.stays.setdefault(name, (*place(node, "is called when the module is imported, in every piece"), module.path))
                if not isinstance(statement, DEFS + (ast.ClassDef,)):
                    self._handed_on_at_import(module, statement)

    def _handed_on_at_import(self, module, statement):
        """Of functions and modules that are handed to who knows whom, anybody may call what is in them."""
        called = {id(n.func) for n in ast.walk(statement) if isinstance(n, ast.Call)}
        loads = [n for n in ast.walk(statement) if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load) and id(n) not in called]
        functions = [n for n in loads if any(of and self.program.is_function(of) for of in self.program.candidates(module, n))]
        for at in functions + [n for n, _ in self.program.whole(module, statement)]:
            for name in self.looked if id(at) not in self.held.looked else ():
                what = f"may share what it uses with {ast.unparse(at)}, which is handed on here when the module is imported"
                self.kept.setdefault(name, (*place(at, what), module.path))

    @staticmethod
    def _run_by_import(statement):
        if isinstance(statement, DEFS):
            parts = statement.decorator_list + statement.args.defaults + [d for d in statement.args.kw_defaults if d]
            return [n for part in parts for n in ast.walk(part)]
        return own(statement) if isinstance(statement, ast.ClassDef) else ast.walk(statement)

    @staticmethod
    def _is_main_guard(statement):
        return isinstance(statement, ast.If) and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(statement.test))

    def _keep_callers(self):
        more = True
        while more:
            more = False
            for name, found in self.looked.items():
                for callee, node in found.calls + found.uses:
                    if callee in self.kept and name not in self.kept:
                        self.kept[name] = place(node, f"calls {callee.rpartition('.')[2]}, which must stay with the entry")
                        more = True

    def _group(self):
        entry = self.program.entry
        wanted = [n for n in self.order if n != entry and self.program.is_function(n)]
        if self.depth == "shallow":  # what is called from another file
            called = {c for n in self.looked for c in self.edges(n) if self.unit(c) != self.unit(n)}
            wanted = [n for n in wanted if n in called and self.unit(n) != self.unit(entry)]
        self.moved, self.refused = [], {}
        for name in wanted:
            why = self.kept.get(name) or self.stays.get(name)
            if why is None:
                self.moved.append(name)
            else:
                path = why[3] if len(why) > 3 else self.looked[name].module.path
                where = "with the entry" if name in self.kept else "with its callers"
                self.refused[name] = (path, why[0], why[1], f"{name.rpartition('.')[2]} {why[2]}; it stays {where}")
        self.pieces = {}
        for name in self.moved:
            self.pieces.setdefault(self.unit(name), []).append(name)
