"""An OpenWhisk action container for tests: the action proxy's interface on the standard library's HTTP server.

As docs/actions-new.md of Apache OpenWhisk has it: POST /init {"value": {"name", "main", "code", "binary"}} once, then
POST /run {"value", "activation_id", "action_name", …}; 200 with a JSON object, else 4xx or 502 with {"error": …}.
The port (8080 there) is chosen by the kernel and written to the file that is given.
"""
import http.server
import json
import os
import pathlib
import sys


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    action = None

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/init":
            self.init(message["value"])
        elif self.path == "/run":
            self.run(message)
        else:
            self.answer(404, {"error": "no such route"})

    def init(self, value):
        if Proxy.action is not None:
            return self.answer(403, {"error": "Cannot initialize the action more than once."})
        space = {}
        try:
            exec(value["code"], space)
            Proxy.action = space[value["main"]]
        except Exception as error:
            return self.answer(502, {"error": str(error)})
        self.answer(200, {"ok": True})

    def run(self, message):
        for name, value in message.items():
            if name != "value":
                os.environ["__OW_" + name.upper()] = str(value)
        try:
            result = Proxy.action(message["value"])
        except Exception as error:
            return self.answer(502, {"error": str(error)})
        self.answer(200, result)
        for stream in (sys.stdout, sys.stderr):
            print("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX", file=stream, flush=True)


if __name__ == "__main__":
    server = http.server.HTTPServer(("127.0.0.1", 0), Proxy)
    ready = pathlib.Path(sys.argv[1])
    ready.with_suffix(".new").write_text(f"{os.getpid()} {server.server_port}")
    ready.with_suffix(".new").rename(ready)
    server.serve_forever()
