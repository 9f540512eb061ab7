import json
from dataclasses import replace

import pytest

from core import machines
from core.machines import Measured

MEASURED = Measured("residual10", 41, 112, "tensorflow", num_images=200, pass_ms=5.0, epoch_ms=0.3)


def here(**changes):
    """The reference machine's speed under this machine's name."""
    name, processor, num_cores = machines.this_machine()
    known = {"name": name, "processor": processor, "num_cores": num_cores}
    return replace(machines.reference(), **(known | changes))


def test_this_machine_is_found_again(tmp_path):
    assert machines.here(tmp_path) is None
    machines.keep(tmp_path, here())
    assert machines.here(tmp_path) == here()


@pytest.mark.parametrize("change", [{"name": "elsewhere"}, {"processor": "other"}, {"num_cores": 1000}])
def test_another_machine_is_not_trusted(tmp_path, change):
    machines.keep(tmp_path, here(**change))
    assert machines.here(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"name": "a"}', "null", json.dumps({**here().__dict__, "litert_ms": "fast"})]
)
def test_a_broken_file_about_the_machine_is_ignored(tmp_path, text):
    file = tmp_path / "features" / "machine.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert machines.here(tmp_path) is None


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_speed_that_cannot_be_is_ignored(tmp_path, value):
    machines.keep(tmp_path, here(decode_ms=value))
    assert machines.here(tmp_path) is None


def test_what_runs_took_is_kept_one_for_each_cut(tmp_path):
    other = replace(MEASURED, frozen_layers=31)
    newer = replace(MEASURED, pass_ms=4.0)
    for one in (MEASURED, other, newer):
        machines.record(tmp_path, one)
    assert list(machines.measured_here(tmp_path)) == [other, newer]


def test_a_run_that_found_everything_keeps_what_a_pass_took(tmp_path):
    machines.record(tmp_path, replace(MEASURED, way="litert"))
    machines.record(tmp_path, replace(MEASURED, pass_ms=0, epoch_ms=0.2))
    (kept,) = machines.measured_here(tmp_path)
    assert (kept.way, kept.pass_ms, kept.epoch_ms) == ("litert", 5.0, 0.2)


def test_a_run_with_few_pictures_is_passed_over(tmp_path):
    machines.record(tmp_path, replace(MEASURED, num_images=machines.MIN_IMAGES - 1))
    assert not machines.measured_here(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"machine": ["a", "b", 1], "runs": []}', '{"runs": 3}', "null"])
def test_a_broken_file_about_runs_is_ignored_and_written_anew(tmp_path, text):
    file = tmp_path / "features" / "speeds.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert not machines.measured_here(tmp_path)
    machines.record(tmp_path, MEASURED)
    assert list(machines.measured_here(tmp_path)) == [MEASURED]
    assert [path.name for path in file.parent.iterdir()] == ["speeds.json"]
