"""A language model in a process of its own: a JSON request a line on stdin, a JSON reply a line on stdout.

A process can be given a time limit, takes the model's memory with it when it ends, and keeps whatever its
libraries print, a provider's error with a key in it included, out of the report.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

SECONDS_TO_START = 120.0
SECONDS_TO_REPLY = 90.0


class ProcessError(Exception):
    """The process does not answer, and will not; the message is one line."""


class ModelProcess:
    """A process that answers requests, started with the first one."""

    def __init__(self, command: Sequence[str]) -> None:
        """Name the command that runs `serve`."""
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The answer and the seconds that it took.

        Raises:
            ProcessError: no answer within the limit, an error as the answer, or the process has ended.
        """
        start, limit = time.perf_counter(), SECONDS_TO_REPLY
        if self._process is None:
            self._start()
            limit += SECONDS_TO_START
        assert self._process and self._process.stdin
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise ProcessError(f"no reply within {limit:.0f} s") from None
        except OSError:
            line = ""
        try:
            answer = json.loads(line)
            error = answer.get("error")
        except (ValueError, AttributeError):
            self.close()
            raise ProcessError(f"the model's process ended ({self._ending()})") from None
        if error:
            raise ProcessError(str(error))
        return answer, round(time.perf_counter() - start, 3)

    def _start(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, replies: IO[str]) -> None:
        for line in replies:
            self._lines.put(line)
        self._lines.put("")

    def _ending(self) -> str:
        assert self._process
        code = self._process.wait(timeout=10)
        return "killed, perhaps for want of memory" if code == -9 else f"exit status {code}"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer requests on stdin until it ends; an answer holds `text`, `tokens` and `memory`, or `error`."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between the replies
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=replies, flush=True)
