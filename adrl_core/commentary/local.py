"""The local model, to be run in a process of its own."""

import json
import resource
import sys
from typing import Any

from adrl_core.commentary.process import serve

THREADS = 2
"""Fixed: the order of sums, and with it the text, depends on the number of threads."""
CONTEXT = 2048
KIB = 1024
"""Unit of the peak memory that the system tells."""


class Local:
    """Answers with the model whose weights lie at a path."""

    def __init__(self, weights: str) -> None:
        """Name the weights; they are loaded with the first request."""
        self.weights, self.server = weights, None

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to `messages`, `grammar`, `seed`, `temperature` and `max_tokens`."""
        server = self.server = self.server or _server(self.weights)
        answer = server.handle_chat_completions({**question, "cache_prompt": False})
        answer = json.loads(answer) if isinstance(answer, str | bytes) else answer
        if "choices" not in answer:
            return {"error": json.dumps(answer)}
        return {
            "text": answer["choices"][0]["message"]["content"],
            "tokens": answer["usage"]["completion_tokens"],
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB,
        }


def _server(weights: str) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = CONTEXT
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    return xllamacpp.Server(parameters)


if __name__ == "__main__":
    serve(Local(sys.argv[1]))
