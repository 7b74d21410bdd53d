"""Speaking to providers of language models by pydantic-ai (extra ``llm``).

Belongs here: which objects of the library speak a provider's protocol, and when a failed request is
worth another. Stays out: what is asked, and what becomes of the answer.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from aina_assets.contracts.errors import AinaError
from aina_assets.review.votes import PanelModel


def library(name: str, where: str) -> Any:
    """The module ``name`` of the extra.

    Raises:
        AinaError: the extra is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise AinaError(
            expected="pydantic-ai with its clients, which models are asked through",
            found=str(error),
            where=where,
            remedy="install the extra: uv sync --extra llm",
        ) from error


def speaking(model: PanelModel, url: str | None, key: str, http: Any, where: str) -> Any:
    """The model object of pydantic-ai that speaks the provider's protocol.

    Args:
        model: whose protocol, and its name.
        url: address; none: the provider's own.
        key: what opens it.
        http: client that carries the requests.
        where: who asks, for the message of an error.
    """
    if model.provider == "anthropic":
        provider = library("pydantic_ai.providers.anthropic", where).AnthropicProvider
        kind = library("pydantic_ai.models.anthropic", where).AnthropicModel
        return kind(model.name, provider=provider(api_key=key, base_url=url, http_client=http))
    kind = library("pydantic_ai.models.openai", where).OpenAIChatModel
    if model.base_url is None:
        provider = library("pydantic_ai.providers.openai", where).OpenAIProvider
        return kind(model.name, provider=provider(base_url=url, api_key=key, http_client=http))
    other = library("pydantic_ai.providers.openai_compatible", where).OpenAICompatibleProvider
    made = other(model.key_env.lower(), base_url=url, api_key=key, http_client=http)
    return kind(model.name, provider=made)


def seconds_to_wait(
    error: Any, errors: Any, attempt: int, *, max_attempts: int, max_wait_seconds: float
) -> float | None:
    """Seconds after which to ask again; none where it is not asked again.

    Args:
        error: why the request failed.
        errors: pydantic-ai's module of errors.
        attempt: which one it was, from 1.
        max_attempts: after so many nobody is asked again.
        max_wait_seconds: whoever wants a longer wait is not asked again.
    """
    passing = (
        errors.ModelRateLimitError,
        errors.ModelUnavailableError,
        errors.ModelServerError,
        errors.ModelConnectionError,
    )
    if attempt >= max_attempts or not isinstance(error, passing):
        return None
    wait = float(2 ** (attempt - 1)) if error.retry_after is None else error.retry_after
    return wait if wait <= max_wait_seconds else None
