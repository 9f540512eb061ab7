"""Which tests come first, and which of them one process has to itself when two share the work."""

import pytest
from xdist.scheduler import LoadScopeScheduling

from core.backbones import Backbone

ORDER = ("unit", "", "ui", "pages", "bench", "ml", "browser")  # the folders; "" is the one of all tests
WHOLE_CATALOG = "tests/ml/test_catalog.py::"


def turn(part: str, item: pytest.Item) -> tuple[bool, int, int]:
    """What tests are sorted by: the fast ones first, of the slow ones those of the largest networks."""
    is_slow = item.get_closest_marker("slow") is not None
    backbone: Backbone | None = getattr(getattr(item, "callspec", None), "params", {}).get("row")
    return is_slow, ORDER.index(part), -backbone.num_layers if is_slow and backbone else 0


class ByBackbone(LoadScopeScheduling):
    """Gives all tests of one network of the catalog to the same process, which builds it once.

    Those come before any other test, so that both processes end at the same time. The groups of `--dist loadgroup`
    would say the same, but xdist 3.8 notes them in a name that pytest 9.2 no longer lets it change, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("[")[2] if nodeid.startswith(WHOLE_CATALOG) and "[" in nodeid else nodeid
