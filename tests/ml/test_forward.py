import threading

import keras
import numpy as np
import pytest

from core.ml import forward
from core.ml.forward import Forward, Pass, agree


@pytest.fixture(scope="module")
def prefix():
    """Two outputs of different shapes, as at a cut with two tensors."""
    images = keras.Input((8, 8, 3))
    first = keras.layers.Conv2D(4, 3, strides=2, name="a")(images / 255)
    second = keras.layers.Conv2D(2, 3, name="b")(first)
    return keras.Model(images, [second, first])


@pytest.fixture
def passing():
    made = []

    def make(load, prefix):
        made.append(Pass(load, Forward(prefix) if prefix is not None else None))
        return made[-1]

    yield make
    for one in made:
        one.close()


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype(np.uint8)


def expected(prefix, numbers):
    return [np.asarray(said) for said in prefix(np.stack([picture(n) for n in numbers]).astype(np.float32))]


def assert_answers(answers, prefix, numbers):
    for index, tensor in enumerate(expected(prefix, numbers)):
        np.testing.assert_allclose(np.stack([one[index] for one in answers]), tensor, atol=1e-5)


def test_answers_come_in_the_order_of_the_jobs(passing, prefix):
    numbers = list(range(70))  # two whole batches and a rest
    assert_answers(list(passing(picture, prefix).start(numbers)), prefix, numbers)


def test_without_a_prefix_the_images_come_themselves(passing):
    answers = list(passing(picture, None).start([3, 1]))
    np.testing.assert_array_equal(answers[0][0], picture(3))
    np.testing.assert_array_equal(answers[1][0], picture(1))


def test_quick_form_says_the_same_with_its_tensors_in_order(prefix):
    quick = Forward(prefix).convert()
    assert_answers([quick(picture(number)) for number in range(4)], prefix, range(4))


def test_pass_in_the_quick_form_says_the_same_in_order(passing, prefix):
    one = passing(picture, prefix)
    one.quick = one.forward.convert()
    assert_answers(list(one.start(range(40))), prefix, range(40))


def run_until_chosen(one, prefix):
    one.prepare_quick_form()
    one._conversion.exception()  # waits until it is converted
    assert_answers(list(one.start(range(80))), prefix, range(80))


def test_quicker_form_is_taken_in_the_middle_of_the_work(passing, prefix, monkeypatch):
    clock = iter([0.0, 1.0, 3.0])
    monkeypatch.setattr(forward.time, "perf_counter", lambda: next(clock))
    one = passing(picture, prefix)
    run_until_chosen(one, prefix)
    assert one.quick is not None


def test_quicker_form_can_be_taken_before_the_work_begins(passing, prefix, monkeypatch):
    clock = iter([0.0, 1.0, 3.0])
    monkeypatch.setattr(forward.time, "perf_counter", lambda: next(clock))
    one = passing(picture, prefix)
    one.take_quick_form(range(8))
    assert one.quick is not None
    assert_answers(list(one.start(range(40))), prefix, range(40))


def test_slower_form_is_not_taken(passing, prefix, monkeypatch):
    clock = iter([0.0, 2.0, 3.0])
    monkeypatch.setattr(forward.time, "perf_counter", lambda: next(clock))
    one = passing(picture, prefix)
    run_until_chosen(one, prefix)
    assert one.quick is None


def test_form_that_says_something_else_is_not_taken(passing, prefix, monkeypatch):
    clock = iter([0.0, 1.0, 3.0])
    monkeypatch.setattr(forward.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(
        forward.QuickForward, "__call__", lambda self, image: [np.zeros((1, 1, 2)), np.zeros((3, 3, 4))]
    )
    one = passing(picture, prefix)
    run_until_chosen(one, prefix)
    assert one.quick is None


def test_network_that_cannot_be_converted_goes_on_in_tensorflow(passing, prefix, monkeypatch):
    def refuse(self):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(Forward, "convert", refuse)
    one = passing(picture, prefix)
    run_until_chosen(one, prefix)
    assert one.quick is None


def test_gpu_needs_no_quick_form(passing, prefix, monkeypatch):
    one = passing(picture, prefix)
    monkeypatch.setattr(forward, "has_gpu", lambda: True)
    one.prepare_quick_form()
    assert one._conversion is None


def test_agreement_is_to_float32_accuracy():
    theirs = [np.array([[1.0, 100.0]], np.float32)]
    assert agree([[np.array([1.0, 100.005], np.float32)]], theirs)
    assert not agree([[np.array([1.0, 100.05], np.float32)]], theirs)
    assert not agree([[np.array([1.0], np.float32)]], theirs)


def test_what_a_picture_raises_reaches_the_caller(passing, prefix):
    def load(number):
        if number == 5:
            raise OSError("gone")
        return picture(number)

    with pytest.raises(OSError, match="gone"):
        list(passing(load, prefix).start(range(10)))


def test_closing_ends_the_threads(prefix):
    before = threading.active_count()
    one = Pass(picture, Forward(prefix))
    list(one.start(range(4)))
    one.close()
    one._pool.shutdown(wait=True)
    assert threading.active_count() <= before + 1  # TensorFlow keeps one of its own
