def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def main():
    deep(900)
    try:
        deep(10 ** 6)
    except RecursionError:
        pass
