import pandas as pd
import pytest
from PIL import ImageFilter

from core import checks, curation, dataset, intake, projects
from core.checks import dismiss, find, hidden, mend
from core.finding import KINDS, Finding
from core.looks import looks_of
from core.workspace import Workspace
from tests.unit.test_looks import scene


def table_of(*rows: dict) -> pd.DataFrame:
    """A table as `dataset.images` returns it, of good pictures except for what the rows say."""
    good = {
        "label": "ant",
        "split": None,
        "width": 400,
        "height": 300,
        "similar": pd.NA,
        "brightness": 0.5,
        "contrast": 0.4,
        "sharpness": 0.6,
    }
    table = pd.DataFrame([{"id": number} | good | row for number, row in enumerate(rows, 1)])
    return table.astype({"similar": "Int64", "split": object})


def plenty(*rows: dict, label: str = "ant", count: int = 20) -> pd.DataFrame:
    """The rows first, then as many good pictures as no check asks more of."""
    return table_of(*rows, *[{"label": label}] * count)


def found(table: pd.DataFrame, kind: str) -> Finding:
    (finding,) = [finding for finding in find(table) if finding.kind == kind]
    return finding


def kinds(table: pd.DataFrame) -> set[str]:
    return {finding.kind for finding in find(table)}


def test_good_pictures_are_not_talked_about():
    assert find(plenty()) == []
    assert find(plenty().iloc[:0]) == []


def test_pictures_that_were_not_measured_are_not_talked_about():
    unknown = dict.fromkeys(dataset.LOOKS, float("nan"))
    assert find(plenty(unknown)) == []


def test_of_near_copies_in_a_class_the_largest_is_kept():
    table = plenty({"similar": 7}, {"similar": 7, "width": 4000}, {"similar": 7})
    finding = found(table, "duplicates")
    assert finding.ids == (2, 1, 3)
    assert finding.to_mend == (1, 3)
    assert kinds(table) == {"duplicates"}


def test_of_near_copies_of_one_size_the_sharpest_is_kept():
    assert found(plenty({"similar": 7}, {"similar": 7, "sharpness": 0.9}), "duplicates").to_mend == (1,)


def test_the_same_picture_in_two_classes_is_serious_and_no_copy_within_one():
    table = pd.concat(
        [plenty({"similar": 1}, {"similar": 1, "label": "bee"}), plenty(label="bee").assign(id=lambda t: t["id"] + 100)]
    )
    finding = found(table, "two_classes")
    assert finding.is_serious
    assert finding.ids == finding.to_mend == (1, 2)
    assert kinds(table) == {"two_classes"}


def test_a_leak_between_own_folders_is_serious_and_takes_the_training_copies():
    leaking = [{"similar": 1, "split": "train"}, {"similar": 1, "split": "validation"}, {"similar": 1, "split": "test"}]
    finding = found(plenty(*leaking, {"similar": 2, "split": "train"}), "leak")
    assert finding.is_serious
    assert (finding.count, finding.ids, finding.to_mend) == (2, (1, 2, 3), (1,))
    assert "2 pictures of your own validation or test folders" in finding.shown()
    assert "would have" in finding.shown()


def test_twins_without_a_split_of_their_own_are_no_leak():
    assert "leak" not in kinds(plenty({"similar": 1, "split": "validation"}, {"similar": 1}))
    assert "leak" not in kinds(plenty({"similar": 1, "split": "validation"}, {"similar": 1, "split": "test"}))


@pytest.mark.parametrize(
    ("kind", "looks"),
    [
        ("dark", {"brightness": checks.DARK - 0.01}),
        ("uniform", {"contrast": checks.UNIFORM - 0.01}),
        ("blurred", {"sharpness": checks.BLURRED - 0.01}),
        ("tiny", {"width": checks.TINY - 1}),
    ],
)
def test_a_picture_that_shows_little_is_found(kind, looks):
    table = plenty({}, looks)
    assert found(table, kind).to_mend == (2,)
    assert kinds(table) == {kind}


@pytest.mark.parametrize(
    ("kind", "looks"),
    [
        ("dark", {"brightness": 0.01, "contrast": 0.01, "sharpness": 0.1}),
        ("uniform", {"contrast": 0.01, "sharpness": 0.1}),
        ("tiny", {"height": 8, "sharpness": 0.1}),
    ],
)
def test_a_picture_is_told_of_once(kind, looks):
    assert kinds(plenty(looks)) == {kind}


def test_what_most_pictures_share_is_told_without_a_button():
    finding = found(table_of(*[{"sharpness": 0.1}] * 15, *[{}] * 14), "blurred")
    assert finding.count == 15
    assert finding.button() is None


def test_blurred_dark_and_empty_pictures_are_on_the_right_side_of_the_thresholds():
    sharp = scene(512)
    seen = {
        "sharp": sharp,
        "blurred": sharp.filter(ImageFilter.GaussianBlur(4)),
        "dark": sharp.point(lambda value: value * 0.12),
        "uniform": sharp.point(lambda value: 200 + value * 0.02),
    }
    rows = [vars(look) for look in looks_of(list(seen.values()))]
    findings = find(plenty(*rows))
    assert {(finding.kind, finding.ids) for finding in findings} == {
        ("blurred", (2,)),
        ("dark", (3,)),
        ("uniform", (4,)),
    }


