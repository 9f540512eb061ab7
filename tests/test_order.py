from tests.order import ByBackbone


def scope(nodeid: str) -> str:
    return ByBackbone._split_scope(None, nodeid)


def test_all_tests_of_one_network_belong_together_and_to_no_other():
    tests = [f"tests/ml/test_catalog.py::{test}[{name}]" for name in ("vgg16", "vgg19") for test in ("one", "other")]
    assert [scope(test) for test in tests] == [scope(tests[0])] * 2 + [scope(tests[2])] * 2
    assert scope(tests[0]) != scope(tests[2])


def test_every_other_test_goes_where_there_is_room():
    tests = [
        "tests/ml/test_catalog.py::published",
        "tests/unit/test_speeds.py::one[vgg16]",
        "tests/unit/test_speeds.py::other[vgg16]",
    ]
    assert [scope(test) for test in tests] == tests
