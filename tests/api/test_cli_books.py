"""Commands about the books: what they refuse is one line and exit code 2, and what they only read stays as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from tests.ledger.clerk import UNIT_PLACE, Clerk, order
from wcs.ledger.writer import LedgerWriter

READERS = [("orders",), ("stock",), ("export", "customer_order"), ("audit",), ("backup", "x.backup")]
KEEPERS = [
    ("restore", "old.backup"),
    ("token", "shop", "--scope", "order"),
    ("journal", "archive", "arch", "--before", "2027-01-01", "--plant", "tiny"),
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are given, so that whatever they leave is seen."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ledger(empty_folder: Path) -> Path:
    """The file of an empty ledger whose site has stopped."""
    file = empty_folder / "wcs.db"
    LedgerWriter(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def foreign(empty_folder: Path) -> Path:
    """A database of other making."""
    file = empty_folder / "wcs.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE shopping (milk)")
    return file


def wcs(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def refused(*arguments: str) -> str:
    """The one line with which a command refuses."""
    said = wcs(*arguments)
    assert (said.exit_code, said.stdout) == (2, ""), said.output
    assert len(said.stderr.splitlines()) == 1
    return said.stderr


@pytest.mark.parametrize(
    "url", ["mysql://x:word@y/z", "sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://h:x/y"]
)
@pytest.mark.parametrize("command", READERS + KEEPERS, ids=lambda command: command[0])
def test_an_address_at_which_no_ledger_can_be_is_refused(
    command: tuple[str, ...], url: str, empty_folder: Path
) -> None:
    (empty_folder / "old.backup").touch()
    said = refused(*command, "--database", url)
    assert "wanted sqlite:///FILE or postgresql://" in said
    assert "word" not in said
    assert [file.name for file in empty_folder.iterdir()] == ["old.backup"]


def site_with(url: str, folder: Path) -> str:
    plcs = "".join(f'[plcs.PLC{n}]\naddress = "127.0.0.1:{n}"\n' for n in (1, 2, 3))
    file = folder / "site.toml"
    file.write_text(f'name = "tiny"\n[database]\nurl = "{url}"\n{plcs}')
    return str(file)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "database.url"),
        ("sqlite+other:///x.db", "unknown database sqlite+other"),
        ("sqlite:////proc/x/y.db", "no ledger at /proc/x/y.db"),
        ("sqlite:////proc/x.db", "no ledger beside /proc/x.db.lock"),
        ("postgresql://127.0.0.1:1/x", "the database cannot be opened"),
    ],
)
def test_a_site_whose_database_cannot_be_is_not_served(url: str, why: str, tmp_path: Path) -> None:
    said = wcs("serve", "--plant", "tiny", "--site", site_with(url, tmp_path))
    assert (said.exit_code, said.stdout) == (2, "")
    assert why in said.stderr
    assert len(said.stderr.splitlines()) <= 2  # a refused site file is named on a line of its own


def archive(folder: str) -> str:
    """The line with which archiving into a folder is refused."""
    command = ("journal", "archive", folder, "--before", "2027-01-01", "--plant", "tiny")
    return refused(*command, "--database", "sqlite:///wcs.db")


def test_archiving_a_ledger_that_is_not_there_leaves_nothing(empty_folder: Path) -> None:
    assert "no ledger at wcs.db" in archive("arch")
    assert list(empty_folder.iterdir()) == []


def test_archiving_a_database_of_other_making_leaves_it_as_it_was(foreign: Path, empty_folder: Path) -> None:
    before = foreign.read_bytes()
    assert "no ledger" in archive("arch")
    assert list(empty_folder.iterdir()) == [foreign]
    assert foreign.read_bytes() == before


def test_archives_are_not_kept_where_no_folder_can_be(ledger: Path) -> None:
    for folder in (ledger.name, "/proc/x"):
        assert f"no archives in {folder}" in archive(folder)


def test_a_backup_is_not_written_where_no_file_can_be(ledger: Path, empty_folder: Path) -> None:
    for place, why in (("no/such/x.backup", "no folder no/such"), ("/proc/x.backup", "/proc/x.backup cannot be made")):
        assert why in refused("backup", place, "--database", f"sqlite:///{ledger}")
    assert list(empty_folder.glob("*.backup*")) == []


def test_a_file_that_is_no_database_cannot_be_backed_up(empty_folder: Path) -> None:
    (empty_folder / "wcs.db").write_text("a letter, long enough for a page of a database" * 99)
    assert "not a database" in refused("backup", "x.backup", "--database", "sqlite:///wcs.db")
    assert [file.name for file in empty_folder.iterdir()] == ["wcs.db"]


def test_a_backup_is_not_restored_where_no_ledger_can_be(ledger: Path) -> None:
    assert wcs("backup", "x.backup", "--database", f"sqlite:///{ledger}").exit_code == 0
    for place in ("/proc/x.db", "/proc/x/y.db"):
        assert place in refused("restore", "x.backup", "--database", f"sqlite:///{place}")


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_who_reads_a_ledger_at_rest_changes_no_byte_of_it(command: tuple[str, ...], mode: str, ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")  # a backup's is delete, a stopped site's wal
    before, beside = ledger.read_bytes(), {*ledger.parent.iterdir(), Path("x.backup").absolute()}
    assert wcs(*command, "--database", f"sqlite:///{ledger}").exit_code == 0
    assert ledger.read_bytes() == before
    assert beside.issuperset(ledger.parent.iterdir())


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_database_of_other_making_is_refused_as_it_was(command: tuple[str, ...], foreign: Path) -> None:
    before = foreign.read_bytes()
    assert "no ledger" in refused(*command, "--database", f"sqlite:///{foreign}")
    assert foreign.read_bytes() == before
    assert list(foreign.parent.iterdir()) == [foreign]


def test_orders_are_read_beside_a_site_that_writes(database_url: str) -> None:
    site = LedgerWriter(database_url)
    try:
        assert wcs("orders", "--json", "--database", database_url).stdout == "[]\n"
    finally:
        site.close()


def test_names_that_look_like_markup_are_shown_as_they_are(ledger: Path) -> None:
    with Clerk(f"sqlite:///{ledger}") as clerk:
        clerk.define("[/b]")
        clerk.open_stock(1, UNIT_PLACE, "[/b]", 5)
        clerk.do(order("[red]HID", "[/b]", 1), order("O:tea:", "[/b]", 1))
    said = wcs("orders", "--database", f"sqlite:///{ledger}").stdout
    assert "[red]HID" in said
    assert "O:tea:" in said
    assert "[/b]" in wcs("stock", "--database", f"sqlite:///{ledger}").stdout


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\nb", "a\u202eb", "n" * 65])
def test_no_token_is_made_for_a_name_that_the_api_cannot_address(name: str, empty_folder: Path) -> None:
    assert "cannot be a name" in refused("token", name, "--scope", "admin", "--database", "sqlite:///wcs.db")
    assert list(empty_folder.iterdir()) == []


def test_an_archive_of_nothing_says_so(ledger: Path) -> None:
    command = (
        "journal",
        "archive",
        "arch",
        "--before",
        "2020-01-01",
        "--plant",
        "tiny",
        "--database",
        f"sqlite:///{ledger}",
    )
    assert "no line is older than 2020-01-01" in wcs(*command).stdout
    assert wcs(*command, "--json").stdout == "null\n"


def test_a_hash_is_shown_whole_in_a_pipe(ledger: Path) -> None:
    said = wcs("backup", "x.backup", "--database", f"sqlite:///{ledger}", "--json").stdout
    last_hash = msgspec.json.decode(said)[0]["last_hash"]
    assert last_hash in wcs("backup", "y.backup", "--database", f"sqlite:///{ledger}").stdout
