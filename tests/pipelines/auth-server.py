#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""An auth server for tests, as a relay's --auth-url expects one: the token of-FINGERPRINT is FINGERPRINT's.
Prints its URL."""

import http.server
import json


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        token = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["token"]
        valid = token.startswith("of-")
        answer = json.dumps({"valid": valid, "fingerprint": token[3:] if valid else None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/v1/auth/validate", flush=True)
server.serve_forever()
