"""Speed and memory as ratios of two things measured in one run; `make bench` prints them as one table.

    python -m bench.speed [--rows "all frozen" …]

The other side of a ratio is the plain Keras recipe of `bench.plain_recipe` on the same pictures, with the same split,
backbone, head, rate, epochs and seed. Accuracies are means over the last five epochs, on the validation pictures.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from bench import reruns as page_reruns
from bench import setting
from bench import start as click
from bench.plain_recipe import VALIDATION_SHARE, photos
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.split import split_images

EPOCHS = 20
GUIDE_HEAD = Head(normalize=False, dropout=0.2)
GUIDE_RATE = 1e-3
OTHER_RATE = 2e-3
TIMES = 3  # where ours takes but a few seconds: the one in the middle counts
SEED = 1
SEEDS = range(1, 6)  # where a run's accuracy goes up and down by more than what is to be told apart
HEADER = "| row | ratio | aim | met | validation accuracy, plain / ours |\n| --- | --- | --- | --- | --- |"
RESULTS = setting.ROOT / "bench" / "results.json"
Row = dict


@dataclass
class Ground:
    """The pictures and weights that the rows share, and what several rows compare with."""

    folder: Path

    @cached_property
    def keras_home(self) -> Path:
        home = self.folder / "keras"
        setting.bring_weights(home)
        return home

    @cached_property
    def home(self) -> Path:
        """The workspace of the runs on the photos."""
        return self.folder / "home"

    @cached_property
    def images(self) -> Path:
        return setting.grown_photos(self.home / "projects" / "photos")

    @cached_property
    def table(self) -> pd.DataFrame:
        return self.table_of(self.images, self.home)

    def table_of(self, images: Path, home: Path, seed: int = SEED) -> pd.DataFrame:
        """Returns the run's table of a folder, split as the plain recipe splits it."""
        return setting.table_of(images, home, split_images(photos(images), VALIDATION_SHARE, seed))

    def config(self, *phases: Phase, **changes: object) -> RunConfig:
        """Returns the guide's settings for MobileNet α=0.25."""
        labels = tuple(sorted(self.table["label"].unique()))
        config = RunConfig("mobilenet_025", 224, labels, phases, head=GUIDE_HEAD, patience=0, seed=SEED)
        return replace(config, **changes)

    def plain(self, *options: str) -> dict:
        """Runs the plain recipe for MobileNet α=0.25 on the photos."""
        return setting.figures(
            "plain_recipe", str(self.images), "--backbone", "mobilenet_025", *options, keras_home=self.keras_home
        )

    def run(self, config: RunConfig) -> setting.Measured:
        """Runs ours on the photos."""
        table = self.table if config.seed == SEED else self.table_of(self.images, self.home, config.seed)
        return setting.run(table, config, self.home, self.keras_home)

    @cached_property
    def plain_frozen(self) -> dict:
        return self.plain("--epochs", str(EPOCHS))

    @cached_property
    def ours_frozen(self) -> setting.Measured:
        return self.run(self.config(Phase(EPOCHS, GUIDE_RATE, CATALOG["mobilenet_025"].num_layers)))


def faster(name: str, aim: float, theirs: dict, ours: setting.Measured) -> Row:
    """Returns the row of a run beside the plain recipe."""
    ratio = theirs["seconds"] / ours.seconds
    return {
        "row": name,
        "ratio": round(ratio, 1),
        "aim": f"at least {aim}",
        "met": ratio >= aim,
        "plain_seconds": theirs["seconds"],
        "our_seconds": round(ours.seconds, 1),
        "first_point_seconds": round(ours.first_point, 2),
        "plain_val_accuracy": theirs["val_accuracy_last_epochs"],
        "our_val_accuracy": round(ours.val_accuracy, 4),
        "plain_last_val_accuracy": theirs["val_accuracy"],
        "our_last_val_accuracy": round(ours.last_val_accuracy, 4),
    }


def all_frozen(ground: Ground) -> Row:
    return faster("all frozen, 20 epochs", 15, ground.plain_frozen, ground.ours_frozen)


def other_rate(ground: Ground) -> Row:
    assert ground.ours_frozen  # fills the store
    config = ground.config(Phase(EPOCHS, OTHER_RATE, CATALOG["mobilenet_025"].num_layers))
    again = median(ground.run(config) for _ in range(TIMES))
    theirs = ground.plain("--epochs", str(EPOCHS), "--learning-rate", str(OTHER_RATE))
    row = faster("the same again with another learning rate", 40, theirs, again)
    return row | {"met": row["met"] and again.first_point <= 1.0}


