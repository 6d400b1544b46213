"""The part of benchmarks/ppo.py that runs in TRL 1.12's environment: a task as JSON on standard input, a
line of JSON as the last of standard output."""

import json
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer

BATCH = 32  # held-out prompts at once


def scorer(task: dict[str, Any]) -> Any:
    """The reward model, its rewards in standard deviations."""
    base = AutoModelForSequenceClassification.from_pretrained(
        task["base"], num_labels=1, dtype=torch.float32
    )
    model: Any = PeftModel.from_pretrained(base, task["reward"]).merge_and_unload()
    with torch.no_grad():
        model.score.weight /= task["sd"]
    return model


@torch.no_grad()
def measured(policy: Any, reward: Any, task: dict[str, Any]) -> tuple[float, float]:
    """Mean reward, normalised and less the penalty of an answer that does not end, and mean KL of sampled
    answers to held-out prompts."""
    settings = GenerationConfig(
        max_new_tokens=task["new_tokens"],
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        pad_token_id=task["pad"],
        eos_token_id=task["end"],
    )
    torch.manual_seed(task["seed"])
    reward.config.pad_token_id = task["pad"]
    rewards: list[float] = []
    kls: list[float] = []
    for start in range(0, len(task["held_out"]), BATCH):
        prompts = task["held_out"][start : start + BATCH]
        width = max(map(len, prompts))
        asked = torch.tensor([[task["pad"]] * (width - len(ids)) + ids for ids in prompts])
        before = asked != task["pad"]
        whole = policy.generate(input_ids=asked, attention_mask=before, generation_config=settings)
        told = whole[:, width:]
        ended = (told == task["end"]).cumsum(1)
        answers = (ended == 0) | ((ended == 1) & (told == task["end"]))
        mask = torch.cat([before, answers], 1)
        inputs = {
            "input_ids": whole.where(mask, task["pad"]),
            "attention_mask": mask.long(),
            "position_ids": (mask.long().cumsum(1) - 1).clamp(min=0),
        }
        new = policy(**inputs).logits[:, width - 1 : -1].log_softmax(-1)
        with policy.disable_adapter():
            old = policy(**inputs).logits[:, width - 1 : -1].log_softmax(-1)
        changed = (new - old).gather(-1, told[..., None])[..., 0]
        kls += changed.where(answers, 0.0).sum(1).tolist()
        scores = reward(**inputs).logits[:, 0] - task["mean"] / task["sd"]
        rewards += (scores - task["missing_end"] * (ended[:, -1] == 0)).tolist()
    return sum(rewards) / len(rewards), sum(kls) / len(kls)


def main() -> None:
    task = json.load(sys.stdin)
    tokenizer = AutoTokenizer.from_pretrained(task["policy"], padding_side="left")
    policy = AutoModelForCausalLM.from_pretrained(task["policy"], dtype=torch.float32)
    with TemporaryDirectory() as folder:
        arguments = PPOConfig(
            output_dir=folder,
            total_episodes=task["episodes"],
            # with accumulation, its optimiser would step once for a rollout and not for each minibatch
            per_device_train_batch_size=task["rollout"],
            gradient_accumulation_steps=1,
            num_mini_batches=task["rollout"] // task["minibatch"],
            local_rollout_forward_batch_size=task["rollout"],
            num_ppo_epochs=task["epochs"],
            response_length=task["new_tokens"],
            temperature=1.0,
            kl_coef=task["kl"],
            learning_rate=task["lr"],
            lr_scheduler_type="constant",
            missing_eos_penalty=task["missing_end"],
            stop_token_id=task["end"],
            num_sample_generations=0,
            bf16=False,
            gradient_checkpointing=False,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            seed=task["seed"],
        )
        trainer = PPOTrainer(
            args=arguments,
            processing_class=tokenizer,
            model=policy,
            ref_model=None,
            reward_model=scorer(task),
            value_model=scorer(task),
            train_dataset=Dataset.from_list([{"input_ids": ids} for ids in task["train"]]),
            eval_dataset=Dataset.from_list([{"input_ids": ids} for ids in task["held_out"]]),
            peft_config=LoraConfig(
                r=task["rank"],
                lora_alpha=task["alpha"],
                target_modules=task["targets"],
                layers_to_transform=task["layers"],
                task_type="CAUSAL_LM",
            ),
        )
        reward = trainer.reward_model
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        found, kl = measured(trainer.policy_model, reward, task)
    print(json.dumps({"seconds": seconds, "reward": found, "kl": kl}))


if __name__ == "__main__":
    main()
