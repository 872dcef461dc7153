"""Recordings of what a language model wrote, from which the commentary is played back."""

import json
from pathlib import Path

from adrl_core.commentary.models import Model, Reply, Request
from adrl_core.files import write_text


class CassetteMiss(RuntimeError):
    """A reply that was never recorded: the commentary is older than the results."""


class Cassette:
    """Recorded replies of one model, a file of JSON: its name, and key of the request -> reply."""

    def __init__(self, path: Path) -> None:
        """Open the recording at a path, empty if there is none.

        Raises:
            CassetteMiss: the file is no recording.
        """
        self.path = path
        self.played: set[str] = set()
        self.model, self.constrained = "", False
        self.replies: dict[str, Reply] = {}
        try:
            if path.exists():
                recorded = json.loads(path.read_text(encoding="utf-8"))
                self.model, self.constrained = str(recorded["model"]), bool(recorded["constrained"])
                self.replies = {key: Reply(**reply) for key, reply in recorded["replies"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CassetteMiss(f"{path}: not a recording; remove it, then record anew") from None

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
        recorded = {"model": self.model, "constrained": self.constrained, "replies": kept}
        write_text(self.path, json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


class Replay:
    """A model's recorded replies; nothing is asked anew."""

    def __init__(self, cassette: Cassette) -> None:
        """Play a cassette."""
        self.name, self.constrained, self._cassette = cassette.model, cassette.constrained, cassette

    def reply(self, request: Request) -> Reply:
        """The recorded reply.

        Raises:
            CassetteMiss: there is none.
        """
        if request.key not in self._cassette.replies:
            raise CassetteMiss(f"{self._cassette.path} holds no reply")
        self._cassette.played.add(request.key)
        return self._cassette.replies[request.key]

    def close(self) -> None:
        """Nothing to let go of."""


class Recorder:
    """A model whose replies are written to a cassette."""

    def __init__(self, model: Model, cassette: Cassette) -> None:
        """Record what a model answers; of another model's recording nothing is kept."""
        self.name, self.constrained = model.name, model.constrained
        self._model, self._cassette = model, cassette
        cassette.model, cassette.constrained = model.name, model.constrained

    def reply(self, request: Request) -> Reply:
        """The model's reply, recorded; one recorded before is not asked for again."""
        if request.key not in self._cassette.replies:
            self._cassette.replies[request.key] = self._model.reply(request)
        self._cassette.played.add(request.key)
        return self._cassette.replies[request.key]

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()