def median(runs: Iterable[setting.Measured]) -> setting.Measured:
    """Returns the run in the middle by its seconds."""
    by_seconds = sorted(runs, key=lambda run: run.seconds)
    return by_seconds[len(by_seconds) // 2]


def last_stage(ground: Ground) -> Row:
    frozen = CATALOG["mobilenet_025"].stages[-2].num_layers
    rows = []
    for seed in SEEDS:
        theirs = ground.plain("--epochs", "10", "--frozen", str(frozen), "--seed", str(seed))
        # The recipe means to keep the statistics of batch normalisation, but Keras learns them (docs/decisions/0002).
        config = ground.config(Phase(10, GUIDE_RATE, frozen), learn_batch_norm=True, seed=seed)
        rows.append(faster("last stage trainable, 10 epochs", 3, theirs, ground.run(config)))
    return mean_of(rows, 3)


def mean_of(rows: list[Row], aim: float) -> Row:
    """Returns the row of several seeds: sums of seconds, means of accuracies, and each seed's own."""
    figures = [name for name in rows[0] if name.endswith(("_seconds", "_accuracy"))]
    means = {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in figures}
    ratio = means["plain_seconds"] / means["our_seconds"]
    own = {name: [row[name] for row in rows] for name in ("ratio", *figures)}
    return rows[0] | means | {"ratio": round(ratio, 1), "met": ratio >= aim, "seeds": own}


def four_views(ground: Ground) -> Row:
    theirs = ground.plain("--epochs", str(EPOCHS), "--augment")
    phase = Phase(EPOCHS, GUIDE_RATE, CATALOG["mobilenet_025"].num_layers)
    ours = ground.run(ground.config(phase, augmentation="light", views=4))
    row = faster("four views, all frozen, 20 epochs", 4, theirs, ours)
    beside_no_augmentation = round(ground.plain_frozen["seconds"] / ours.seconds, 1)
    return row | {"ratio_beside_the_recipe_without_augmentation": beside_no_augmentation}


def prefix_pass(ground: Ground) -> Row:
    """The pass in the form that it settles on, beside decoding alone and the forward pass alone in the same form."""
    return setting.figures("prefix_pass", str(ground.images), keras_home=ground.keras_home)


def vgg16_flatten(ground: Ground) -> Row:
    setting.bring_random_vgg16(ground.keras_home)
    home = ground.folder / "home-vgg16"
    images = home / "projects" / "photos"
    step = len(ground.table) // 300 + 1
    for row in ground.table.iloc[::step].itertuples():
        link = images / row.label / Path(row.path).name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_bytes((ground.home / row.path).read_bytes())
    vgg16 = CATALOG["vgg16"]
    table = ground.table_of(images, home)
    config = RunConfig(
        "vgg16",
        128,
        tuple(sorted(table["label"].unique())),
        (Phase(10, GUIDE_RATE, vgg16.num_layers),),
        head=Head(kind="flatten", dropout=0),
        patience=0,
        seed=SEED,
    )
    options = ("--backbone", "vgg16", "--flatten", "--image-size", "128", "--epochs", "10")
    theirs = setting.figures("plain_recipe", str(images), *options, keras_home=ground.keras_home)
    ours = setting.run(table, config, home, ground.keras_home)
    return faster("VGG16 all frozen with flatten, 10 epochs, 300 photos at 128 px", 8, theirs, ours)


def memory(ground: Ground) -> Row:
    peaks = {}
    for count in (2_000, 50_000):
        home = ground.folder / f"home-{count}"
        images = setting.tiny_photos(home / "projects" / "photos", count)
        table = ground.table_of(images, home)
        phase = Phase(2, GUIDE_RATE, CATALOG["residual10"].num_layers)
        config = RunConfig("residual10", 32, ("blue", "red"), (phase,), head=GUIDE_HEAD, patience=0)
        peaks[count] = setting.run(table, config, home, ground.keras_home).peak_mb
    ratio = peaks[50_000] / peaks[2_000]
    return {
        "row": "peak memory at 50,000 pictures beside 2,000",
        "ratio": round(ratio, 2),
        "aim": "at most 1.2",
        "met": ratio <= 1.2,
        "peak_mb": peaks,
    }


def reruns(ground: Ground) -> Row:
    return page_reruns.measure()


def start(ground: Ground) -> Row:
    """From the click to the first point on the chart, through the engine, as a share of what is allowed."""
    return click.measure(ground.folder / "home-start")


def estimate(ground: Ground) -> Row:
    options = ("--backbones", "residual10", "mobilenet_025")
    return setting.figures("estimate", str(ground.images), *options, keras_home=ground.keras_home)


ROWS: dict[str, Callable[[Ground], Row]] = {
    "all frozen": all_frozen,
    "another rate": other_rate,
    "last stage": last_stage,
    "four views": four_views,
    "prefix pass": prefix_pass,
    "vgg16": vgg16_flatten,
    "memory": memory,
    "start": start,
    "reruns": reruns,
    "estimate": estimate,
}


def measure(names: list[str]) -> Iterator[Row]:
    """Measures the rows one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        for name in names:
            yield ROWS[name](ground)


def as_line(row: Row) -> str:
    """Returns a row of the table as text."""
    accuracies = ""
    if "our_val_accuracy" in row:
        accuracies = f"{100 * row['plain_val_accuracy']:.1f} % / {100 * row['our_val_accuracy']:.1f} %"
    return f"| {row['row']} | {row['ratio']} | {row['aim']} | {'yes' if row['met'] else 'no'} | {accuracies} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    options = parser.parse_args()
    print(HEADER, flush=True)
    for row in measure(options.rows):
        print(as_line(row), flush=True)
        keep(row)


def keep(row: Row) -> None:
    """Writes a row into `bench/results.json`, in the place of what was measured before."""
    known = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    row = row | {"measured": time.strftime("%Y-%m-%d"), "machine": setting.machine()}
    rows = [*(one for one in known if one["row"] != row["row"]), row]
    RESULTS.write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
