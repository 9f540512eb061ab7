import pytest

from core.limits import SETTINGS, LimitError, Limits


def test_limits_without_settings_are_the_defaults(monkeypatch):
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    assert Limits.from_environment() == Limits()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_every_limit_has_a_setting(monkeypatch, setting):
    monkeypatch.setenv(setting.variable, "3")
    assert getattr(Limits.from_environment(), setting.limit) == 3 * setting.unit


@pytest.mark.parametrize("value", ["lots", "0", "-1", "1.5", "inf", "1e3", "99999999999999999999"])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_nonsense_is_told(monkeypatch, setting, value):
    monkeypatch.setenv(setting.variable, value)
    with pytest.raises(LimitError, match=f"{setting.variable} is “{value}”"):
        Limits.from_environment()


def test_no_limit_was_forgotten():
    assert {setting.limit for setting in SETTINGS} == set(Limits.__dataclass_fields__)
