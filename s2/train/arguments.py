"""What the settings of a training mean to transformers' Trainer, whatever it trains."""

from pathlib import Path
from typing import Any

import torch

from s2.params.train import Training
from s2.train.processes import share


def trainer_arguments(training: Training, seed: int, checkpoints: Path) -> dict[str, Any]:
    """Keyword arguments of `TrainingArguments`; the seed decides the rows' order."""
    return {
        "output_dir": str(checkpoints),
        "learning_rate": training.lr,
        "num_train_epochs": training.epochs,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": share(training.grad_accumulation),
        "gradient_checkpointing": training.gradient_checkpointing,
        "warmup_steps": training.warmup,
        "weight_decay": training.weight_decay,
        "optim": training.optimizer,
        "lr_scheduler_type": training.scheduler,
        "bf16": training.dtype == "bfloat16",
        "fp16": training.dtype == "float16" and torch.cuda.is_available(),
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": training.log_steps,
        "save_total_limit": 2,
        "seed": seed,
        "data_seed": seed,
        "report_to": "none",
        "dataloader_pin_memory": torch.cuda.is_available(),
    }
