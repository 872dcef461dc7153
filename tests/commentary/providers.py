"""Models that misbehave, and a provider of models on this machine."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-secret-0123456789"
ANSWERING = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"text": %s, "tokens": 3, "memory": 2**20}), flush=True)
"""
ENDING = {
    "hangs": ("import time; time.sleep(60)", "no reply within"),
    "ends": ("raise SystemExit(3)", "exit status 3"),
    "is killed": ("import os, signal; input(); os.kill(os.getpid(), signal.SIGKILL)", "want of memory"),
    "babbles": ("print('no json', flush=True); import time; time.sleep(60)", "process ended"),
    "refuses": (
        """input(); print('{"error": "context too long"}', flush=True); input()""",
        "context too long",
    ),
    "is terse": ("input(); print('{}', flush=True); input()", "without text"),
}
"""Code of processes that fail, and words of what is said of it."""


def process(code: str) -> list[str]:
    """The command that runs Python code as a model's process."""
    return [sys.executable, "-c", code]


def answering(text: str) -> list[str]:
    """A model that always gives the same answer."""
    return process(ANSWERING % repr(text))


@contextmanager
def provider(status: int, text: str = "", seconds: float = 0.0) -> Iterator[str]:
    """Address of a provider that speaks OpenAI's language; it sends the caller's key back with its errors."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(seconds)
            message = {"role": "assistant", "content": text}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
            }
            refusal = {"error": {"message": f"wrong key: {self.headers['Authorization']}"}}
            content = json.dumps(answer if status == 200 else refusal).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
