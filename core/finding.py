"""Findings: what can be worth a look among images, in the words in which it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field

from core.text import N_, _, ngettext

SERIOUS, LOOK = "serious", "look"


@dataclass(frozen=True)
class Kind:
    """What can be found.

    Attributes:
        title: A sentence of gettext, as are the others.
        weight: `SERIOUS` where the results would be wrong, else `LOOK`.
        say: Returns what was found in the present reader's language, from the count and the values of a finding.
        button: What mends it; None where only its owner can.
        fine: What says that all is as it should be.
        one: What is said of a single picture that shows it; None where it is about classes.
    """

    title: str
    weight: str
    say: Callable[..., str]
    button: str | None = None
    fine: str = N_("These are fine")
    one: str | None = None


KINDS = {
    "leak": Kind(
        N_("Training pictures among those to check with"),
        SERIOUS,
        lambda count: ngettext(
            "{count} picture of your own validation or test folders has a near twin among your training pictures: the "
            "network would have known the answer by heart, and its result would have looked better than it is.",
            "{count} pictures of your own validation or test folders have a near twin among your training pictures: "
            "the network would have known the answers by heart, and its result would have looked better than it is.",
            count,
        ),
        N_("Set the training copies aside"),
        one=N_("Has a near twin on the other side of your own folders for training, validation and test"),
    ),
    "two_classes": Kind(
        N_("The same picture in two classes"),
        SERIOUS,
        lambda count: ngettext(
            "{count} picture is nearly the same as one of another class, so the network is told two answers for it. "
            "Move it to the right class, or set all of its copies aside.",
            "{count} pictures are nearly the same as one of another class, so the network is told two answers for "
            "them. Move them to the right class, or set all of them aside.",
            count,
        ),
        N_("Set all of them aside"),
        one=N_("Nearly the same as a picture of another class"),
    ),
    "other_folder": Kind(
        N_("The same picture in the folders of two classes"),
        SERIOUS,
        lambda count, **names: ngettext(
            "{count} picture of “{label}” also lay in the folder of “{other}”. A picture can be in one class only, and "
            "it is in “{label}”, where it came first. Which is right?",
            "{count} pictures of “{label}” also lay in the folder of “{other}”. A picture can be in one class only, "
            "and they are in “{label}”, where they came first. Which is right?",
            count,
            **names,
        ),
        N_("Move to “{other}”"),
        N_("Keep in “{label}”"),
        one=N_("Also lay in the folder of “{other}”"),
    ),
    "misspelled": Kind(
        N_("Two names for one class?"),
        LOOK,
        lambda count, **names: ngettext(
            "“{label}”, with {count} picture, looks like another spelling of “{other}”. Merge them if they mean the "
            "same.",
            "“{label}”, with {count} pictures, looks like another spelling of “{other}”. Merge them if they mean the "
            "same.",
            count,
            **names,
        ),
        N_("Merge into “{other}”"),
    ),
    "duplicates": Kind(
        N_("Near copies"),
        LOOK,
        lambda count: ngettext(
            "{count} picture is a near copy of another of its class. The network learns nothing new from it; one of "
            "each is enough.",
            "{count} pictures are near copies of others of their class. The network learns nothing new from them; one "
            "of each is enough.",
            count,
        ),
        N_("Keep one of each, set the others aside"),
        one=N_("Near copy of another picture of its class"),
    ),
    "uniform": Kind(
        N_("Nearly empty pictures"),
        LOOK,
        lambda count: ngettext(
            "{count} picture is of nearly one colour. Set it aside if it shows nothing to learn from.",
            "{count} pictures are of nearly one colour. Set them aside if they show nothing to learn from.",
            count,
        ),
        N_("Set aside"),
        one=N_("Nearly empty"),
    ),
    "dark": Kind(
        N_("Very dark pictures"),
        LOOK,
        lambda count: ngettext(
            "{count} picture is very dark. Set it aside if you cannot tell what is on it.",
            "{count} pictures are very dark. Set them aside if you cannot tell what is on them.",
            count,
        ),
        N_("Set aside"),
        one=N_("Very dark"),
    ),
    "blurred": Kind(
        N_("Blurred pictures"),
        LOOK,
        lambda count: ngettext(
            "{count} picture looks blurred. Set it aside, unless your later pictures will be as blurred.",
            "{count} pictures look blurred. Set them aside, unless your later pictures will be as blurred.",
            count,
        ),
        N_("Set aside"),
        one=N_("Looks blurred"),
    ),
    "tiny": Kind(
        N_("Tiny pictures"),
        LOOK,
        lambda count, **values: ngettext(
            "{count} picture is less than {limit} pixels wide or high, and shows few details. Bring in a larger one "
            "where you have it.",
            "{count} pictures are less than {limit} pixels wide or high, and show few details. Bring in larger ones "
            "where you have them.",
            count,
            **values,
        ),
        N_("Set aside"),
        one=N_("Tiny"),
    ),
    "few": Kind(
        N_("Classes with few pictures"),
        LOOK,
        lambda count, **values: ngettext(
            "{count} class has fewer than {limit} pictures: {labels}. Add more, from other places and in other light.",
            "{count} classes have fewer than {limit} pictures: {labels}. Add more, from other places and in other "
            "light.",
            count,
            **values,
        ),
    ),
    "balance": Kind(
        N_("Classes out of balance"),
        LOOK,
        lambda count, **values: _(
            "“{largest}” has more than {times} times as many pictures as “{smallest}”; the network may hardly ever "
            "answer “{smallest}”. Add pictures to the smaller classes.",
            **values,
        ),
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something that was found in a project's images.

    Attributes:
        kind: A key of `KINDS`.
        count: What its sentence counts.
        ids: Of the pictures that show it, twins side by side.
        to_mend: Ids of those that the button changes; empty where there is nothing to press.
        values: What else its sentence names.
        classes: What it is about where that is not its pictures alone.
    """

    kind: str
    count: int
    ids: tuple[int, ...]
    to_mend: tuple[int, ...] = ()
    values: dict[str, object] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def is_serious(self) -> bool:
        """Whether results would be wrong."""
        return KINDS[self.kind].weight == SERIOUS

    def title(self) -> str:
        """Returns its title in the present reader's language."""
        return _(KINDS[self.kind].title)

    def shown(self) -> str:
        """Returns what was found, and the next step, in the present reader's language."""
        return KINDS[self.kind].say(self.count, **self.values)

    def button(self) -> str | None:
        """Returns what mends it in the present reader's language; None where nothing can be pressed."""
        label = KINDS[self.kind].button
        return _(label, **self.values) if label and self.to_mend else None

    def of_one(self) -> str | None:
        """Returns what is said of each of its pictures, in the present reader's language; None where it is of none."""
        one = KINDS[self.kind].one
        return _(one, **self.values) if one else None

    def fine(self) -> str:
        """Returns what says that all is as it should be, in the present reader's language."""
        return _(KINDS[self.kind].fine, **self.values)
