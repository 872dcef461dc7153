"""Any model that CrewAI can name, to be run in a process of its own."""

import sys
from typing import Any

from adrl_core.commentary.process import serve


class Hosted:
    """Answers with a model such as `openai/gpt-4o-mini`, `anthropic/claude-3-5-haiku` or `ollama/llama3`."""

    def __init__(self, name: str) -> None:
        """Name the model; its keys come from the environment variables of its provider."""
        self.name = name

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to `messages`, `seed`, `temperature` and `max_tokens`; providers may ignore the seed."""
        from crewai import LLM

        try:
            model = LLM(
                model=self.name,
                temperature=question["temperature"],
                max_tokens=question["max_tokens"],
                seed=question["seed"],
            )
            text = model.call(question["messages"])
            written = model.get_token_usage_summary().completion_tokens
        except ImportError as error:  # tells what to install
            return {"error": str(error).splitlines()[0]}
        except Exception as error:  # whatever a provider's client may raise
            # The message of a provider's error may hold the key that it refused.
            return {"error": type(error).__name__}
        return {"text": str(text or ""), "tokens": written, "memory": 0}


if __name__ == "__main__":
    serve(Hosted(sys.argv[1]))
