"""Scripts of our components: files beside this one, joined, since a component takes a single script."""

from pathlib import Path

HERE = Path(__file__).parent


def joined(*names: str) -> str:
    """Returns what is in the files of these names, one after the other."""
    return "".join((HERE / name).read_text(encoding="utf-8") for name in names)
