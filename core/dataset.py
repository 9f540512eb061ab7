"""The table of a project's images: what is in it, what was set aside, whether it can be learned."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import AppError
from core.layout import SPLITS
from core.pictures import THUMBNAIL_SIDE
from core.text import N_
from core.workspace import Workspace

MIN_CLASSES = 2
MIN_IMAGES = 2
LOOKS = ["brightness", "contrast", "sharpness"]
COLUMNS = ["id", "name", "path", "label", "split", "width", "height", "size_bytes", "sha256", "similar", *LOOKS]


class TooFewClassesError(AppError):
    """With one class there is nothing to tell apart."""

    sentence = N_(
        "A network needs at least {needed} classes to tell apart; this project has {num_classes}. "
        "Add pictures of another class."
    )


class TooFewImagesError(AppError):
    """A class lacks images to learn from, or to check with."""

    sentence = N_(
        "Each class needs at least {needed} pictures, one to learn from and one to check with; pictures of a test "
        "folder do not count. Add pictures to these classes, or remove them: {labels}."
    )


def images(workspace: Workspace, project_id: str) -> pd.DataFrame:
    """Reads the good images of a project, in the order in which they were taken in.

    Returns:
        Columns id (int), name (as the user's folder called it), path (of the kept copy, relative to the workspace),
        label, split (train, validation, test or None), width and height (of the original, in pixels), size_bytes
        (of the original), sha256 (of the original), similar (number of its group of near duplicates, missing when it
        has none), brightness, contrast and sharpness (0 to 1, missing when not measured). Those that their owner set
        aside are left out.
    """
    return _table(workspace, project_id, "removed IS NULL")


def removed_images(workspace: Workspace, project_id: str) -> pd.DataFrame:
    """Reads the good images that their owner set aside; returns columns as those of `images`."""
    return _table(workspace, project_id, "removed IS NOT NULL")


def num_images(workspace: Workspace, project_id: str) -> int:
    """Counts what `images` reads."""
    counted = "SELECT count(*) FROM images WHERE project_id = ? AND problem IS NULL AND removed IS NULL"
    with workspace.reading() as database:
        return int(database.execute(counted, (project_id,)).fetchone()[0])


def labels(workspace: Workspace, project_id: str) -> list[str]:
    """Returns the classes that `images` has, by name."""
    query = (
        "SELECT DISTINCT label FROM images WHERE project_id = ? AND problem IS NULL AND removed IS NULL ORDER BY label"
    )
    with workspace.reading() as database:
        return [row["label"] for row in database.execute(query, (project_id,))]


def labels_by_path(workspace: Workspace, project_id: str) -> pd.DataFrame:
    """Reads only where the images that `images` reads lie, and what each shows: columns path and label."""
    query = "SELECT file, label FROM images WHERE project_id = ? AND problem IS NULL AND removed IS NULL ORDER BY id"
    with workspace.reading() as database:
        rows = database.execute(query, (project_id,)).fetchall()
    return pd.DataFrame([(_path(project_id, row["file"]), row["label"]) for row in rows], columns=["path", "label"])


def fingerprint(table: pd.DataFrame) -> str:
    """Tells tables of `images` apart by all that a check or a split looks at, in every row."""
    digest = hashlib.blake2b(digest_size=16)
    for column in ("label", "split"):
        digest.update("\n".join(map(str, table[column])).encode())
    for column in ("id", "width", "height", "similar", *LOOKS):
        digest.update(table[column].to_numpy(dtype=float, na_value=float("nan")).tobytes())
    return digest.hexdigest()


def _table(workspace: Workspace, project_id: str, condition: str) -> pd.DataFrame:
    columns = ["file", *(column for column in COLUMNS if column != "path")]
    with workspace.reading() as database:
        rows = database.execute(
            f"SELECT {', '.join(columns)} FROM images WHERE project_id = ? AND problem IS NULL AND {condition} "
            "ORDER BY id",
            (project_id,),
        ).fetchall()
    table = pd.DataFrame(map(tuple, rows), columns=columns)
    split = table["split"].astype(object)
    paths = [_path(project_id, file) for file in table["file"]]
    table = table.assign(path=paths, split=split.where(split.notna(), None))
    return table[COLUMNS].astype({"similar": "Int64", **dict.fromkeys(LOOKS, float)})


def _path(project_id: str, file: str) -> str:
    """Returns where a file of a project's folder lies in the workspace."""
    return f"projects/{project_id}/{file}"


def disputed(workspace: Workspace, project_id: str) -> dict[int, str]:
    """Says of which images in use a copy lay in the folder of another class; returns that class by the image's id."""
    query = (
        "SELECT kept.id, json_extract(copy.problem, '$.values.other') AS other FROM images AS copy "
        "CROSS JOIN images AS kept ON kept.project_id = copy.project_id AND kept.sha256 = copy.sha256 "
        "WHERE copy.project_id = ? AND copy.problem IS NOT NULL "
        "AND kept.problem IS NULL AND kept.removed IS NULL AND kept.label != other ORDER BY copy.id"
    )
    with workspace.reading() as database:
        return {row["id"]: row["other"] for row in database.execute(query, (project_id,))}


def set_aside(workspace: Workspace, project_id: str) -> pd.DataFrame:
    """Reads which files were set aside, without copies of images that were moved to the class of the copy since.

    Returns:
        Columns name, problem (a sentence of gettext) and values (a dict for its places).
    """
    query = (
        "SELECT name, problem FROM images AS file WHERE project_id = ? AND problem IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM images AS kept WHERE kept.project_id = file.project_id AND kept.sha256 = file.sha256 "
        "AND kept.problem IS NULL AND kept.removed IS NULL "
        "AND kept.label = json_extract(file.problem, '$.values.other')) ORDER BY id"
    )
    with workspace.reading() as database:
        rows = database.execute(query, (project_id,)).fetchall()
    problems = [json.loads(row["problem"]) for row in rows]
    return pd.DataFrame(
        {
            "name": [row["name"] for row in rows],
            "problem": [problem["sentence"] for problem in problems],
            "values": [problem["values"] for problem in problems],
        },
        columns=["name", "problem", "values"],
    )


def class_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Counts the images of each class.

    Returns:
        A row for each class, by name: columns label, images, train, validation, test; `images` also counts those that
        are in no split yet.
    """
    counted = _counted(table)
    rows = [(label, splits.total(), *(splits[split] for split in SPLITS)) for label, splits in counted.items()]
    return pd.DataFrame(rows, columns=["label", "images", *SPLITS])


def is_trainable(workspace: Workspace, project_id: str) -> bool:
    """Says whether `check_trainable` lets a project's images pass, without reading them one by one."""
    query = (
        "SELECT label, split, count(*) FROM images "
        "WHERE project_id = ? AND problem IS NULL AND removed IS NULL GROUP BY label, split"
    )
    counted: dict[str, Counter[str | None]] = {}
    with workspace.reading() as database:
        for label, split, count in database.execute(query, (project_id,)):
            counted.setdefault(label, Counter())[split] = count
    try:
        _check_counts(counted)
    except AppError:
        return False
    return True


def check_trainable(table: pd.DataFrame) -> None:
    """Makes sure that every class can have an image to learn from and another to check with.

    Raises:
        TooFewClassesError: There are fewer than two classes.
        TooFewImagesError: A class has too few; the sentence names which.
    """
    _check_counts(_counted(table))


def _counted(table: pd.DataFrame) -> dict[str, Counter[str | None]]:
    """Counts the images of each class, by name, in each split; None for those in none."""
    # A few microseconds where pandas, which is made for more rows than most projects have, takes milliseconds.
    counted: dict[str, Counter[str | None]] = {label: Counter() for label in sorted(set(table["label"]))}
    for (label, split), count in Counter(zip(table["label"], table["split"], strict=True)).items():
        counted[label][split if isinstance(split, str) else None] += count
    return counted


def _check_counts(counted: dict[str, Counter[str | None]]) -> None:
    if len(counted) < MIN_CLASSES:
        raise TooFewClassesError(num_classes=len(counted), needed=MIN_CLASSES)
    poor = []
    for label, splits in counted.items():
        usable = splits.total() - splits["test"]
        if usable < MIN_IMAGES or usable == splits["validation"]:
            poor.append(label)
    if poor:
        raise TooFewImagesError(needed=MIN_IMAGES, labels=", ".join(poor))


def thumbnail_path(workspace: Workspace, image: Any) -> Path:
    """Returns where the thumbnail of an image lies, which a small image is itself.

    Args:
        workspace: Where the image is.
        image: A row of `images`, of either pandas form.
    """
    file = workspace.home / image.path
    return file if max(image.width, image.height) <= THUMBNAIL_SIDE else thumbnail_of(file)


def name_pattern(*folders: str) -> re.Pattern[str]:
    """Returns what files of pictures are called below a project's folder, in these folders of it or of its intakes."""
    return re.compile(
        rf"(intakes/[0-9]{{1,20}}-[0-9a-f]{{4}}/)?({'|'.join(folders)})/([0-9a-f]{{2}}/)?[0-9a-f]{{16}}\.(jpg|png)"
    )


def thumbnail_of(file: Path) -> Path:
    """Returns where the thumbnail of a kept copy lies."""
    # Copies of newer intakes are spread over folders by the beginning of their names, and their thumbnails alike.
    kept = file.parent if file.parent.name == "images" else file.parents[1]
    return kept.with_name("thumbnails") / file.relative_to(kept).with_suffix(".jpg")


def remove_all(workspace: Workspace, project_id: str) -> None:
    """Deletes every image of a project and all that was said of them; the runs that used images keep them."""
    with workspace.database() as database:
        kept = "SELECT file FROM images WHERE project_id = ? AND file IS NOT NULL"
        files = [row["file"] for row in database.execute(kept, (project_id,))]
        for table in ("images", "changes", "fine"):
            database.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))
    folder = workspace.project_folder(project_id)
    used = _used_by_runs(workspace, project_id)
    for file in [folder / name for name in files]:
        thumbnail_of(file).unlink(missing_ok=True)
        if file.relative_to(workspace.home).as_posix() not in used:
            file.unlink(missing_ok=True)


def _used_by_runs(workspace: Workspace, project_id: str) -> set[str]:
    """Paths of the images that a run was made with: it may be running, and it shows its mistakes later."""
    with workspace.reading() as database:
        ids = [row["id"] for row in database.execute("SELECT id FROM runs WHERE project_id = ?", (project_id,))]
    tables = [workspace.run_folder(run_id) / "images.parquet" for run_id in ids]
    return {path for table in tables if table.exists() for path in pd.read_parquet(table, columns=["path"])["path"]}
