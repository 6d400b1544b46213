"""`s2 use`: a profile as the whole of params.yaml."""

from s2.kernel.errors import S2Error
from s2.kernel.files import temporary_file, write_text
from s2.params.loading import PARAMS
from s2.params.profiles import known, whole
from s2.params.whole import load_params


def use(profile: str) -> None:
    """Write a profile to params.yaml; what was there is kept as params.yaml.orig. Raises `S2Error` for
    a profile that is not there, or that makes no valid parameters."""
    if profile not in known():
        raise S2Error(f"there is no profile {profile!r}; there are: {', '.join(known())}")
    text = whole(profile)
    with temporary_file(PARAMS) as part:
        part.write_text(text, encoding="utf-8")
        load_params(part)
    old = PARAMS.read_text(encoding="utf-8") if PARAMS.is_file() else text
    if old != text:
        write_text(PARAMS.with_suffix(".yaml.orig"), old)
    write_text(PARAMS, text)
    print(f"{PARAMS} is now the profile {profile}; `s2 stale` says what `dvc repro` would rebuild")
