"""Why a file that somebody brings is not taken, in words for its owner."""

from core.errors import AppError
from core.text import N_

REASONS = {
    "link": N_("This is a link to something elsewhere. Put the picture itself into the folder."),
    "climbs_out": N_("Its path leads out of the folder or zip in which it was. Put it into a class folder."),
    "empty": N_("This file is empty. Perhaps it was not copied to the end: copy it again."),
    "too_large": N_("This file is larger than {limit_megabytes} MB. Make the picture smaller and add it again."),
    "unopened": N_("This could not be opened. Check that you may read it, then add it again."),
    "damaged_in_zip": N_("This file is damaged inside the zip. Make the zip anew, or add the folder instead."),
    "shares_bytes": N_(
        "This file shares its bytes with another file of the zip, which no ordinary zip does. Add the picture without "
        "a zip."
    ),
    "packing": N_(
        "This file is packed in a way that Headstart does not unpack. Make the zip anew with the usual settings, or "
        "add the folder instead."
    ),
    "encrypted": N_("This file is locked with a password. Unpack the zip yourself and add the folder."),
    "archive": N_("This is a packed file inside of what you added. Unpack it yourself and add what is in it."),
    "ratio": N_(
        "This file becomes more than {limit_ratio} times as large when it is unpacked, which pictures do not. Add the "
        "picture without a zip."
    ),
    "unpacked": N_(
        "The zip holds more than {limit_megabytes} MB, and this file came after that. Add the rest in another zip."
    ),
    "too_many": N_(
        "With this file, {num_files} files were left out: at most {limit_files} are taken at a time. Add the rest "
        "separately."
    ),
    "crashed": N_(
        "This picture could not be read: the program that decodes it ended without a word. Open it in another program, "
        "save it anew, and add it again."
    ),
    "memory": N_(
        "This computer has too little free memory for this picture. Close other programs or make the picture smaller, "
        "then add it again."
    ),
    "absent": N_("This picture was not in the file of the saved project. Bring it in again from where you have it."),
    "altered": N_(
        "This picture is not the one that was saved with the project: the file was damaged or changed since. Bring the "
        "picture in again from where you have it."
    ),
    "no_class": N_("This picture lies in no class folder. Put it into a folder that has the name of its class."),
    "removed": N_(
        "You have set this very picture aside in the class “{label}”. Look for it under “Set aside by you”, bring it "
        "back and move it."
    ),
    "other_class": N_(
        "The very same picture is already in the class “{label}”, and a picture can be in one class only. Remove it "
        "there if it belongs here."
    ),
}


class SetAsideError(AppError):
    """One file is not taken; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str, **values: object):
        self.sentence = REASONS[reason]
        super().__init__(**values)
