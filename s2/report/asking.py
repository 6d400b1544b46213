"""How to ask a model of the graph in Python, as its card says."""

from dataclasses import dataclass

from s2.params.models import PromptStyle

_QUESTION = {
    "s2": "prompt = '### Human: Why is the sky blue? ### Assistant:'",
    "chat": "prompt = [{'role': 'user', 'content': 'Why is the sky blue?'}]",
}
_ANSWERED = {  # up to the end token, which is what a reward model reads
    "s2": "text = '### Human: Why is the sky blue? ### Assistant: Air scatters blue light.'\n"
    "inputs = tokenizer(text + tokenizer.eos_token, return_tensors='pt')",
    "chat": "turns = [{'role': 'user', 'content': 'Why is the sky blue?'}]\n"
    "turns += [{'role': 'assistant', 'content': 'Air scatters blue light.'}]\n"
    "text = tokenizer.apply_chat_template(turns, tokenize=False).rstrip()\n"
    "inputs = tokenizer(text, add_special_tokens=False, return_tensors='pt')",
}
_IDS = {
    "s2": "tokenizer(prompt, return_tensors='pt')",
    "chat": "tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True, "
    "return_tensors='pt')",
}


@dataclass(frozen=True)
class Asking:
    """The style of a model's prompts, and how its answers are sampled, as `answers` has it."""

    style: PromptStyle
    temperature: float
    top_p: float
    top_k: int
    repetition_penalty: float

    def options(self) -> str:
        """As arguments of transformers' `generate`."""
        penalty = f"repetition_penalty={self.repetition_penalty}"
        if not self.temperature:
            return f"do_sample=False, {penalty}"
        chance = f"temperature={self.temperature}, top_p={self.top_p}, top_k={self.top_k}"
        return f"do_sample=True, {chance}, {penalty}"


def asked(folder: str, adapter: bool, asking: Asking) -> str:
    """Python that asks the model in a folder a question."""
    package, kind = (
        ("peft", "AutoPeftModelForCausalLM") if adapter else ("transformers", "AutoModelForCausalLM")
    )
    return _python(
        package,
        kind,
        folder,
        "",
        f"{_QUESTION[asking.style]}\ninputs = {_IDS[asking.style]}\n"
        f"options = dict({asking.options()})\n"
        "told = model.generate(**inputs, max_new_tokens=96, **options)\n"
        "print(tokenizer.decode(told[0, inputs['input_ids'].shape[1]:], skip_special_tokens=True))",
    )


def rated(folder: str, style: PromptStyle) -> str:
    """Python that asks the reward model in a folder what an answer is worth."""
    kind = "AutoPeftModelForSequenceClassification"
    how = f"{_ANSWERED[style]}\nprint(model(**inputs).logits[0, 0])  # of two answers the better has more"
    return _python("peft", kind, folder, ", num_labels=1", how)


def _python(package: str, kind: str, folder: str, options: str, how: str) -> str:
    return (
        f"```python\nfrom {package} import {kind}\nfrom transformers import AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained('{folder}')\n"
        f"model = {kind}.from_pretrained('{folder}'{options})\n"
        f"{how}\n```"
    )
