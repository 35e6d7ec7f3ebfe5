#!/usr/bin/env python3
"""Writes logs in the formats of Snafu's loggers and of its executor python3trace, for the tests.

Usage: make_logs.py FOLDER
"""
import gzip
import pathlib
import sqlite3
import sys

CALLS = [
    ("", "hello", 12.345, True),
    ("external:lambda", "resize", -1.0, False),
    ("shop.py", "a,b", 0.001, True),
]
TRACE = (
    "call from \t/s/exec.py.execute to /f/shop.py.handler\n"
    "performance -- CPU: 3.1% - Memory: 0.25%\n"
    "File OPENED by /f/shop.py.load in mode 'r' - Path: /etc/hosts\n"
    "Connection OPENED by /f/shop.py.load: tcp connection from 10.0.0.7:41000 to 10.0.0.9:41000\n"
    "call from \t/f/shop.py.handler to /f/shop.py.load\n"
    "return from \t/f/shop.py.load to /f/shop.py.handler - time elapsed: 1.5ms\n"
    "call from \t/f/shop.py.handler to /f/shop.py.check\n"
    "exception in \t/f/shop.py.check at line 12: (<class 'ValueError'>, ValueError('two\n"
    "lines'), <traceback object at 0x7f>)\n"
    "return from \t/f/shop.py.check to /f/shop.py.handler - time elapsed: 0.25ms\n"
    "exception in \t/f/shop.py.handler at line 20: (<class 'ValueError'>, 'x', None)\n"
    "call from \t/f/shop.py.handler to /f/shop.py.<lambda>\n"
    "return from \t/f/shop.py.<lambda> to /f/shop.py.handler - time elapsed: 0.000954ms\n"
    "return from \t/f/shop.py.handler to /s/exec.py.execute - time elapsed: 4.0ms\n"
)


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    csv = "".join("{},{},{:1.3f},{}\n".format(*call) for call in CALLS)
    (folder / "snafu.csv").write_text(csv)
    (folder / "snafu.csv.gz").write_bytes(gzip.compress(csv.encode()))
    name = "trace_log-shop-251103-1407-0123abcd.log"
    (folder / name).write_text(TRACE)
    (folder / (name + ".gz")).write_bytes(gzip.compress(TRACE.encode()))
    database = folder / "snafu.sqlite"
    database.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE log (source text, function text, duration real, success bool)")
    for source, function, duration, success in CALLS:
        connection.execute("INSERT INTO log VALUES (?, ?, ?, ?)", (source, function, duration, str(success)))
    connection.commit()
    connection.close()
    (folder / "snafu.sqlite.gz").write_bytes(gzip.compress(database.read_bytes()))


main()
