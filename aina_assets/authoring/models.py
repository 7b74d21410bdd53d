"""Asking a language model for an answer in a contract's form (extra ``llm``).

Belongs here: retries with what was wrong, and the name of every way to fail. Stays out:
what is asked and what an answer must be true of (``runner``, ``answers``).

=================================  ===============================================================
what happens                       what it does
=================================  ===============================================================
an answer that breaks its form     sent back with what is wrong, up to ``max_attempts``; ``invalid``
an answer cut off                  the same; ``invalid``
a refusal, a timeout               ``failed``
a rate limit, a lost connection    asked again when the provider says, if that is soon; ``failed``
=================================  ===============================================================
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from aina_assets.authoring.contracts import Document
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.contracts.errors import AinaError
from aina_assets.review.providers import library, seconds_to_wait, speaking
from aina_assets.review.votes import PanelModel

Problems = Callable[[Document], list[str]]

_WHERE = "authoring"


@dataclass(frozen=True)
class Question:
    """What a skill asks.

    Attributes:
        instructions: the prompt.
        material: the input, as a block of data.
        answer: form of the answer.
        problems: what is wrong with an answer in that form.
    """

    instructions: str
    material: str
    answer: type[BaseModel]
    problems: Problems


@dataclass(frozen=True)
class Asked:
    """What came of it.

    Attributes:
        status: ``made``; ``invalid``: no answer kept to its form; ``failed``: there was none.
        reason: why there is no document.
        attempts: requests that were answered.
    """

    status: Literal["made", "failed", "invalid"]
    document: Document | None
    reason: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class SkillModel:
    """A language model that answers skills; close it, or use it as a context.

    Args:
        model: whose protocol it speaks, and where.
        rules: patience and limits.
        environment: variables that hold its key and address.

    Raises:
        AinaError: its key is not there, or the extra ``llm`` is not installed.
    """

    def __init__(
        self,
        model: PanelModel,
        rules: AuthoringRules,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        found = os.environ if environment is None else environment
        key = found.get(model.key_env, "").strip()
        if not key:
            raise AinaError(
                expected=f"the key of {model.name} in {model.key_env}",
                found="none",
                where="environment",
                remedy="set the variable, or set model to null in data/authoring_rules.yaml",
            )
        self.name = model.name
        self._model, self._rules = model, rules
        self._ai = library("pydantic_ai", _WHERE)
        self._errors = library("pydantic_ai.exceptions", _WHERE)
        self._http = library("httpx2", _WHERE).AsyncClient()
        url = found.get(model.base_url_env or "") or model.base_url
        self._asked = speaking(model, url, key, self._http, _WHERE)
        # One thread and one loop: connections belong to the loop they were made in.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="skills")
        self._runner = asyncio.Runner()
        self._closing = weakref.finalize(self, _close, self._thread, self._runner, self._http)
        self._closing.atexit = False

    @classmethod
    def of_rules(
        cls, rules: AuthoringRules, environment: Mapping[str, str] | None = None
    ) -> SkillModel | None:
        """The model that the rules name; none where they name none or its key is not there."""
        found = os.environ if environment is None else environment
        if rules.model is None or not found.get(rules.model.key_env, "").strip():
            return None
        return cls(rules.model, rules, found)

    def __enter__(self) -> SkillModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of thread and connections."""
        self._closing()

    def ask(self, question: Question) -> Asked:
        """An answer, or why there is none. It raises nothing that a provider could cause."""
        return self._thread.submit(self._runner.run, self._answer(question)).result()

    async def _answer(self, question: Question) -> Asked:
        usage = self._ai.RunUsage()
        seen: list[str] = []
        agent = self._agent(question, seen)
        for attempt in range(1, self._rules.max_attempts + 1):
            try:
                async with asyncio.timeout(self._rules.timeout_seconds):
                    said = await agent.run(question.material, usage=usage)
                return self._came("made", usage, document=_dumped(said.output))
            except TimeoutError:
                told = f"timeout: nothing within {self._rules.timeout_seconds:g} s"
                return self._came("failed", usage, told)
            except self._errors.ContentFilterError as error:
                return self._came("failed", usage, f"refusal: {_short(error)}")
            except self._errors.UnexpectedModelBehavior as error:
                told = seen[-1] if seen else _short(error)
                return self._came("invalid", usage, f"malformed: {told}")
            except self._errors.ModelAPIError as error:
                wait = seconds_to_wait(
                    error,
                    self._errors,
                    attempt,
                    max_attempts=self._rules.max_attempts,
                    max_wait_seconds=self._rules.max_wait_seconds,
                )
                if wait is None:
                    return self._came("failed", usage, f"not available: {_short(error)}")
                await asyncio.sleep(wait)
            except (ValueError, TypeError, RecursionError, self._errors.AgentRunError) as error:
                # A provider's answer that is none in its own protocol ends up here.
                return self._came("failed", usage, f"malformed: {_short(error)}")
        raise AssertionError("the last attempt answers or returns")

    def _agent(self, question: Question, seen: list[str]) -> Any:
        agent = self._ai.Agent(
            self._asked,
            output_type=question.answer,
            instructions=question.instructions,
            retries={"output": self._rules.max_attempts - 1},
            model_settings={"max_tokens": self._rules.max_output_tokens, "max_retries": 0},
        )

        def keeps(output: BaseModel) -> BaseModel:
            if found := question.problems(_dumped(output)):
                seen.append("; ".join(found)[:600])
                raise self._ai.ModelRetry("Mend this and answer again: " + "; ".join(found))
            return output

        agent.output_validator(keeps)
        return agent

    def _came(
        self, status: Any, usage: Any, reason: str = "", document: Document | None = None
    ) -> Asked:
        spent = (usage.input_tokens, usage.output_tokens)
        return Asked(status, document, reason, usage.requests, *spent, self._model.cost_usd(*spent))


def _dumped(output: BaseModel) -> Document:
    return output.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _close(thread: ThreadPoolExecutor, runner: asyncio.Runner, http: Any) -> None:
    thread.submit(runner.run, http.aclose()).result()
    thread.submit(runner.close).result()
    thread.shutdown()


def _short(text: object) -> str:
    return " ".join(str(text).split())[:300]
