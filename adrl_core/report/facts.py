"""The store of numbers: every figure that the book quotes, with its interval, its n and where it comes from.

`results/<profile>/facts.json` is the only thing the book's roles read.
"""

import difflib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adrl_core.files import write_text

Part = Literal["value", "low", "high", "interval", "n", "unit"]
P_VALUE = "p"
"""Format of a p value: three decimals, or below the smallest that is told apart."""
SMALLEST_P = 0.001
PARTS: tuple[Part, ...] = ("value", "low", "high", "interval", "n", "unit")


PROSE_PROFILE = "paper"
"""The profile that the book's prose is written about."""


class FactError(RuntimeError):
    """A fact is missing, or the store of facts cannot be read; the message says which and why."""


class Fact(BaseModel):
    """One number, or one word, with what a reader needs to judge it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    value: int | float | str
    """The number, or a word such as "above"."""
    unit: str = ""
    """Unit of the value and its bounds."""
    format: str = ""
    """Python format specification for the value and its bounds, such as ".1f"; or "p" for a p value."""
    low: float | None = None
    """Lower bound of the interval."""
    high: float | None = None
    """Upper bound of the interval."""
    interval: str = ""
    """What the interval is, such as "95 % t interval"."""
    n: Annotated[int, Field(ge=0)] | None = None
    """Number of units of analysis behind the value."""
    unit_of_analysis: str = ""
    """What is counted by n, such as "training runs"."""
    source: str = ""
    """Table under results/<profile>/ that holds the data, or the citation key of a published number."""
    row: str = ""
    """Which rows and columns of the source."""
    stage: str = ""
    """Folder of the stage that made the data, such as "channels/full/evaluate"; empty if published."""

    @model_validator(mode="after")
    def _bounds_come_in_pairs(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high must be given together")
        for part in ("value", "low", "high"):
            self.text(part)  # a format that does not fit the value fails here, not in the book
        return self

    def text(self, part: Part = "value") -> str:
        """The part as printed; empty when the fact has no such part.

        Raises:
            ValueError: the format does not fit the value.
        """
        if part == "unit":
            return self.unit
        if part == "n":
            return "" if self.n is None else str(self.n)
        if part == "interval":
            return f"[{self.text('low')}, {self.text('high')}]" if self.low is not None else ""
        value = {"value": self.value, "low": self.low, "high": self.high}[part]
        if value is None or isinstance(value, str):
            return value or ""
        if self.format == P_VALUE:
            return f"< {SMALLEST_P}" if value < SMALLEST_P else format(value, ".3f")
        return _typographic_minus(format(value, self.format))

    def tooltip(self) -> str:
        """One line with unit, interval, n and source."""
        pieces = [
            self.unit,
            f"{self.interval} {self.text('interval')}" if self.low is not None else "",
            f"n = {self.n} {self.unit_of_analysis}".rstrip() if self.n is not None else "",
            f"source: {self.source}" + (f" ({self.row})" if self.row else "") if self.source else "",
        ]
        return "; ".join(piece.strip() for piece in pieces if piece)


def _typographic_minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


class FactStore(BaseModel):
    """All facts of one profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str
    facts: dict[str, Fact]

    @property
    def strict(self) -> bool:
        """Whether the book's prose is about these results: others may lack facts and refute claims."""
        return self.profile == PROSE_PROFILE

    def __getitem__(self, key: str) -> Fact:
        """The fact with this key, or FactError naming the nearest keys."""
        if key not in self.facts:
            near = difflib.get_close_matches(key, self.facts, n=3)
            hint = f"nearest: {', '.join(near)}" if near else f"{len(self.facts)} keys are known"
            raise FactError(f"fact {key!r}: unknown in profile {self.profile!r}; {hint}")
        return self.facts[key]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a store, or raise FactError naming the file and what is wrong with it."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FactError(f"{path}: missing; `adrl study {path.parent.name}` makes it") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise FactError(f"{path}: {place}: {first['msg']}") from None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """All facts of a study: those of its summary, and of its commentary once there is one."""
        store, commentary = cls.load(folder / "facts.json"), folder / "commentary" / "facts.json"
        more = cls.load(commentary).facts if commentary.exists() else {}
        return store.model_copy(update={"facts": store.facts | more})

    def save(self, path: Path) -> None:
        """Write the store with sorted keys, whole or not at all."""
        content = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
        write_text(path, content + "\n")
