"""What a command took, of itself only.

Linux hands the most memory of the process that starts a program down to it (getrusage(2): ru_maxrss; exec keeps the peak of what was
there before, which is its parent's after vfork). So a small program starts it, not the test, which may have grown large.
"""
import json
import os
import resource
import subprocess
import sys


def run(command, **options):
    """Runs it to its end, with the options of subprocess.Popen: its status, its seconds of CPU, its most memory in MiB (some 10 at least)."""
    told, tell = os.pipe()
    try:
        with open(told, encoding="utf-8") as report:
            with os.fdopen(tell, "w"):
                starter = subprocess.Popen([sys.executable, "-IS", __file__, str(tell), *map(str, command)], pass_fds=[tell], **options)
            said = report.read()
    finally:
        starter.wait()
    return tuple(json.loads(said))


def main():
    tell = int(sys.argv[1])
    os.set_inheritable(tell, False)
    status = subprocess.run(sys.argv[2:], check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.write(tell, json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]).encode())


if __name__ == "__main__":
    main()
