"""A site file is read whole or refused with file, key and reason; it never holds a secret."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from wcs.plant.file import PlantFileError
from wcs.plant.model import Plant
from wcs.plant.site_file import SecretMissing, Security, SiteFile, load_site, read_secret, site_from

SITE: dict[str, Any] = {
    "name": "north",
    "database": {"url": "postgresql://wcs@db.example:5432/wcs", "password_ref": "env:WCS_DB_PASSWORD"},
    "plcs": {
        "PLC1": {
            "address": "10.0.0.11:4840",
            "security": "basic256sha256",
            "user": "wcs",
            "password_ref": "file:secrets/plc1",
            "certificate": "pki/wcs.der",
            "private_key": "pki/wcs.pem",
            "trust_dir": "pki/trusted",
        },
        "PLC2": {"address": "10.0.0.12:502"},
        "PLC3": {"address": "10.0.0.13:502"},
    },
}


@pytest.fixture
def tables() -> dict[str, Any]:
    return copy.deepcopy(SITE)


def read(tables: dict[str, Any], plant: Plant) -> SiteFile:
    return site_from(tables, "north.toml", Path("/etc/wcs"), plant)


def refusal(tables: dict[str, Any], plant: Plant) -> tuple[str, str]:
    with pytest.raises(PlantFileError) as caught:
        read(tables, plant)
    assert caught.value.file == "north.toml"
    return caught.value.key, caught.value.reason


@pytest.mark.parametrize("name", ["tiny", "demo"])
def test_each_shipped_plant_has_a_shipped_site_on_this_machine(name: str, request: pytest.FixtureRequest) -> None:
    plant = request.getfixturevalue(name)
    site = load_site(name, plant)
    assert set(site.plcs) == {p.name for p in plant.plcs}
    assert {access.host for access in site.plcs.values()} == {"127.0.0.1"}
    assert site.api_host == "127.0.0.1"


def test_what_a_site_does_not_say_has_a_default(tables: dict[str, Any], tiny: Plant) -> None:
    site = read(tables, tiny)
    assert (site.api_host, site.api_port) == ("127.0.0.1", 8080)
    assert site.policies == {
        "putaway": "travel_time",
        "reservation": "first_expired_first_out",
        "release": "downstream_capacity",
        "pairing": "dual_command",
        "vehicle_choice": "nearest",
    }
    assert site.plcs["PLC2"].security is Security.NONE


def test_paths_are_meant_from_the_files_own_folder(tables: dict[str, Any], tiny: Plant) -> None:
    access = read(tables, tiny).plcs["PLC1"]
    assert (access.host, access.port, access.security) == ("10.0.0.11", 4840, Security.BASIC256SHA256)
    assert access.trust_dir == "/etc/wcs/pki/trusted"
    assert access.password == "file:/etc/wcs/secrets/plc1"


def test_a_policy_is_chosen_by_name(tables: dict[str, Any], tiny: Plant) -> None:
    tables["policies"] = {"pairing": "dual_command"}
    assert read(tables, tiny).policies["pairing"] == "dual_command"


def test_an_unknown_policy_is_refused_with_those_that_are_known(tables: dict[str, Any], tiny: Plant) -> None:
    tables["policies"] = {"pairing": "single_command"}
    key, reason = refusal(tables, tiny)
    assert key == "policies.pairing"
    assert "known are dual_command" in reason


def test_an_unknown_kind_of_policy_is_refused(tables: dict[str, Any], tiny: Plant) -> None:
    tables["policies"] = {"astrology": "leo"}
    assert refusal(tables, tiny)[0] == "policies.astrology"


def test_an_unknown_plc_is_refused(tables: dict[str, Any], tiny: Plant) -> None:
    tables["plcs"]["PLC9"] = {"address": "10.0.0.19:502"}
    assert refusal(tables, tiny) == ("plcs.PLC9", "the plant tiny has no PLC PLC9")


def test_a_plc_without_address_is_refused(tables: dict[str, Any], tiny: Plant) -> None:
    del tables["plcs"]["PLC3"]
    assert refusal(tables, tiny)[0] == "plcs.PLC3"


@pytest.mark.parametrize(
    ("one", "other"),
    [("10.0.0.12:502", "10.0.0.12:502"), ("localhost:502", "127.0.0.1:502"), ("plc.example:502", "PLC.example:502")],
)
def test_two_plcs_on_one_address_are_refused(tables: dict[str, Any], tiny: Plant, one: str, other: str) -> None:
    tables["plcs"]["PLC2"]["address"] = one
    tables["plcs"]["PLC3"]["address"] = other
    assert refusal(tables, tiny) == ("plcs.PLC3.address", f"{other} is PLC2's address already")


@pytest.mark.parametrize(
    "address", ["10.0.0.12", "10.0.0.12:", ":502", "10.0.0.12:70000", "x:y", "http://a:1/b", "a:0"]
)
def test_an_address_is_host_and_port(tables: dict[str, Any], tiny: Plant, address: str) -> None:
    tables["plcs"]["PLC2"]["address"] = address
    assert refusal(tables, tiny)[0] == "plcs.PLC2.address"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/x.db", "mysql://h/x"])
def test_an_address_at_which_no_ledger_can_be_is_refused(tables: dict[str, Any], tiny: Plant, url: str) -> None:
    tables["database"] = {"url": url}
    assert refusal(tables, tiny)[0] == "database.url"


@pytest.mark.parametrize("secret", ["hunter2", "env:", "env:NOT A NAME", "file:", "vault:x"])
def test_a_literal_secret_is_refused_and_not_repeated(tables: dict[str, Any], tiny: Plant, secret: str) -> None:
    tables["plcs"]["PLC1"]["password_ref"] = secret
    key, reason = refusal(tables, tiny)
    assert key == "plcs.PLC1.password_ref"
    assert secret not in reason.replace("env:NAME or file:PATH", "")


def test_a_literal_password_key_is_unknown(tables: dict[str, Any], tiny: Plant) -> None:
    tables["plcs"]["PLC1"]["password"] = "hunter2"
    assert refusal(tables, tiny) == ("plcs.PLC1.password", "unknown key")


@pytest.mark.parametrize("url", ["postgresql://wcs:hunter2@db/wcs", "postgresql://db/wcs?password=hunter2"])
def test_a_password_in_the_database_url_is_refused_and_not_repeated(
    tables: dict[str, Any], tiny: Plant, url: str
) -> None:
    tables["database"]["url"] = url
    key, reason = refusal(tables, tiny)
    assert key == "database.url"
    assert "hunter2" not in reason


def test_a_database_that_we_do_not_know_is_refused(tables: dict[str, Any], tiny: Plant) -> None:
    tables["database"]["url"] = "oracle://db/wcs"
    assert refusal(tables, tiny)[0] == "database.url"


@pytest.mark.parametrize("field", ["user", "password_ref", "certificate", "private_key", "trust_dir"])
def test_a_secured_connection_needs_all_of_its_keys(tables: dict[str, Any], tiny: Plant, field: str) -> None:
    del tables["plcs"]["PLC1"][field]
    assert refusal(tables, tiny)[0] == f"plcs.PLC1.{field}"


def test_a_password_is_never_sent_over_an_unsecured_connection(tables: dict[str, Any], tiny: Plant) -> None:
    tables["plcs"]["PLC1"] = {"address": "10.0.0.11:4840", "user": "wcs", "password_ref": "env:P"}
    assert refusal(tables, tiny) == ("plcs.PLC1.user", "only with security basic256sha256")


def test_modbus_has_no_security(tables: dict[str, Any], tiny: Plant) -> None:
    tables["plcs"]["PLC2"]["security"] = "basic256sha256"
    assert refusal(tables, tiny)[0] == "plcs.PLC2.security"


def test_an_unknown_key_and_a_wrong_type_are_refused(tables: dict[str, Any], tiny: Plant) -> None:
    tables["api"] = {"port": "8080"}
    assert refusal(tables, tiny)[0] == "api.port"
    tables["api"] = {"prot": 8080}
    assert refusal(tables, tiny) == ("api.prot", "unknown key")


def test_a_site_is_read_from_a_path(tmp_path: Path, tiny: Plant) -> None:
    lines = ['name = "x"', "[database]", 'url = "sqlite:///x.sqlite"']
    for number, plc in enumerate(("PLC1", "PLC2", "PLC3")):
        lines += [f"[plcs.{plc}]", f'address = "127.0.0.1:{5000 + number}"']
    file = tmp_path / "site.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert load_site(file, tiny).plcs["PLC3"].port == 5002


def test_a_secret_is_read_from_environment_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("WCS_TEST_SECRET", "from the environment")
    assert read_secret(f"file:{file}") == "from a file"
    assert read_secret("env:WCS_TEST_SECRET") == "from the environment"


def test_a_secret_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WCS_TEST_SECRET", raising=False)
    (tmp_path / "empty").touch()
    for reference in ("env:WCS_TEST_SECRET", f"file:{tmp_path / 'nothing'}", f"file:{tmp_path / 'empty'}", "hunter2"):
        with pytest.raises(SecretMissing):
            read_secret(reference)
