"""What all configuration models share: immutable, unknown fields an error, problems told in one line."""

from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class ConfigurationError(ValueError):
    """A parameter is unknown or out of range; the message names it, its value and what is allowed."""


class Frozen(BaseModel):
    """Base of all configuration models: immutable, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Finite(Frozen):
    """Base of the settings of a study: its numbers are finite, too."""

    model_config = ConfigDict(allow_inf_nan=False)


Model = TypeVar("Model", bound=Frozen)


def validate(model: type[Model], parameters: dict[str, Any]) -> Model:
    """Validate parameters, turning pydantic's report into one line a problem."""
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            path = ".".join(str(part) for part in item["loc"])
            cause = item.get("ctx", {}).get("error")
            if item["type"] == "extra_forbidden":
                allowed = ", ".join(_fields(model, item["loc"]))
                problems.append(f"{path}: unknown parameter; allowed: {allowed}")
            elif isinstance(cause, ConfigurationError):
                problems.append(str(cause))
            else:
                problems.append(f"{path} = {item['input']!r}: {item['msg']}")
        raise ConfigurationError("; ".join(problems)) from None


def _fields(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names of the fields beside a place in a model, as far as nested models lead to it."""
    for part in place[:-1]:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        kinds = (kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type))
        model = next((kind for kind in kinds if issubclass(kind, BaseModel)), model)
    return list(model.model_fields)
