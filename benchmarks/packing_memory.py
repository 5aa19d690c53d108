"""Memory of packing 500 competition chips: 6.3 GB of pixels through a process that may hold 500 MB.

The chips are few files under many names (hard links), so that the benchmark needs little disk for its input; each is
read and decoded anew. Packing happens in a process of its own, whose peak is what counts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from competition_chips import SIZE, write_competition_chips
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.packing import open_packed, pack_chips
from mining_the_mines.chips.quality import ACCEPTED, ChipSettings

LIMIT_MB = 500
CHIPS = 500
FILES = 8


def pack(images: Path, target: Path) -> None:
    """Pack a folder, and print this process' peak memory in megabytes."""
    folder = ChipFolder(images)
    columns = {"filename": folder.filenames, "verdict": ACCEPTED, "height": SIZE, "width": SIZE}
    pack_chips(folder, pd.DataFrame(columns), ChipSettings(), target)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(int(peak) / 1024)


def main() -> int:
    """Write chips, pack them in another process, and print its peak."""
    with tempfile.TemporaryDirectory() as folder:
        originals, images, target = (Path(folder) / name for name in ("originals", "images", "packed"))
        originals.mkdir()
        images.mkdir()
        files = write_competition_chips(originals, FILES)
        for number in range(CHIPS):
            os.link(files[number % FILES], images / f"train_{number}.tif")
        start = time.perf_counter()
        command = [sys.executable, __file__, "--pack", str(images), str(target)]
        peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        seconds = time.perf_counter() - start
        packed = open_packed(target)
        decoded = packed.array.size * 4 / 1e6
    print(f"{len(packed)} chips, {decoded:.0f} MB of float32 reflectance, packed in {seconds:.0f} s")
    print(f"peak memory {peak:.0f} MB (at most {LIMIT_MB} wanted); ratio to the pixels {peak / decoded:.3f}")
    return 0 if peak <= LIMIT_MB else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pack", nargs=2, type=Path, help=argparse.SUPPRESS)
    to_pack = arguments.parse_args().pack
    if to_pack:
        pack(*to_pack)
    else:
        sys.exit(main())
