"""An invocation that is held for a debugger (autotune trace --break): debugpy where it can be imported, else pdb
over a socket. Standard library only, Python 3.8+.

bootstrap.py loads this for such an invocation only. Three messages go to the host, whose clock of the invocation
stands meanwhile: `waiting`, answered when the invocation is to go on without a debugger, whatever the developer does;
`attached`, when somebody is connected; `over`, when the debugger has gone. Nothing that goes wrong here is an error
of the function: it runs without a debugger then.
"""
import json
import os
import pdb
import select
import socket
import sys
import threading
import time

TIMEOUT = 10  # seconds, for the host, and for a developer's end to take what is written


class HostLine:
    """What is said to the host about one hold."""

    def __init__(self, address):
        self.address = address
        self.waiting = None
        self.is_over = False

    def wait(self, debugger, address):
        self.waiting = self._send("waiting", {"debugger": debugger, "address": address})

    def let_go(self, seconds=0):
        """Has the host ended the hold? Waits for it for so long."""
        return bool(select.select([self.waiting], [], [], seconds)[0])

    def attached(self):
        self._tell("attached")

    def over(self):
        if not self.is_over:
            self.is_over = True
            self._tell("over")
            self.waiting.close()

    def _tell(self, what):
        try:
            with self._send(what, {}) as connection:
                connection.recv(4096)  # from now on the host's clock is as told
        except OSError:
            pass

    def _send(self, what, message):
        connection = socket.create_connection(self.address, TIMEOUT)
        body = json.dumps(message).encode()
        connection.sendall(b"POST /autotune/hold/%s HTTP/1.1\r\nHost: host\r\nContent-Length: %d\r\n\r\n%s"
                           % (what.encode(), len(body), body))
        return connection


class Console:
    """A developer's connection as the file that pdb reads and writes. Gone, or let go by the host: end of file."""

    encoding = "utf-8"

    def __init__(self, connection, host):
        self.connection, self.host = connection, host
        self.buffer = b""
        connection.settimeout(TIMEOUT)

    def readline(self):
        while b"\n" not in self.buffer:
            try:
                if self.host.waiting in select.select([self.connection, self.host.waiting], [], [])[0]:
                    self.write("\nThe invocation goes on.\n")
                    return ""
                piece = self.connection.recv(4096)
            except OSError:
                piece = b""
            if not piece:
                return ""
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r") + "\n"

    def write(self, text):
        try:
            self.connection.sendall(text.encode("utf-8", "backslashreplace"))
        except OSError:
            pass  # the next readline() tells

    def flush(self):
        pass

    def close(self):
        self.connection.close()


class Debugger(pdb.Pdb):
    """pdb that never ends the function: leaving it lets the invocation go on."""

    def __init__(self, console, over):
        super().__init__(stdin=console, stdout=console, nosigint=True, readrc=False)
        self.over = over

    def stop_here(self, frame):
        # Who steps out of the handler has no business in this file.
        return frame.f_globals is not globals() and super().stop_here(frame)

    def set_continue(self):
        super().set_continue()
        if not self.breaks:
            self.over()

    def leave(self, _):
        self.clear_all_breaks()
        self.set_continue()
        return 1

    do_quit = do_q = do_exit = do_EOF = leave

    def refuse(self, _):
        self.error("an invocation cannot be started again")

    do_run = do_restart = refuse


class Session:
    """The function, callable with a debugger."""

    def __init__(self, runtime_api, function):
        self.host = HostLine(runtime_api)
        self.function = function
        self.context = None

    def __call__(self, event, context):
        self.context = context
        try:
            call = self._prepare()
        except Exception as error:
            print("[WARNING] no debugger for this invocation: %s: %s" % (type(error).__name__, error))
            call = self.function
        if call is self.function:
            self._over()
        try:
            return call(event, context)
        finally:
            self._over()

    def _over(self):
        if self.host.is_over:
            return
        try:
            self.host.over()
        except Exception:
            self.host.is_over = True
        self.context.go_on()

    def _prepare(self):
        """What to call, once a developer is there or the host has lost patience."""
        if os.environ.get("AUTOTUNE_DEBUGGER") != "pdb":
            try:
                import debugpy
            except ImportError:
                pass
            else:
                return self._with_debugpy(debugpy)
        return self._with_pdb()

    def _with_pdb(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.host.wait("pdb", "127.0.0.1:%d" % listener.getsockname()[1])
            if listener not in select.select([listener, self.host.waiting], [], [])[0]:
                return self.function
            console = Console(listener.accept()[0], self.host)
        self.host.attached()
        debugger = Debugger(console, self._over)

        def call(event, context):
            debugger.reset()
            sys.settrace(debugger.trace_dispatch)
            try:
                return self.function(event, context)
            finally:
                sys.settrace(None)
                debugger.clear_all_breaks()
                console.close()

        return call

    def _with_debugpy(self, debugpy):
        self.host.wait("debugpy", "%s:%d" % debugpy.listen(("127.0.0.1", 0)))
        came = threading.Event()  # a developer, or the end of patience
        threading.Thread(target=self._follow_debugpy, args=(debugpy, came), daemon=True).start()
        debugpy.wait_for_client()
        came.set()
        if not debugpy.is_client_connected():
            return self.function
        self.host.attached()

        def call(event, context):
            debugpy.breakpoint()
            return self.function(event, context)  # step into it

        return call

    def _follow_debugpy(self, debugpy, came):
        while not debugpy.is_client_connected() and not self.host.is_over:
            if self.host.let_go(0.1):
                while not came.wait(0.05):
                    try:
                        debugpy.wait_for_client.cancel()
                    except (AttributeError, RuntimeError):
                        pass  # it has not begun to wait: there is nothing to cancel yet
                return
        while debugpy.is_client_connected() and not self.host.is_over:
            time.sleep(0.1)
        self._over()
