"""Who publishes: the environment and the keyring."""

import keyring
from aiohttp import web

from tests.system.publish.conftest import Memory
from tools.publish import __main__ as publish
from tools.publish import credentials
from tools.tbsim.web import rest


def test_without_credentials_it_says_where_they_go(server, package, tool):
    code, said = tool("roll-out", package, "--server", server.url, "--device", "*")
    assert code == 1 and "set THINGSBOARD_USER and THINGSBOARD_PASSWORD" in said
    assert "make login SERVER=" in said


def test_a_user_without_password_is_told(server, package, tool, monkeypatch):
    monkeypatch.setenv(credentials.USER, "somebody")
    code, said = tool("roll-out", package, "--server", server.url, "--device", "*")
    assert code == 1 and "belong together" in said


def test_a_wrong_password_is_refused_and_not_shown(server, package, tool, monkeypatch):
    monkeypatch.setenv(credentials.USER, "somebody")
    monkeypatch.setenv(credentials.PASSWORD, "do-not-show")
    code, said = tool("roll-out", package, "--server", server.url, "--device", "*")
    assert code == 1 and said == f"publish: {server.url} refuses user somebody"


def test_the_keyring_has_them_after_login(sim, server, tool, monkeypatch):
    kept = Memory()
    keyring.set_keyring(kept)
    answers = iter([rest.USER, rest.PASSWORD])
    monkeypatch.setattr(publish.typer, "prompt", lambda *_, **__: next(answers))
    code, said = tool("login", "--server", server.url)
    assert code == 0 and "kept in the keyring" in said
    code, said = tool("fleet", "--server", server.url)
    assert code == 0 and "12 devices, 12 silent" in said
    kept.kept = {key: "{" for key in kept.kept}
    assert "damaged" in tool("fleet", "--server", server.url)[1]


def test_a_pc_without_a_keyring_is_told(server, tool, monkeypatch):
    answers = iter([rest.USER, rest.PASSWORD])
    monkeypatch.setattr(publish.typer, "prompt", lambda *_, **__: next(answers))
    code, said = tool("login", "--server", server.url)
    assert code == 1 and "no keyring" in said


def test_an_api_key_stands_for_a_user(server, tool, monkeypatch):
    monkeypatch.setenv(credentials.API_KEY, server.app[rest.routes.ACCESS].api_key)
    assert tool("fleet", "--server", server.url)[0] == 0
    monkeypatch.setenv(credentials.API_KEY, "wrong-key")
    code, said = tool("fleet", "--server", server.url)
    assert code == 1 and said == f"publish: {server.url} refuses the API key"


def test_what_surrounds_an_api_key_is_no_part_of_it(server, tool, monkeypatch):
    key = server.app[rest.routes.ACCESS].api_key
    monkeypatch.setenv(credentials.API_KEY, f" {key}\r\n")
    assert tool("fleet", "--server", server.url)[0] == 0
    monkeypatch.setenv(credentials.API_KEY, f"{key}\rX: y")
    code, said = tool("fleet", "--server", server.url)
    assert (
        code == 1 and said.endswith("has signs that no key has: set it anew") and key not in said
    )


def test_credentials_do_not_show():
    who = credentials.Credentials("somebody", "do-not-show", "nor-this")
    assert "do-not-show" not in repr(who) and "nor-this" not in repr(who)


def test_a_token_that_expires_on_the_way_is_renewed(server, faults, user, tool):
    expired = web.json_response({"status": 401, "errorCode": 11}, status=401)
    faults.answers["/api/tenant/deviceInfos"] = [expired]
    assert tool("fleet", "--server", server.url)[0] == 0
    assert faults.seen.count("POST /api/auth/login") == 2