def test_classes_with_few_pictures_are_named_and_left_to_their_owner():
    finding = found(table_of(*[{"label": "ant"}] * 9, *[{"label": "bee"}] * 10), "few")
    assert "1 class has fewer than 10 pictures: ant." in finding.shown()
    assert len(finding.ids) == 9
    assert finding.button() is None


def test_only_some_of_many_small_classes_are_named():
    finding = found(table_of(*[{"label": label} for label in "abcdefgh"]), "few")
    assert "8 classes" in finding.shown()
    assert "a, b, c, d, e …" in finding.shown()


def test_classes_out_of_balance_are_named():
    balanced = [{"label": "ant"}] * 10 + [{"label": "bee"}] * 100
    assert kinds(table_of(*balanced)) == set()
    finding = found(table_of(*balanced, {"label": "bee"}), "balance")
    assert "“bee” has more than 10 times as many pictures as “ant”" in finding.shown()


def test_the_smaller_of_two_spellings_is_merged_into_the_larger():
    table = table_of(*[{"label": "mettal"}] * 11, *[{"label": "metal"}] * 12, *[{"label": "class1"}] * 10)
    finding = found(table, "misspelled")
    assert finding.values == {"label": "mettal", "other": "metal"}
    assert finding.button() == "Merge into “metal”"
    assert kinds(table) == {"misspelled"}


def test_serious_findings_come_first():
    rows = [{"brightness": 0}, {"similar": 1, "split": "train"}, {"similar": 1, "split": "test"}]
    assert [finding.kind for finding in find(plenty(*rows))] == ["leak", "dark"]


def test_every_kind_has_words_for_one_and_for_many():
    values = {"limit": 1, "labels": "a", "label": "a", "other": "b", "times": 10, "largest": "a", "smallest": "b"}
    needed = {
        "misspelled": {"label", "other"},
        "other_folder": {"label", "other"},
        "tiny": {"limit"},
        "few": {"limit", "labels"},
        "balance": {"times", "largest", "smallest"},
    }
    for kind in KINDS:
        told = {name: values[name] for name in needed.get(kind, set())}
        for count in (1, 2):
            assert "{" not in Finding(kind, count, (), (1,), told).shown()


