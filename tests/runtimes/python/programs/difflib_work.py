import difflib


def main():
    before = ["line %d\n" % (i * i % 37) for i in range(120)]
    after = ["line %d\n" % (i * i % 41) for i in range(120)]
    list(difflib.unified_diff(before, after))
    list(difflib.ndiff(before[:40], after[:40]))
    difflib.get_close_matches("appel", ["ape", "apple", "peach", "puppy"])
