"""A user's own text, such as the name of a class, shown letter by letter and never as Markdown."""

import re

_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")
_SHORTCODE_BREAK = "\N{WORD JOINER}"


def plain(text: str) -> str:
    """Returns a user's text so that Markdown shows it letter by letter, on one line.

    A backslash stops Markdown itself; the word joiner after a colon stops icon and emoji short codes, which are
    looked for after that.
    """
    return _MARKUP.sub(r"\\\1", " ".join(text.split())).replace(":", ":" + _SHORTCODE_BREAK)
