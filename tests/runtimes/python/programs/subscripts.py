"""a[i] with a __getitem__ in Python: 3.11 specialises it."""


class Table:
    def __getitem__(self, key):
        return key

    @property
    def width(self):
        return 1

    def __iter__(self):
        yield self.width


def read(table, times):
    total = 0
    for i in range(times):
        total += table[i] + table.width
    return total


def main():
    for times in (1, 3, 200):
        read(Table(), times)
    # Dies after it has been specialised; another gets its place.
    for i in range(50):
        scope = {}
        exec("def made(table):\n return [table[k] for k in range(%d)]" % i, scope)
        scope["made"](Table())
    list(Table())
