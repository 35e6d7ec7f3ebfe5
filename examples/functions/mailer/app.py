"""Hands a message to a mail server. Nothing listens where MAIL_SERVER points, so this fails."""
import os
import socket


def handler(event, context):
    host, port = os.environ["MAIL_SERVER"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=2) as server:
        greeting = server.recv(512).decode(errors="replace")
        return {"to": event["to"], "greeting": greeting}
