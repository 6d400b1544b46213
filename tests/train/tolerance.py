"""How near the same number must be when it is computed in two ways."""


def near(quantization: str) -> float:
    """Float32's rounding; on a CPU with bfloat16 bitsandbytes multiplies NF4 in it where no gradient is
    asked for, up to 1e-3 off."""
    if quantization == "nf4":
        from bitsandbytes.functional import has_avx512bf16

        return 2e-3 if has_avx512bf16() else 1e-5
    return 1e-5
