"""What a command took, of itself only.

Linux hands the most memory of the process that starts a program down to it (getrusage(2): ru_maxrss; exec keeps the peak of what was
there before, which is its parent's after vfork). So a small program starts it, not the test, which may have grown large.
"""
import json
import os
import resource
import subprocess
import sys


def run(command, **streams):
    """Runs it to its end, with stdin, stdout and stderr as files: its status, its seconds of CPU, its most memory in MiB (some 10 at least)."""
    told, tell = os.pipe()
    with open(told, encoding="utf-8") as report, os.fdopen(tell, "w") as teller:
        starter = subprocess.Popen([sys.executable, "-IS", __file__, str(tell), *map(str, command)], pass_fds=[tell], **streams)
        try:
            teller.close()
            said = report.read()
        except BaseException:
            starter.kill()  # the command may go on
            raise
        finally:
            starter.wait()
    if not said:
        raise RuntimeError(f"{command}: what was to start it ended with {starter.returncode}")
    told = json.loads(said)
    if isinstance(told, str):
        raise RuntimeError(f"{command}: {told}")
    return tuple(told)


def main():
    tell = int(sys.argv[1])
    os.set_inheritable(tell, False)
    try:
        status = subprocess.run(sys.argv[2:], check=False).returncode
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = [status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
    except OSError as error:
        told = str(error)
    os.write(tell, json.dumps(told).encode())


if __name__ == "__main__":
    main()
