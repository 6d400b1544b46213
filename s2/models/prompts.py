"""How a question is put to a model: S2's own prompt, and its marks.

S2's prompt is that of every dataset. An instruct model may be trained and asked in its own chat
template instead (`model.prompt: chat`); see `s2.models.encoding`.
"""

import re

HUMAN = "### Human:"  # what begins a turn of the one who asks
ASSISTANT = "### Assistant:"

_MARK = re.compile(r"#{2,}\s*(?:human|assistant)\s*:", re.IGNORECASE)


def format_prompt(question: str) -> str:
    """The text that a model answers."""
    return f"{HUMAN} {question} {ASSISTANT}"


def question_in(prompt: str) -> str:
    """The question that `format_prompt` made a prompt of."""
    return prompt.removeprefix(f"{HUMAN} ").removesuffix(f" {ASSISTANT}")


def has_prompt_mark(text: str) -> bool:
    """Whether a text imitates the marks of the prompt, and so would be read as turns of its own."""
    return bool(_MARK.search(text))


def chat_template(start: str) -> str:
    """S2's prompt as a chat template (Jinja), for pipelines and servers: `start` is the special tokens
    before a prompt; an earlier answer ends in the end token, as in training."""
    return (
        f"{start}{{%- for message in messages %}}"
        "{%- if message['role'] == 'user' %}"
        f"{{{{- ('' if loop.first else ' ') + '{HUMAN} ' + message['content'] + ' {ASSISTANT}' }}}}"
        "{%- elif message['role'] == 'assistant' %}"
        "{{- ' ' + message['content'] + eos_token }}"
        "{%- else %}"
        "{{- raise_exception('this model knows turns of user and assistant alone') }}"
        "{%- endif %}{%- endfor %}"
    )
