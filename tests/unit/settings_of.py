"""For the tests of the settings: what a board says of a file, and of others beside it."""

import json

from hardware import Hardware, Module, write

GOOD = {"server": "h", "access_token": "SECRET"}

with Hardware() as usual_board:
    usual = usual_board.load("settings")  # of a board without Wi-Fi


def with_settings(**changes):
    settings = dict(GOOD)
    settings.update(changes)
    return json.dumps(settings)


def load(content, facts=None, reader=json.loads, **files):
    """Return (settings or None, the line of the SettingsError or None)."""
    with Hardware(**(facts or {})) as board:
        settings = board.load("settings") if facts else usual
        settings.json = Module(loads=reader)
        if content is not None:
            write("settings.json", content)
        for name in files:
            # "ca_der" is ca.der
            write(name.replace("_", "."), files[name])
        try:
            return settings.load(), None
        except settings.SettingsError as error:
            return None, str(error)


def taken(content, facts=None, **files):
    config, error = load(content, facts, **files)
    assert error is None
    return config


def refused(content, facts=None, reader=json.loads, **files):
    config, error = load(content, facts, reader, **files)
    assert config is None
    assert "\n" not in error and "SECRET" not in error and len(error) < 500
    return error
