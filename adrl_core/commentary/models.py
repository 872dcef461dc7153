"""Who writes: a local model, any model that CrewAI can reach, or a recording of what one of them wrote."""

import hashlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from adrl_core.commentary import weights
from adrl_core.files import write_text

TEMPERATURE = 0.8
MAX_TOKENS = 96
SECONDS_TO_START = 120.0
SECONDS_TO_REPLY = 90.0


class ModelError(Exception):
    """The model does not answer, and will not: it is missing, broken, out of memory, or too slow."""


class CassetteMiss(Exception):
    """A reply that was never recorded: the commentary is older than the results."""


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


class LocalModel:
    """The local model, in a process with time limits."""

    name = f"{weights.NAME}@{weights.SHA256[:12]}"
    constrained = True

    def __init__(self, command: Sequence[str] | None = None) -> None:
        """Start the process; `command` replaces it in tests.

        Raises:
            ModelError: the weights are missing or not the right ones.
        """
        if command is None:
            try:
                command = [sys.executable, "-m", "adrl_core.commentary.local", str(weights.checked())]
            except weights.WeightsError as error:
                raise ModelError(str(error)) from None
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._limit = SECONDS_TO_START
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, replies: IO[str]) -> None:
        for line in replies:
            self._lines.put(line)
        self._lines.put("")

    def reply(self, request: Request) -> Reply:
        """Ask, and wait no longer than the limit."""
        start = time.perf_counter()
        question = {
            "messages": list(request.messages),
            "seed": request.seed,
            "temperature": TEMPERATURE,
            "max_tokens": MAX_TOKENS,
            **({"grammar": request.grammar} if request.grammar else {}),
        }
        try:
            assert self._process.stdin
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=self._limit + SECONDS_TO_REPLY)
        except queue.Empty:
            self.close()
            raise ModelError(f"{self.name}: no reply within {self._limit + SECONDS_TO_REPLY:.0f} s") from None
        except OSError:
            line = ""
        self._limit = 0.0
        try:
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise ModelError(f"{self.name}: {answer['error']}")
            seconds = round(time.perf_counter() - start, 3)
            return Reply(str(answer["text"]), int(answer["tokens"]), seconds, int(answer["memory"]))
        except (ValueError, KeyError):
            self.close()
            raise ModelError(f"{self.name}: the model's process ended ({self._ending()})") from None

    def _ending(self) -> str:
        code = self._process.wait(timeout=10)
        return "killed, perhaps for want of memory" if code == -9 else f"exit status {code}"

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


class HostedModel:
    """Any model that CrewAI can name, such as `openai/gpt-4o-mini` or `ollama/llama3`."""

    constrained = False

    def __init__(self, name: str) -> None:
        """Name the model; its keys come from the environment variables of its provider."""
        self.name = name

    def reply(self, request: Request) -> Reply:
        """Ask, and wait no longer than the limit."""
        from crewai import LLM

        start = time.perf_counter()
        try:
            model = LLM(
                model=self.name,
                temperature=TEMPERATURE,
                max_tokens=MAX_TOKENS,
                seed=request.seed,
                timeout=SECONDS_TO_REPLY,
            )
            text = str(model.call([{**message} for message in request.messages]))  # type: ignore[typeddict-item]
        except Exception as error:  # whatever a provider's client may raise
            # The message of a provider's error may hold the key that it refused.
            raise ModelError(f"{self.name}: {type(error).__name__}") from None
        return Reply(text, seconds=round(time.perf_counter() - start, 3))

    def close(self) -> None:
        """Nothing to let go of."""


class Cassette:
    """Recorded replies, a file of JSON: key of the request -> reply."""

    def __init__(self, path: Path) -> None:
        """Open the recording at a path, empty if there is none.

        Raises:
            CassetteMiss: the file is no recording.
        """
        self.path = path
        self.played: set[str] = set()
        try:
            recorded = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            self.replies = {key: Reply(**reply) for key, reply in recorded.items()}
        except (ValueError, TypeError, AttributeError):
            raise CassetteMiss(f"{path}: not a recording; remove it, then `make commentary`") from None

    def cost(self) -> Reply:
        """What the replies asked for took together, without their texts."""
        replies = [self.replies[key] for key in sorted(self.played)]
        return Reply(
            "",
            sum(reply.tokens for reply in replies),
            sum(reply.seconds for reply in replies),
            max((reply.memory for reply in replies), default=0),
        )

    def save(self) -> None:
        """Keep the replies that were asked for, whole or not at all."""
        kept = {key: self.replies[key]._asdict() for key in sorted(self.played)}
        write_text(self.path, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


class Replay:
    """A model's recorded replies; nothing is asked anew."""

    def __init__(self, cassette: Cassette, name: str = LocalModel.name, constrained: bool = True) -> None:
        """Play a cassette that was recorded with a model of this name."""
        self.name, self.constrained, self._cassette = name, constrained, cassette

    def reply(self, request: Request) -> Reply:
        """The recorded reply.

        Raises:
            CassetteMiss: there is none.
        """
        if request.key not in self._cassette.replies:
            raise CassetteMiss(
                f"{self._cassette.path}: holds no reply for this request; the results have changed since the "
                "commentary was recorded: `make commentary` records it anew"
            )
        self._cassette.played.add(request.key)
        return self._cassette.replies[request.key]

    def close(self) -> None:
        """Nothing to let go of."""


class Recorder:
    """A model whose replies are written to a cassette."""

    def __init__(self, model: Model, cassette: Cassette) -> None:
        """Record what a model answers."""
        self.name, self.constrained = model.name, model.constrained
        self._model, self._cassette = model, cassette

    def reply(self, request: Request) -> Reply:
        """The model's reply, recorded; one recorded before is not asked for again."""
        if request.key not in self._cassette.replies:
            self._cassette.replies[request.key] = self._model.reply(request)
        self._cassette.played.add(request.key)
        return self._cassette.replies[request.key]

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()
