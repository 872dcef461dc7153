"""The local model in a process of its own: one JSON request a line on stdin, one JSON reply a line on stdout.

A process can be given a time limit, and takes the model's memory with it when it ends.
"""

import json
import os
import resource
import sys

THREADS = 2
"""Fixed: the order of sums, and with it the text, depends on the number of threads."""
CONTEXT = 2048
KIB = 1024
"""Unit of the peak memory that the system tells."""


def serve(weights: str) -> None:
    """Answer requests with `messages`, `grammar`, `seed`, `temperature` and `max_tokens` until stdin ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the library prints must not stand between the replies
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = CONTEXT
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    server = xllamacpp.Server(parameters)
    for line in sys.stdin:
        answer = server.handle_chat_completions({**json.loads(line), "cache_prompt": False})
        answer = json.loads(answer) if isinstance(answer, str | bytes) else answer
        if "choices" in answer:
            message = {
                "text": answer["choices"][0]["message"]["content"],
                "tokens": answer["usage"]["completion_tokens"],
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB,
            }
        else:
            message = {"error": json.dumps(answer)}
        print(json.dumps(message), file=replies, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
