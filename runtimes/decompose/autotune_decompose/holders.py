"""Whether a function alone holds a list or dict, and all that is in it, when a loop begins: then the loop may have it by value."""
import ast

from scopes import parameters

NEW = (ast.List, ast.Dict, ast.Set, ast.Tuple)
COMPREHENSIONS = (ast.ListComp, ast.SetComp)
ONLY_READ = {"len", "print", "sum", "any", "all", "str", "repr", "json.dumps"}
PICK = {"sorted", "min", "max", "list", "tuple"}  # what they give is in the object, or has it in it
PLAIN = {"int", "float", "str", "bool", "bytes", "len", "round", "abs", "sum"}
NUMBERS = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.Mod)


class Holders:
    def __init__(self, program, module, function):
        self.program, self.module, self.function = program, module, function
        self.parents = {id(c): p for p in ast.walk(function) for c in ast.iter_child_nodes(p)}

    def alone(self, name, loop):
        inside = {id(n) for n in ast.walk(loop)}
        before = [n for n in self._named(self.function, name) if id(n) not in inside and n.lineno <= loop.lineno]
        return name not in parameters(self.function) and (self._never_changes(name) or self._all_own(before))

    def own_within(self, name, loop):
        """Whether what a loop puts into an object is held by nobody else."""
        return self._never_changes(name) or self._all_own(self._named(loop, name))

    def _never_changes(self, name):
        """Numbers and texts: each += makes another."""
        binds = [(n, self.parents[id(n)]) for n in self._named(self.function, name) if isinstance(n.ctx, ast.Store)]
        return bool(binds) and name not in parameters(self.function) and all(getattr(n, "new", False) or isinstance(up, ast.AugAssign) or
            (isinstance(up, (ast.Assign, ast.AnnAssign)) and up.value is not None and self._plain(up.value)) for n, up in binds)

    def changed_later(self, name, made, statements, changes):
        """Where what a loop has put into `name` is changed afterwards, be it by another name; `changes`: call → names that it changes.
        The object itself may be, if the loop got it from the function."""
        names = self._related(name)
        for at in (n for s in statements for n in ast.walk(s)):
            if isinstance(at, (ast.Subscript, ast.Attribute)) and not isinstance(at.ctx, ast.Load):
                held = [at.value]
            elif isinstance(at, ast.AugAssign) and not self._plain(at.value) and not self._never_changes(getattr(at.target, "id", "")):
                held = [at.target]
            elif isinstance(at, ast.Call):
                held = changes(at)
            else:
                continue
            for one in held:
                itself = made and isinstance(one, ast.Name) and one.id == name
                if not itself and names & {n.id for n in ast.walk(one) if isinstance(n, ast.Name)}:
                    return at
        return None

    def _related(self, name):
        """Names of which one may stand for what another one has in it."""
        pairs = []
        for at in ast.walk(self.function):
            if isinstance(at, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and at.value is not None and not self._plain(at.value):
                pairs.append((*getattr(at, "targets", [getattr(at, "target", None)]), at.value))
            elif isinstance(at, (ast.For, ast.AsyncFor, ast.comprehension)):
                pairs.append((at.target, at.iter))
            elif isinstance(at, ast.withitem) and at.optional_vars is not None:
                pairs.append((at.optional_vars, at.context_expr))
            elif isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute):
                pairs.append((at.func.value, *(a for a in at.args if not self._plain(a))))
        groups = [{n.id for part in pair for n in ast.walk(part) if isinstance(n, ast.Name)} for pair in pairs]
        numbers = {n for n in set().union(*groups) if self._never_changes(n)}
        groups = [g - numbers for g in groups]
        names, before = {name}, None
        while names != before:
            before = set(names)
            names = names.union(*(g for g in groups if g & names))
        return names

    @staticmethod
    def _named(node, name):
        return [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name]

    def _all_own(self, uses):
        put = [self._put(at) for at in uses]  # values that are bound to it, or put into it
        if not all(self._fresh(v) for values in put for v in values):
            return False
        flat = all(isinstance(e, ast.Constant) for values in put for v in values if isinstance(v, NEW) for e in _elements(v))
        flat = flat and not any(isinstance(v, COMPREHENSIONS + (ast.DictComp,)) and not self._plain(_element(v)) for values in put for v in values)
        # A list that is put into the object, rather than bound to its name, is one that can be picked from it.
        flat = flat and not any(isinstance(v, NEW + COMPREHENSIONS) for at, values in zip(uses, put) if isinstance(at.ctx, ast.Load) for v in values)
        return all(self._keeps(at, flat) for at in uses)

    def _put(self, at):
        up = self.parents[id(at)]
        further = self.parents.get(id(up))
        if getattr(at, "new", False):
            return []
        if isinstance(at.ctx, ast.Store):
            return [up.value] if isinstance(up, (ast.Assign, ast.AnnAssign, ast.AugAssign)) else [up]
        if isinstance(up, ast.Attribute) and isinstance(further, ast.Call) and further.func is up:
            return [*further.args, *(k.value for k in further.keywords)]
        if isinstance(up, ast.Subscript) and isinstance(up.ctx, ast.Store):
            return [further.value] if isinstance(further, (ast.Assign, ast.AugAssign)) else [further]
        return []

    def _keeps(self, at, flat):
        """Whether this use gives the object, or what is in it, no second name."""
        up = self.parents[id(at)]
        further = self.parents.get(id(up))
        if hasattr(at, "new"):  # of a call that is in the place of a loop
            return at.new
        if isinstance(at.ctx, ast.Store):
            return isinstance(up, (ast.AnnAssign, ast.AugAssign)) or (isinstance(up, ast.Assign) and up.targets == [at])
        if isinstance(up, ast.Call):
            called = self.program.dotted(self.module, up.func)
            return called in ONLY_READ or (flat and called in PICK)
        if isinstance(up, ast.Attribute):
            return isinstance(further, ast.Call) and further.func is up and (flat or isinstance(self.parents.get(id(further)), ast.Expr))
        if isinstance(up, ast.Subscript):
            return up.value is at and (flat or not isinstance(up.ctx, ast.Load))
        return isinstance(up, (ast.Compare, ast.Expr, ast.If, ast.While)) or (flat and isinstance(up, ast.BinOp))

    def _fresh(self, value):
        """Made by this expression, with all that is in it."""
        if isinstance(value, NEW):
            return all(self._fresh(e) for e in _elements(value))
        if isinstance(value, COMPREHENSIONS + (ast.DictComp,)):
            return self._fresh(_element(value))
        if isinstance(value, ast.Call) and not value.args and not value.keywords:
            return self.program.dotted(self.module, value.func) in ("list", "dict", "set")
        return self._plain(value)

    def _plain(self, value):
        """A number or a text: nobody can change it."""
        if isinstance(value, ast.BinOp):
            return isinstance(value.op, NUMBERS) or self._plain(value.left) and self._plain(value.right)
        if isinstance(value, ast.Call):
            return self.program.dotted(self.module, value.func) in PLAIN
        return isinstance(value, (ast.Constant, ast.JoinedStr, ast.Compare)) or (isinstance(value, ast.UnaryOp) and self._plain(value.operand))


def _elements(display):
    return [v for v in (display.values if isinstance(display, ast.Dict) else display.elts)]


def _element(comprehension):
    return comprehension.value if isinstance(comprehension, ast.DictComp) else comprehension.elt
