"""Chat with any OpenAI-compatible endpoint, each reply cached by what was asked of whom."""

import os

import openai
from openai import OpenAI

from s2.cache import ContentCache, content_key
from s2.errors import S2Error
from s2.params import Questions

KEY_VARIABLE = "OPENAI_API_KEY"


class ChatClient:
    """Deterministic (temperature 0) replies of one model.

    `model_id` stands for the model in the cache's keys: two models never share a reply.
    """

    def __init__(
        self, base_url: str, model: str, parameters: Questions, model_id: str, cache: ContentCache
    ) -> None:
        self._base_url = base_url
        self._model = model
        self._parameters = parameters
        self._model_id = model_id
        self._cache = cache
        self._client = OpenAI(
            base_url=base_url,
            api_key=os.environ.get(KEY_VARIABLE, "none"),
            timeout=parameters.timeout_s,
            max_retries=parameters.retries,
        )

    def reply(self, prompt: str) -> str:
        """The model's reply; raises `S2Error` that names the endpoint if it cannot be had."""
        chat = self._parameters
        key = content_key("reply", self._model_id, chat.system, prompt, chat.max_tokens)
        known = self._cache.get([key])
        if key in known:
            return known[key]
        reply = self._ask(prompt)
        self._cache.put({key: reply})
        return reply

    def _ask(self, prompt: str) -> str:
        chat = self._parameters
        try:
            completion = self._client.chat.completions.create(
                model=self._model,
                messages=[
                    {"role": "system", "content": chat.system},
                    {"role": "user", "content": prompt},
                ],
                max_tokens=chat.max_tokens,
                temperature=0,
            )
        except openai.AuthenticationError:
            raise S2Error(
                f"questions.base_url {self._base_url} refused the key: set {KEY_VARIABLE}"
            ) from None
        except openai.APIConnectionError as error:
            raise S2Error(
                f"questions.base_url {self._base_url} cannot be reached ({error}); replies so far "
                "are cached, so run again once it answers"
            ) from None
        except openai.APIStatusError as error:
            raise S2Error(
                f"questions.base_url {self._base_url}, model {self._model}: {error.message}"
            ) from None
        return completion.choices[0].message.content or ""
