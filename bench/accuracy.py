"""Validation accuracy and seconds beside the plain Keras recipe, on the same pictures, backbone and split.

    python -m bench.accuracy [--data DIR] [--seeds 1 2 3] [--presets quick better]

DIR holds `datasets/ants_bees` (with its own train and val), `datasets/trash`, and `weights` with Keras' file of
MobileNet α=0.25; it is `shared` beside the repository unless said otherwise.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean

from bench.setting import SHARED, bring_weights, figures

SETS = ("ants_bees", "trash")
BACKBONES = ("residual10", "mobilenet_025")


def ours(images: Path, backbone: str, preset: str, seed: int, keras_home: Path) -> dict:
    """Trains with a preset, without a browser."""
    with tempfile.TemporaryDirectory() as out:
        arguments = [str(images), "--backbone", backbone, "--preset", preset, "--seed", str(seed), "--out", out]
        return figures("headless", *arguments, keras_home=keras_home)


def plain(images: Path, backbone: str, seed: int, keras_home: Path) -> dict:
    """Trains with the plain recipe."""
    arguments = [str(images), "--backbone", backbone, "--seed", str(seed)]
    return figures("plain_recipe", *arguments, keras_home=keras_home)


def row(images: Path, backbone: str, options: argparse.Namespace, keras_home: Path) -> dict:
    """Returns the figures of one set and backbone, means over the seeds."""
    runs = [plain(images, backbone, seed, keras_home) for seed in options.seeds]
    figures_of_row = {
        "set": images.name,
        "backbone": backbone,
        "seeds": options.seeds,
        "plain_val_accuracy": mean(run["val_accuracy"] for run in runs),
        "plain_seconds": mean(run["seconds"] for run in runs),
    }
    for preset in options.presets:
        runs = [ours(images, backbone, preset, seed, keras_home) for seed in options.seeds]
        figures_of_row |= {
            f"{preset}_val_accuracy": mean(run["val_accuracy"] for run in runs),
            f"{preset}_epochs": mean(run["epochs"] for run in runs),
            f"{preset}_seconds": mean(run["seconds"]["training"] for run in runs),
            f"{preset}_accuracy_of_each_seed": [run["val_accuracy"] for run in runs],
        }
    return figures_of_row


def main() -> None:
    """Prints a row as JSON for each set and backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--presets", nargs="*", choices=["quick", "better"], default=["quick", "better"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=BACKBONES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bring_weights(Path(folder), options.data)
        for name in options.sets:
            for backbone in options.backbones:
                print(json.dumps(row(options.data / "datasets" / name, backbone, options, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
