"""What the wrapper's tests share: where it is, and a platform whose clock is the test's own."""
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "runtimes" / "remedy"))
sys.dont_write_bytecode = True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Context:
    """The platform's: so much time is left of the whole."""
    aws_request_id = "id"

    def __init__(self, clock, seconds):
        self.clock, self.ends = clock, clock() + seconds

    def get_remaining_time_in_millis(self):
        return max(0, int((self.ends - self.clock()) * 1000))
