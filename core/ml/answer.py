"""`python -m core.ml.answer RUN_DIR ANSWER PICTURE…`: what `model.keras` says, where LiteRT does not serve."""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from core.config import RunConfig
from core.pictures import decode


def main(folder: Path, answer: Path, pictures: list[Path]) -> None:
    """Writes the probabilities (pictures, num_classes) as JSON into `answer`."""
    config = RunConfig.from_json((folder / "config.json").read_text(encoding="utf-8"))
    model = keras.models.load_model(folder / "model.keras", compile=False, safe_mode=True)  # no code from a file
    images = np.stack([decode(path, config.image_size) for path in pictures]).astype(np.float32)
    answer.write_text(json.dumps(model.predict(images, verbose=0).tolist()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
