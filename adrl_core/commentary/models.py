"""Who writes: a local model, or any model that CrewAI can reach."""

import hashlib
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from adrl_core.commentary import weights
from adrl_core.commentary.process import ModelProcess, ProcessError

TEMPERATURE = 0.8
MAX_TOKENS = 96


class ModelError(Exception):
    """The model does not answer, and will not: it is missing, broken, out of memory, or too slow."""


class Request(NamedTuple):
    """One question to a model; the same request gets the same recorded reply."""

    model: str
    """Name of the model with the hash of its weights, if these are known."""
    messages: Sequence[dict[str, str]]
    grammar: str
    """What the reply must follow while decoding; empty for models that cannot be held to one."""
    seed: int
    attempt: int

    @property
    def key(self) -> str:
        """Name of its recording."""
        sampling = {"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS}
        content = [self.model, list(self.messages), self.grammar, self.seed, self.attempt, sampling]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Reply(NamedTuple):
    """What a model answered, and what it took."""

    text: str
    tokens: int = 0
    """Tokens written; zero where the model does not tell."""
    seconds: float = 0.0
    memory: int = 0
    """Peak memory of the model's process so far, in bytes; zero where it is not ours."""


class Model(Protocol):
    """Something that answers requests."""

    name: str
    constrained: bool
    """Whether it follows a grammar."""

    def reply(self, request: Request) -> Reply:
        """The answer, or ModelError."""
        ...

    def close(self) -> None:
        """Let go of memory and processes."""
        ...


class _InProcess:
    """A model that answers from a process with time limits."""

    def __init__(self, name: str, constrained: bool, command: Sequence[str]) -> None:
        self.name, self.constrained = name, constrained
        self._process = ModelProcess(command)

    def reply(self, request: Request) -> Reply:
        """Ask, and wait no longer than the limit."""
        question = {
            "messages": list(request.messages),
            "seed": request.seed,
            "temperature": TEMPERATURE,
            "max_tokens": MAX_TOKENS,
            **({"grammar": request.grammar} if request.grammar else {}),
        }
        try:
            answer, seconds = self._process.ask(question)
            return Reply(str(answer["text"]), int(answer["tokens"]), seconds, int(answer["memory"]))
        except ProcessError as error:
            raise ModelError(f"{self.name}: {error}") from None
        except (KeyError, TypeError, ValueError):
            raise ModelError(f"{self.name}: a reply without text, tokens and memory") from None

    def close(self) -> None:
        """End the process."""
        self._process.close()


class LocalModel(_InProcess):
    """The model that comes with this package."""

    NAME = f"{weights.NAME}@{weights.SHA256[:12]}"

    def __init__(self, command: Sequence[str] | None = None) -> None:
        """Look for the weights; `command` replaces the model in tests.

        Raises:
            ModelError: the weights are missing or not the right ones.
        """
        if command is None:
            try:
                command = [sys.executable, "-m", "adrl_core.commentary.local", str(weights.checked())]
            except weights.WeightsError as error:
                raise ModelError(str(error)) from None
        super().__init__(self.NAME, True, command)


class HostedModel(_InProcess):
    """Any model that CrewAI can name, such as `openai/gpt-4o-mini` or `ollama/llama3`."""

    def __init__(self, name: str) -> None:
        """Name the model; its keys come from the environment variables of its provider."""
        super().__init__(name, False, [sys.executable, "-m", "adrl_core.commentary.hosted", name])
