"""core.connections: connections to the index that stay open between two looks at it."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from core import connections


@pytest.fixture(autouse=True)
def nothing_idle():
    connections.close_all()
    yield
    connections.close_all()


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "headstart.db")


def replace(file):
    """Puts a copy in the place of a file."""
    other = file.with_name("other.db")
    other.write_bytes(file.read_bytes())
    other.replace(file)


class Index:
    """A file that counts how often it was opened."""

    def __init__(self, file):
        self.file = file
        self.opened = []
        sqlite3.connect(file).close()
        file.touch()

    def connect(self):
        connection = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        self.opened.append(connection)
        return connection

    def lent(self):
        return connections.lent(self.file, self.connect)


def is_open(connection):
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_the_next_one_gets_the_same_connection(index):
    for _time in range(3):
        with index.lent() as connection:
            connection.execute("INSERT INTO words VALUES ('ant')")
    assert len(index.opened) == 1


def test_two_at_once_get_one_each(index):
    meet = Barrier(2)

    def use(_number):
        with index.lent() as connection:
            meet.wait(10)
            return connection

    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(use, range(2)))) == 2


def test_a_connection_that_fails_is_not_lent_again(index):
    with pytest.raises(sqlite3.OperationalError), index.lent() as connection:
        connection.execute("SELECT * FROM nothing")
    assert not is_open(connection)
    with index.lent() as other:
        assert is_open(other)


def test_an_index_that_took_the_place_of_another_is_opened(index):
    with index.lent() as old:
        old.execute("INSERT INTO words VALUES ('old')")
    replace(index.file)
    with index.lent() as new:
        assert new is not old
    assert not is_open(old)


def test_an_index_that_is_replaced_while_it_is_opened_is_opened_again(index):
    def connect():
        connection = index.connect()
        replace(index.file)
        return connection

    with connections.lent(index.file, connect) as old:
        pass
    with index.lent() as new:
        assert new is not old


def test_only_a_few_stay_open(tmp_path):
    indexes = [Index(tmp_path / f"{number}.db") for number in range(connections.KEPT + 2)]
    for index in indexes:
        with index.lent():
            pass
    assert [is_open(index.opened[0]) for index in indexes] == [False] * 2 + [True] * connections.KEPT


def test_all_are_closed_at_the_end(index):
    with index.lent() as connection:
        pass
    connections.close_all()
    assert not is_open(connection)
