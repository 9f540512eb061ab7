"""Things a user can put right: each error builds its own sentence, and keeps sentence and values apart."""

from core.text import N_, _


class AppError(Exception):
    """Something the user can put right; its sentence says what happened, what is needed and what to do next.

    A child sets `sentence`, with `{name}` places, and is raised with the values for them. `str()` is English, for
    logs and for the command line; `shown()` is in the reader's language.
    """

    sentence = N_("Something went wrong. Try again.")

    def __init__(self, **values: object):
        self.values = values
        super().__init__(self.sentence.format(**values))

    def shown(self) -> str:
        """Returns the sentence in the present reader's language."""
        return _(self.sentence, **self.values)

    def said(self) -> dict[str, object]:
        """Returns sentence and values, to be written down for another process; `SaidError` takes them back."""
        return {"sentence": self.sentence, "values": self.values}


class SaidError(AppError):
    """What another process, or an earlier one, had to say: the sentence is its own."""

    def __init__(self, sentence: str, values: dict[str, object]):
        self.sentence = sentence
        super().__init__(**values)
