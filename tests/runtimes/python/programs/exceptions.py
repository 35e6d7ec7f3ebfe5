import contextlib


def raise_at(n):
    if n == 0:
        raise ValueError("at the bottom")
    try:
        raise_at(n - 1)
    finally:
        len("cleaning up")


@contextlib.contextmanager
def swallow():
    try:
        yield
    except ValueError:
        pass


class Odd:
    def __getattr__(self, name):
        raise AttributeError(name)

    def __del__(self):
        str(1)

    def __eq__(self, other):
        return NotImplemented


def main():
    for _ in range(20):
        with swallow():
            raise_at(25)
        odd = Odd()
        hasattr(odd, "x")
        odd == Odd()
    iterator = iter([])
    next(iterator, None)
    try:
        next(x for x in ())
    except StopIteration:
        pass
