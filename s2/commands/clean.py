"""`s2 clean`: what interrupted trainings left in `.s2/checkpoints`."""

import shutil
import time

from s2.kernel.files import files_under
from s2.kernel.locks import free
from s2.kernel.paths import local

DAY = 24 * 3600


def clean(days: float, dry_run: bool) -> None:
    """Remove the checkpoints in which nothing was written for so many days and that no training holds;
    print each with its size, and what stays."""
    root = local("checkpoints")
    total = 0
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        files = files_under([folder])
        size = sum(file.stat().st_size for file in files)
        newest = max(path.stat().st_mtime for path in [folder, *files])
        age = (time.time() - newest) / DAY
        what = f"{folder.name}: {size / 1e6:,.1f} MB, written {age:.1f} days ago"
        if not free(folder.with_suffix(".lock")):
            print(f"{what}: a training is using it")
        elif age < days:
            print(f"{what}: kept")
        else:
            total += size
            if not dry_run:
                shutil.rmtree(folder)
            print(f"{what}: {'would go' if dry_run else 'removed'}")
    print(f"{total / 1e6:,.1f} MB {'would be' if dry_run else 'are'} free again")
