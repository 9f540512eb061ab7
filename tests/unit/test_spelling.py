import pytest

from core.spelling import misspelled


@pytest.mark.parametrize(
    ("label", "other"),
    [
        ("Cat", "cat"),
        ("cats", "cat"),
        ("boxes", "box"),
        ("berries", "berry"),
        ("card board", "cardboard"),
        ("GlassBottle", "glass_bottle"),
        ("carboard", "cardboard"),
        ("mettal", "metal"),
        ("plastik", "plastic"),
        ("flowre", "flower"),
        ("healty leaf", "healthy leaf"),
        ("Box 1", "box1"),
    ],
)
def test_two_spellings_of_a_name_are_found(label, other):
    assert list(misspelled([label, other])) == [(label, other)]


@pytest.mark.parametrize(
    "labels",
    [
        ("cat", "bat"),
        ("ant", "aunt"),
        ("horse", "house"),
        ("trial", "trail"),
        ("carton", "carbon"),
        ("mountain", "fountain"),
        ("healthy", "unhealthy"),
        ("class1", "class2"),
        ("class 1", "class 11"),
        ("speciesA", "speciesB"),
        ("grade a", "grade b"),
        ("good", "no good"),
        ("2020", "2021"),
        ("猫", "犬"),
    ],
)
def test_names_that_differ_on_purpose_are_left_alone(labels):
    assert list(misspelled(labels)) == []


def test_the_largest_of_several_is_the_one_that_was_meant():
    assert list(misspelled(["CATS", "Cat", "cat"])) == [("CATS", "cat"), ("Cat", "cat")]
