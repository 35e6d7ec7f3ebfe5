"""Loops of functions as functions of their own: what goes in is what the loop reads before it writes it, what comes out is what
it writes and somebody reads afterwards (live variables, backwards over the statements).
"""
import ast

from holders import Holders
from scopes import DEFS, SCOPES, own
from values import CHANGE, CHANGE_FIRST, Looked

LOOPS = (ast.For, ast.While)


def reads(node):
    """Names that are read when `node` runs, also by functions that it defines; not those that are only a comprehension's."""
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Store) else {node.id}  # what is deleted must be there
    found = {node.target.id} if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) else set()
    for child in ast.iter_child_nodes(node):
        found |= reads(child)
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        bound = {t.id for g in node.generators for t in ast.walk(g.target) if isinstance(t, ast.Name)}
        return (found - bound) | reads(node.generators[0].iter)
    if isinstance(node, SCOPES):
        return found - {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
    return found


def writes(node):
    """Names that are bound for sure when a simple statement has run."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(a.asname or a.name).partition(".")[0] for a in node.names}
    if isinstance(node, DEFS + (ast.ClassDef,)):
        return {node.name}
    return {n.id for n in own(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - _in_comprehensions(node)


def _in_comprehensions(node):
    names = set()
    for n in ast.walk(node):
        if isinstance(n, ast.comprehension):
            names |= {t.id for t in ast.walk(n.target) if isinstance(t, ast.Name)}
    return names


class Live:
    """Names that somebody may yet read, before statements of which it is known what is read after them."""

    def block(self, statements, after, exits=None):
        for statement in reversed(statements):
            after = self.one(statement, after, exits or {})
        return after

    def one(self, s, after, exits):
        if isinstance(s, ast.If):
            return reads(s.test) | self.block(s.body, after, exits) | self.block(s.orelse, after, exits)
        if isinstance(s, LOOPS + (ast.AsyncFor,)):
            return self._loop(s, after, exits)
        if isinstance(s, (ast.With, ast.AsyncWith)):
            live = self.block(s.body, after, exits) | (set() if _runs_to_its_end(s) else after)
            for item in reversed(s.items):
                bound = writes(item.optional_vars) if item.optional_vars is not None else set()
                live = (live - bound) | reads(item.context_expr) | (reads(item.optional_vars) if item.optional_vars is not None else set())
            return live
        if isinstance(s, (ast.Try, getattr(ast, "TryStar", ast.Try))):
            # An exception may come before anything was written: nothing that a handler reads is dead in the body.
            last = self.block(s.finalbody, after, exits)
            handled = set().union(*(self.block(h.body, last, exits) - {h.name} | (reads(h.type) if h.type else set()) for h in s.handlers), set())
            return self.block(s.body, self.block(s.orelse, last, exits), exits) | handled | (last if s.finalbody else set())
        if isinstance(s, ast.Break):
            return exits.get("break", after)
        if isinstance(s, ast.Continue):
            return exits.get("continue", after)
        if isinstance(s, (ast.Return, ast.Raise)):
            return reads(s)
        if isinstance(s, ast.Match):
            return after | reads(s)
        return (after - writes(s)) | reads(s)

    def _loop(self, s, after, exits):
        done = self.block(s.orelse, after, exits)
        bound = set() if isinstance(s, ast.While) else writes(s.target)
        head = done | (reads(s.test) if isinstance(s, ast.While) else set())
        while True:
            inside = self.block(s.body, head, {"break": after, "continue": head})
            more = head | (inside - bound) | (reads(s.target) if not isinstance(s, ast.While) else set())
            if more == head:
                return head if isinstance(s, ast.While) else head | reads(s.iter)
            head = more


def _runs_to_its_end(s):
    """Whether an exception in the body of a with statement leaves the function; most objects may as well swallow it."""
    return all(isinstance(i.context_expr, ast.Call) and isinstance(i.context_expr.func, ast.Name) and i.context_expr.func.id == "open" for i in s.items)


def surely(statements, before):
    """Names that are bound for sure when statements have run to their end."""
    bound = set(before)
    for s in statements:
        if isinstance(s, ast.If):
            bound = surely(s.body, bound) & surely(s.orelse, bound)
        elif isinstance(s, (ast.With, ast.AsyncWith)):
            for item in s.items:
                bound |= writes(item.optional_vars) if item.optional_vars is not None else set()
            bound = surely(s.body, bound) if _runs_to_its_end(s) else bound
        elif isinstance(s, LOOPS + (ast.AsyncFor, ast.Match)):
            pass
        elif isinstance(s, (ast.Try, getattr(ast, "TryStar", ast.Try))):
            parts = [surely(s.body + s.orelse, bound)] + [surely(h.body, bound) for h in s.handlers]
            bound = surely(s.finalbody, set.intersection(*parts))
        elif isinstance(s, ast.Delete):
            bound -= reads(s)
        else:
            bound |= writes(s)
    return bound


class Refused(Exception):
    def __init__(self, node, what):
        super().__init__(what)
        self.node = node


def _check(loop, function):
    names = {n for g in ast.walk(function) if isinstance(g, (ast.Global, ast.Nonlocal)) for n in g.names}
    for at in ast.walk(loop):
        if isinstance(at, ast.Return):
            raise Refused(at, "returns from the function")
        if isinstance(at, (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)):
            raise Refused(at, "is part of a generator or coroutine")
        if isinstance(at, DEFS + (ast.ClassDef, ast.Import, ast.ImportFrom)):
            raise Refused(at, "defines a function, a class or a module's name")
        if isinstance(at, ast.Delete) and any(isinstance(t, ast.Name) for t in at.targets):
            raise Refused(at, "deletes a variable")
        if isinstance(at, ast.Match):
            raise Refused(at, "has a match statement")
        if isinstance(at, ast.Name) and at.id in names:
            raise Refused(at, f"uses {at.id}, which is declared global or nonlocal")
        if isinstance(at, ast.Name) and at.id in ("locals", "super", "vars", "dir", "exec", "eval"):
            raise Refused(at, f"uses {at.id}, which looks at the function's variables")


def _captured(function):
    """Names that functions within the function use."""
    found = set()
    for n in ast.walk(function):
        if isinstance(n, SCOPES) and n is not function:
            found |= reads(n) | {m.id for m in ast.walk(n) if isinstance(m, ast.Name)}
    return found


class Blocks:
    """Takes the loops out of functions of a program; `refused`: (path, line, column, what); `lines`: new function → lines."""

    def __init__(self, program, looked):
        self.program, self.looked, self.refused, self.lines = program, looked, [], {}
        for name in looked:
            if program.is_function(name):
                self._function(name)
        for module in program.modules.values():
            module.index()
        program.resolve()

    def _function(self, name):
        module, short = self.program.split(name)
        function = module.functions[short]
        if isinstance(function, ast.AsyncFunctionDef) or short in module.again:
            return
        after = {}
        live = set()
        for at in range(len(function.body) - 1, -1, -1):
            after[at] = live
            live = Live().one(function.body[at], live, {})
        number = 0
        for at, loop in enumerate(list(function.body)):
            if not isinstance(loop, LOOPS):
                continue
            number += 1
            try:
                self._take(module, function, at, after[at], f"{short}_loop{number}")
            except Refused as refused:
                self.refused.append((module.path, loop.lineno, loop.col_offset + 1,
                                     f"the loop stays in {short}: at line {refused.node.lineno} it {refused}"))

    def _take(self, module, function, at, live_after, name):
        loop = function.body[at]
        _check(loop, function)
        if name in module.bound or name in module.functions or name in module.classes or name in module.imports:
            raise Refused(loop, f"would be called {name}, and there is one")
        outer = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        bound = surely(function.body[:at], outer)
        local = outer | {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        local |= {n.name for n in ast.walk(function) if isinstance(n, DEFS + (ast.ClassDef,)) and n is not function}
        imported = set().union(*(writes(n) for n in ast.walk(function) if isinstance(n, (ast.Import, ast.ImportFrom))))
        local |= imported
        written = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - _only_in_comprehensions(loop)
        if shared := (written | (reads(loop) & local)) & _captured(function) & local:
            raise Refused(loop, f"shares {sorted(shared)[0]} with a function that is defined there")
        if taken := sorted(reads(loop) & imported):
            raise Refused(loop, f"uses {taken[0]}, which is imported in the function")
        out = written & live_after
        into = Live().one(loop, set(), {}) & local | {o for o in out if o not in surely([loop], set())}
        holders = Holders(self.program, module, function)
        changed = self._changed(module, function, loop, name, sorted(into))
        for one in sorted(changed | {n.target.id for n in ast.walk(loop) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
                                     and not isinstance(n.value, ast.Constant)} & into):
            if not holders.alone(one, loop):
                raise Refused(loop, f"changes {one}, which others may hold")
        out |= changed
        if unbound := sorted(into - bound):
            raise Refused(loop, f"needs {unbound[0]}, which may not be bound by then")
        own_still = {o for o in out if holders.own_within(o, loop)}
        for o in sorted(out - own_still):  # it comes back as a copy
            if later := holders.changed_later(o, o in changed, function.body[at + 1:], lambda call: self._changed_by(module, call)):
                raise Refused(later, f"changes what the loop puts into {o}, which others may hold")
        self._replace(module, function, at, name, sorted(into), sorted(out), changed, own_still)

    def _changed(self, module, function, loop, name, into):
        trial = self._definition(name, into, [loop], loop)
        looked = Looked(self.program, f"{module.name}.{function.name}", trial)
        return {root[1] for root in looked.changed if root[0] == "argument"}

    def _changed_by(self, module, call):
        """Expressions whose values a call changes, or may."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in CHANGE:
            return [call.func.value]
        if self.program.dotted(module, call.func) in CHANGE_FIRST:
            return call.args[:1]
        called = self.program.called(module, call)
        if called in self.looked and any(root[0] == "argument" for root in self.looked[called].changed):
            return [*call.args, *(k.value for k in call.keywords)]
        return []

    @staticmethod
    def _definition(name, into, body, at):
        arguments = ast.arguments(posonlyargs=[], args=[ast.arg(arg=i) for i in into], kwonlyargs=[], kw_defaults=[], defaults=[])
        made = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[], type_params=[])
        return ast.fix_missing_locations(ast.copy_location(made, at))

    def _replace(self, module, function, at, name, into, out, changed, own_still):
        loop = function.body[at]
        result = ast.Tuple(elts=[ast.Name(id=o, ctx=ast.Load()) for o in out], ctx=ast.Load())
        body = [loop] + ([ast.Return(value=result)] if out else [])
        made = self._definition(name, into, body, loop)
        made.returned = frozenset(changed)
        call = ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=[ast.Name(id=i, ctx=ast.Load()) for i in into], keywords=[])
        if out:
            target = ast.Tuple(elts=[ast.Name(id=o, ctx=ast.Store()) for o in out], ctx=ast.Store())
            for held in target.elts + call.args:  # handed over and given back: what may hold it now is what the loop put into it
                held.new = held.id in own_still or held.id not in out
            instead = ast.Assign(targets=[target], value=call)
        else:
            instead = ast.Expr(value=call)
        instead = ast.fix_missing_locations(ast.copy_location(instead, loop))
        function.body[at] = instead
        module.tree.body.insert(module.tree.body.index(function) + 1, made)
        module.functions[name] = made
        self.lines[f"{module.name}.{name}"] = (loop.lineno, loop.end_lineno)


def _only_in_comprehensions(loop):
    """Targets of comprehensions are names of their own, unless the loop binds one of that name as well."""
    inside = {id(t) for n in ast.walk(loop) if isinstance(n, ast.comprehension) for t in ast.walk(n.target)}
    plain = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in inside}
    return _in_comprehensions(loop) - plain
