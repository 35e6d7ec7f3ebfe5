import ast


class Names(ast.NodeVisitor):
    def __init__(self):
        self.names = []

    def visit_Name(self, node):
        self.names.append(node.id)
        self.generic_visit(node)


def main():
    with open(ast.__file__) as source:
        tree = ast.parse(source.read())
    visitor = Names()
    visitor.visit(tree)
    sum(1 for _ in ast.walk(tree))
    if hasattr(ast, "unparse"):
        ast.unparse(tree)
