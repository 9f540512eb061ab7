import os
from dataclasses import replace

import numpy as np
import psutil
import pytest

from core import budget
from core.budget import BudgetError
from core.features import Key, Store

KEY = Key("residual10", "weights", "40", 112)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "features"


def filled(folder, key=KEY) -> Store:
    """A store with one part for some pictures."""
    store = Store(folder, key, ((4,),))
    store.make_places([bytes([number]) * 16 for number in range(6)], np.dtype(np.float16))
    return store


def test_least_recently_used_store_goes_first(folder, monkeypatch):
    keys = [replace(KEY, frontier=str(number)) for number in range(3)]
    for age, key in enumerate(keys):
        filled(folder, key=key).close()
        os.utime(folder / key.folder / "key.json", (1000 + age, 1000 + age))
    size = budget.size_bytes(folder / keys[0].folder)
    monkeypatch.setenv("HEADSTART_FEATURES_GB", str(3.5 * size / budget.GIGABYTE))
    assert budget.make_room(folder, size)
    assert [(folder / key.folder).exists() for key in keys] == [False, True, True]


def test_a_store_in_use_stays_and_so_does_one_that_is_to_be_kept(folder, monkeypatch):
    used, kept = replace(KEY, frontier="1"), replace(KEY, frontier="2")
    store = filled(folder, key=used)
    filled(folder, key=kept).close()
    monkeypatch.setenv("HEADSTART_FEATURES_GB", "0.00000001")
    assert not budget.make_room(folder, 1, keep=[kept.folder])
    assert (folder / used.folder).exists() and (folder / kept.folder).exists()
    store.close()
    assert not budget.in_use(folder / used.folder)


def test_a_store_whose_user_died_is_not_in_use(folder):
    filled(folder).close()
    created = psutil.Process().create_time()
    (folder / KEY.folder / "users" / f"{os.getpid()}-{created - 1000}").touch()
    (folder / KEY.folder / "users" / "nonsense").touch()
    assert not budget.in_use(folder / KEY.folder)


def test_nothing_is_thrown_away_in_vain(folder, monkeypatch):
    filled(folder).close()
    monkeypatch.setenv("HEADSTART_FEATURES_GB", "0.001")
    assert not budget.make_room(folder, 10_000_000)
    assert (folder / KEY.folder).exists()


def test_a_reserve_of_the_disk_is_never_touched(folder, monkeypatch):
    free = budget.RESERVE_BYTES + 1000
    monkeypatch.setattr(budget.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    assert budget.make_room(folder, 1000)
    assert not budget.make_room(folder, 1001)


def test_a_budget_that_is_no_number_is_said(monkeypatch):
    monkeypatch.setenv("HEADSTART_FEATURES_GB", "lots")
    with pytest.raises(BudgetError, match="“lots”"):
        budget.budget_bytes()


def test_store_that_somebody_began_to_use_meanwhile_stays(folder, monkeypatch):
    first, second = (replace(KEY, frontier=name) for name in ("1", "2"))
    for key in (first, second):
        filled(folder, key=key).close()
    asked, in_use = [], budget.in_use

    def begins_to_use(store):
        asked.append(store)
        return in_use(store) or len(asked) > 2  # when it is asked for the second time

    monkeypatch.setattr(budget, "in_use", begins_to_use)
    monkeypatch.setenv("HEADSTART_FEATURES_GB", "0.00000001")
    assert not budget.make_room(folder, 0)
    assert (folder / first.folder).exists() and (folder / second.folder).exists()
