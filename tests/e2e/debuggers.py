"""Both ends of a hold: `autotune trace --break`, and debuggers as developers use them."""
import json
import os
import signal
import socket
import subprocess

import harness


class Break:
    """`autotune trace --break`, and what it says."""

    def __init__(self, host, function, *options):
        self.process = subprocess.Popen(
            [str(harness.AUTOTUNE), "trace", "--break", function, "--endpoint", host.url, "--json", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.talk = [self.process.stderr.readline()]  # the host knows of it when this is said
        self.views = []

    def until(self, *stages):
        """The first view of one of these stages."""
        for line in self.process.stdout:
            self.views.append(json.loads(line))
            if self.views[-1]["stage"] in stages:
                return self.views[-1]
        raise AssertionError(f"never {stages}: {self.views} {self.talk} {self.process.stderr.read()}")

    def end(self):
        """Exit status, and all that was told."""
        out, talk = self.process.communicate(timeout=60)
        self.views += [json.loads(line) for line in out.splitlines()]
        self.talk.append(talk)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.process.stderr.close()

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.end()


class Pdb:
    """A developer at the other end of the socket."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 30)

    def until_prompt(self):
        text = ""
        while not text.endswith("(Pdb) "):
            piece = self.socket.recv(4096).decode()
            if not piece:
                raise AssertionError(f"no prompt: {text}")
            text += piece
        return text

    def type(self, command):
        self.socket.sendall(command.encode() + b"\n")

    def close(self):
        self.socket.close()


class DapClient:
    """Just enough of the Debug Adapter Protocol to attach, look and go on."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 30)
        self.file = self.socket.makefile("rb")
        self.sequence = 0

    def send(self, command, **arguments):
        self.sequence += 1
        body = json.dumps({"seq": self.sequence, "type": "request", "command": command, "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def until(self, kind, name):
        """The next message that is this event or the answer to this command."""
        while True:
            size = 0
            while (line := self.file.readline().strip()) or not size:
                if not line:
                    raise AssertionError(f"no {kind} {name}: the adapter has gone")
                size = int(line.split(b":")[1])
            message = json.loads(self.file.read(size))
            if message["type"] == kind and message.get("event", message.get("command")) == name:
                return message.get("body")

    def ask(self, command, **arguments):
        self.send(command, **arguments)
        return self.until("response", command)

    def close(self):
        self.file.close()
        self.socket.close()


def folder_of_debugpy():
    """Where the functions' Python finds debugpy: AUTOTUNE_DEBUGPY, or by itself (""); None: nowhere."""
    folder = os.environ.get("AUTOTUNE_DEBUGPY", "")
    found = subprocess.run(["/usr/bin/python3", "-c", "import debugpy"], capture_output=True,
                           env={**os.environ, "PYTHONPATH": folder})
    return folder if found.returncode == 0 else None