@pytest.fixture
def project(tmp_path):
    workspace = Workspace(tmp_path / "home")
    project = projects.create_project(workspace, "Metals")
    for label, tones in {"mettal": (10, 60), "metal": (90, 130, 170)}.items():
        files = []
        for tone in tones:
            file = tmp_path / f"{tone}.png"
            scene(64).point(lambda value, tone=tone: (value + tone) // 2).save(file)
            files.append((file.name, file))
        intake.take_files(workspace, project.id, label, files)
    return workspace, project.id


def counts(workspace, project_id: str) -> dict[str, int]:
    return dataset.images(workspace, project_id)["label"].value_counts().to_dict()


def test_pictures_are_set_aside_and_come_back(project):
    first = int(dataset.images(*project)["id"].iloc[0])
    assert mend(*project, Finding("dark", 1, (first,), (first,))) == 1
    assert counts(*project) == {"mettal": 1, "metal": 3}
    curation.undo(*project)
    assert counts(*project) == {"mettal": 2, "metal": 3}


def test_two_spellings_are_merged_and_parted_again(project):
    table = dataset.images(*project).assign(similar=pd.array([pd.NA] * 5, dtype="Int64"))
    assert mend(*project, found(table, "misspelled")) == 2
    assert counts(*project) == {"metal": 5}
    curation.undo(*project)
    assert counts(*project) == {"mettal": 2, "metal": 3}


def fine(kind: str, *subjects: int | str) -> frozenset[tuple[str, str]]:
    return frozenset((kind, str(subject)) for subject in subjects)


def test_of_pictures_that_are_fine_only_the_new_ones_are_told():
    table = plenty({"sharpness": 0.1}, {"sharpness": 0.1}, {"sharpness": 0.1})
    (told,) = find(table, fine("blurred", 1, 3))
    assert (told.count, told.ids, told.to_mend) == (1, (2,), (2,))
    (left_out,) = hidden(table, fine("blurred", 1, 3))
    assert left_out.ids == (1, 3)
    assert find(table, fine("blurred", 1, 2, 3)) == []


def test_what_is_fine_as_one_kind_is_told_as_another():
    table = plenty({"brightness": 0.01}, {"sharpness": 0.1})
    assert [finding.kind for finding in find(table, fine("dark", 1, 2))] == ["blurred"]


def test_near_copies_that_are_fine_are_told_again_when_one_joins_them():
    table = plenty({"similar": 7}, {"similar": 7}, {"similar": 8}, {"similar": 8})
    assert found(table, "duplicates").ids == (1, 2, 3, 4)
    (told,) = find(table, fine("duplicates", 1, 2))
    assert (told.ids, told.to_mend) == ((3, 4), (4,))
    joined = plenty({"similar": 7}, {"similar": 7}, {"similar": 7})
    (told,) = find(joined, fine("duplicates", 1, 2))
    assert told.ids == (1, 2, 3)
    assert hidden(joined, fine("duplicates", 1, 2)) == []


def test_near_copies_that_are_fine_stay_so_when_one_of_them_goes():
    three = plenty({"similar": 7}, {"similar": 7}, {"similar": 7})
    assert find(three.drop(index=1), fine("duplicates", 1, 2, 3)) == []


def test_a_leak_that_is_fine_leaves_out_its_training_pictures_too():
    rows = [{"similar": one, "split": split} for one in (1, 2) for split in ("train", "validation")]
    (told,) = find(plenty(*rows), fine("leak", 1, 2))
    assert (told.kind, told.count, told.ids, told.to_mend) == ("leak", 1, (3, 4), (3,))
    assert find(plenty(*rows), fine("leak", 1, 2, 3, 4)) == []


def test_a_small_class_that_is_fine_stays_so_and_another_one_is_told():
    table = plenty({"label": "bee"}, {"label": "wasp"})
    assert found(table, "few").classes == ("bee", "wasp")
    (told,) = [finding for finding in find(table, fine("few", "bee")) if finding.kind == "few"]
    assert (told.classes, told.count, told.values["labels"]) == (("wasp",), 1, "wasp")
    assert "few" not in {finding.kind for finding in find(table, fine("few", "bee", "wasp"))}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_can_be_dismissed_for_good_and_shown_again(project, kind):
    table = {
        "leak": plenty({"similar": 1, "split": "train"}, {"similar": 1, "split": "test"}),
        "two_classes": plenty({"similar": 1}, {"similar": 1, "label": "bee"}),
        "other_folder": plenty(),
        "misspelled": plenty(*[{"label": "mettal"}] * 12, label="metal"),
        "duplicates": plenty({"similar": 1}, {"similar": 1}),
        "uniform": plenty({"contrast": 0.01}),
        "dark": plenty({"brightness": 0.01}),
        "blurred": plenty({"sharpness": 0.01}),
        "tiny": plenty({"width": 20}),
        "few": plenty({"label": "bee"}),
        "balance": plenty(*[{"label": "bee"}] * 10, count=101),
    }[kind]
    disputed = {1: "wasp"} if kind == "other_folder" else {}
    (finding,) = [finding for finding in find(table, disputed=disputed) if finding.kind == kind]
    dismiss(*project, finding)
    said = curation.what_is_fine(*project)
    assert kind not in {finding.kind for finding in find(table, said, disputed)}
    assert [finding.kind for finding in hidden(table, said, disputed)] == [kind]
    curation.show_again(*project)
    assert kind in {finding.kind for finding in find(table, curation.what_is_fine(*project), disputed)}


def test_two_spellings_that_are_fine_stay_so_when_the_smaller_class_becomes_the_larger(project):
    dismiss(*project, found(plenty(*[{"label": "mettal"}] * 12, label="metal"), "misspelled"))
    said = curation.what_is_fine(*project)
    assert find(plenty(*[{"label": "mettal"}] * 30, label="metal"), said) == []


def test_a_picture_that_lay_in_two_folders_is_moved_to_the_other_class_or_kept():
    table = plenty({}, {}, {"label": "bee"}, label="bee")
    disputed = {1: "bee", 2: "wasp", 3: "ant"}
    told = [one for one in find(table, disputed=disputed) if one.kind == "other_folder"]
    assert [(one.ids, one.to_mend, one.values) for one in told] == [
        ((1,), (1,), {"label": "ant", "other": "bee"}),
        ((2,), (2,), {"label": "ant", "other": "wasp"}),
        ((3,), (3,), {"label": "bee", "other": "ant"}),
    ]
    assert told[0].is_serious
    assert "1 picture of “ant” also lay in the folder of “bee”." in told[0].shown()
    assert (told[0].button(), told[0].fine()) == ("Move to “bee”", "Keep in “ant”")


def test_a_picture_that_is_kept_is_told_of_again_for_a_third_folder():
    table = plenty({})
    (told,) = find(table, disputed={1: "bee"})
    fine = frozenset(("other_folder", subject) for subject in told.classes)
    assert find(table, fine, {1: "bee"}) == []
    assert [one.ids for one in hidden(table, fine, {1: "bee"})] == [(1,)]
    assert [one.values["other"] for one in find(table, fine, {1: "wasp"})] == ["wasp"]


def test_what_is_about_a_class_is_not_said_of_a_picture():
    rows = [{"sharpness": 0.1}, {"label": "bee"}]
    about = {finding.kind: finding.of_one() for finding in find(plenty(*rows), disputed={1: "wasp"})}
    assert about == {
        "other_folder": "Also lay in the folder of “wasp”",
        "blurred": "Looks blurred",
        "few": None,
        "balance": None,
    }


def test_a_disputed_picture_that_is_not_in_use_is_not_talked_about():
    assert find(plenty(), disputed={99: "bee"}) == []
