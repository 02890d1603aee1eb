"""A real SMTP server (aiosmtpd) or an HTTP server, for tests: servers.py smtp|smtps|http|https FOLDER [PORT] [CERT KEY PASSWORD].

With a certificate, smtp wants STARTTLS; smtps and https speak TLS from the first byte.

Writes `port` into FOLDER once it answers, then one JSON file for each mail or request, numbered in their order.
"""

import email.policy
import itertools
import json
import os
import ssl
import sys
import threading

kind, folder = sys.argv[1], sys.argv[2]
port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
numbers = itertools.count(len(os.listdir(folder)))
turn = threading.Lock()


def keep(name, value):
    with turn:
        path = os.path.join(folder, name or "%06d.json" % next(numbers))
        with open(path + ".new", "w") as file:
            json.dump(value, file)
        os.rename(path + ".new", path)


def smtp():
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("nobody@"):
                return "550 5.1.1 no such mailbox here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            part = lambda kind: mail.get_body((kind,)).get_content()
            keep("", {
                "to": envelope.rcpt_tos, "from": envelope.mail_from, "tls": kind == "smtps" or session.ssl is not None,
                "headers": {k.lower(): str(v) for k, v in mail.items()},
                "plain": part("plain"), "html": part("html"),
                "raw_subject": [l for l in envelope.content.decode("ascii").split("\r\n") if l.startswith("Subject:")][0],
            })
            return "250 2.0.0 taken, says the test"

    extra = {}
    if len(sys.argv) > 4:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[4], sys.argv[5])

        def authenticate(server, session, envelope, mechanism, data):
            good = data.login == b"reprise" and data.password == sys.argv[6].encode()
            return AuthResult(success=good, handled=False)

        # aiosmtpd lets nobody log in before STARTTLS, and has none inside TLS.
        kept = {"ssl_context": context, "auth_require_tls": False} if kind == "smtps" else {
            "tls_context": context, "require_starttls": True}
        extra = {**kept, "authenticator": authenticate, "auth_required": True}
    controller = Controller(Handler(), hostname="127.0.0.1", port=port, ready_timeout=60, **extra)
    if port == 0:
        # aiosmtpd tries its own port when it starts, so it must know one.
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            controller.port = free.getsockname()[1]
    controller.start()
    keep("port", controller.port)
    threading.Event().wait()


def http():
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            good = not self.path.startswith("/unknown")
            keep("", {"method": self.command, "path": self.path, "body": body,
                      "type": self.headers.get("content-type")})
            said = b"ok" if good else ("no webhook at " + self.path).encode()
            self.send_response(200 if good else 404)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if kind == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[4], sys.argv[5])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    keep("port", server.server_port)
    server.serve_forever()


{"smtp": smtp, "smtps": smtp, "http": http, "https": http}[kind]()
