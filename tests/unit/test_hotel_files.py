"""Hotel files: TOML in, frozen structs out, every fault told with file and path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.faults import Faults
from config.hotels import HotelFile, Subscriber, load_hotels
from pms_sync.domain.errors import ConfigurationFault

SEED = """
tenant="t1"
[[properties]]
code="P1"
name="Hotel Prado"
timezone="Europe/Madrid"
currency="EUR"
[[properties.room_types]]
code="DBL"
rooms=["101","102","103"]
allowance=0
inventory_master="beds24"
[[properties.accounts]]
vendor="beds24"
role="channel_manager"
mode="live"
property_ref="7"
credentials_file="beds24.json"
crosswalk={room_type={"55"="DBL"}, room={"55/1"="101"}}
mirror={reservations="changes", blocks="none"}
ownership={"direct.shape"="here"}
[[subscribers]]
url="https://example.com/hook"
secret_file="hook.secret"
topics=["pms.reservation.created"]
"""

WHISPER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write hotel files, by name, beside the credentials they point at."""

    def writing(**texts: str) -> Path:
        (tmp_path / "beds24.json").touch(mode=0o600)
        (tmp_path / "beds24.json").write_text('{"refresh_token": "r3fr3sh"}')
        (tmp_path / "hook.secret").write_text(WHISPER + "\n")
        for name, text in texts.items():
            (tmp_path / f"{name}.toml").write_text(text)
        return tmp_path

    return writing


def fault_of(folder: Path) -> ConfigurationFault:
    with pytest.raises(ConfigurationFault) as raised:
        load_hotels(folder)
    return raised.value


def test_the_whole_seed_hotel_is_read(write: Write) -> None:
    (hotel,) = load_hotels(write(prado=SEED))
    (one,) = hotel.properties
    (account,) = one.accounts
    assert (hotel.tenant, one.code, one.name, one.timezone, one.currency) == (
        "t1",
        "P1",
        "Hotel Prado",
        "Europe/Madrid",
        "EUR",
    )
    assert one.room_types[0].rooms == ("101", "102", "103")
    assert (account.mode, account.role, account.property_ref) == ("live", "channel_manager", "7")
    assert account.credentials.reveal() == {"refresh_token": "r3fr3sh"}
    assert account.crosswalk.room == {"55/1": "101"}
    assert account.mirror == {"reservations": "changes", "blocks": "none"}
    assert account.ownership == {"direct.shape": "here"}
    assert hotel.subscribers[0].secret.reveal() == WHISPER


def test_a_new_account_only_watches_unless_told(write: Write) -> None:
    text = SEED.replace('mode="live"\n', "")
    assert load_hotels(write(prado=text))[0].properties[0].accounts[0].mode == "shadow"


def test_the_example_that_ships_is_valid() -> None:
    examples = Path(__file__).parents[2] / "config" / "examples"
    assert [each.tenant for each in load_hotels(examples)] == ["t1"]


def test_files_are_read_in_the_order_of_their_names(write: Write) -> None:
    folder = write(b='tenant="second"', a='tenant="first"')
    assert [each.tenant for each in load_hotels(folder)] == ["first", "second"]


def test_a_folder_without_hotels_is_no_fault(tmp_path: Path) -> None:
    assert load_hotels(tmp_path) == ()


def test_secrets_are_not_shown_by_a_repr(write: Write) -> None:
    """SEC-14."""
    shown = repr(load_hotels(write(prado=SEED)))
    assert "r3fr3sh" not in shown
    assert WHISPER not in shown


@pytest.mark.parametrize(
    ("old", "new", "what", "where"),
    [
        ('name="Hotel Prado"', 'nme="Hotel Prado"', "unknown key 'nme'", "properties[0].nme"),
        ('name="Hotel Prado"', "", "'name' is missing", "properties[0].name"),
        ('name="Hotel Prado"', "name=7", "expected `str`", "properties[0].name"),
        ('code="P1"', 'code=""', "expected `str` of length >= 1", "properties[0].code"),
        ("Europe/Madrid", "Europe/Madird", "'Europe/Madird' is not an IANA time zone", "properties[0].timezone"),
        ("Europe/Madrid", "+02:00", "is not an IANA time zone", "properties[0].timezone"),
        ('"EUR"', '"EURO"', "'EURO' is not an ISO 4217 currency", "properties[0].currency"),
        ('"EUR"', '"eur"', "is not an ISO 4217 currency", "properties[0].currency"),
        ('"102"', '"101"', "room '101' stands 2 times", "properties[0].room_types"),
        ("allowance=0", "allowance=-1", "expected `int` >= 0", "room_types[0].allowance"),
        ('inventory_master="beds24"', 'inventory_master="mews"', "unknown inventory master", "inventory_master"),
        ('mode="live"', 'mode="loud"', "invalid enum value 'loud'", "accounts[0].mode"),
        ('role="channel_manager"', 'role="cm"', "invalid enum value 'cm'", "accounts[0].role"),
        ('"55"="DBL"', '"55"="TWN"', "unknown room type 'TWN'", "crosswalk.room_type"),
        ('"55/1"="101"', '"55/1"="999"', "unknown room '999'", "crosswalk.room"),
        ("crosswalk={room_type", "crosswalk={rooms={}, room_type", "unknown key 'rooms'", "crosswalk.rooms"),
        ('blocks="none"', 'blocks="all"', "invalid enum value 'all'", "mirror"),
        ('blocks="none"', 'towels="none"', "invalid enum value 'towels'", "mirror"),
        ('"direct.shape"="here"', '"direct.shape"="maybe"', "invalid enum value 'maybe'", "ownership"),
        ("beds24.json", "gone.json", "cannot be read", "credentials_file"),
        ("hook.secret", "gone.secret", "cannot be read", "subscribers[0].secret_file"),
        ("https://example.com/hook", "file:///etc", "not a web address", "subscribers[0].url"),
        ("https://example.com/hook", "https://", "not a web address", "subscribers[0].url"),
        ("https://example.com/hook", "https://a:b@example.com", "carries a password", "subscribers[0].url"),
        (
            "https://example.com/hook",
            "https://example.com/#x",
            "carries a password or a fragment",
            "subscribers[0].url",
        ),
        ("https://example.com/hook", "https://example.com/ \t", "matching regex", "subscribers[0].url"),
        ('"pms.reservation.created"', '"pms.reservation.creatd"', "unknown topic", "subscribers[0].topics"),
        ('["pms.reservation.created"]', "[]", "no topic is named", "subscribers[0].topics"),
        ('secret_file="hook.secret"', 'secret="x"', "stands in the file itself", "subscribers.secret"),
        ('credentials_file="beds24.json"', 'credentials={a="b"}', "stands in the file itself", "credentials"),
        ('tenant="t1"', "tenant=", "not TOML", "prado.toml"),
        ('tenant="t1"', 'tenant="t1"\nproperties=1', "not TOML", "prado.toml"),
    ],
)
def test_a_fault_names_file_and_path(write: Write, old: str, new: str, what: str, where: str) -> None:
    assert old in SEED
    folder = write(prado=SEED.replace(old, new, 1))
    fault = fault_of(folder)
    assert what in fault.what
    assert str(folder / "prado.toml") in fault.where
    assert where in fault.where
    assert fault.remedy


def test_a_zone_misspelt_is_answered_with_the_right_one(write: Write) -> None:
    assert fault_of(write(prado=SEED.replace("Madrid", "Madird"))).remedy == "did you mean Europe/Madrid?"


def test_all_faults_of_all_files_are_told_at_once(write: Write) -> None:
    folder = write(
        a=SEED.replace('"EUR"', '"EURO"').replace('mode="live"', 'mode="loud"\nspeed=9'),
        b='tenant="t2"\nowner="x"',
        c="\x00",
    )
    fault = fault_of(folder)
    assert fault.what.startswith("4 faults in the hotel files: ")
    for name in ("a.toml", "b.toml", "c.toml"):
        assert name in fault.where


def test_a_property_stands_in_one_file_only(write: Write) -> None:
    fault = fault_of(write(a=SEED, b=SEED))
    assert fault.what == "property 'P1' of tenant 't1' stands in a.toml already"
    assert "b.toml" in fault.where


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("wh1sper", "the secret is not base64"),
        ("whsec_c2hvcnQ=", "the secret holds 5 bytes, not 24 to 64"),
        ("", "hook.secret is empty"),
    ],
)
def test_a_secret_no_consumer_could_check_with_is_refused_unseen(write: Write, text: str, why: str) -> None:
    """SEC-14, Standard Webhooks: 24 to 64 random bytes in base64."""
    folder = write(prado=SEED)
    (folder / "hook.secret").write_text(text)
    fault = fault_of(folder)
    assert why in fault.what
    assert "subscribers[0].secret_file" in fault.where
    assert not text or text not in str(fault)


def test_a_subscriber_says_one_thing_per_tenant(write: Write) -> None:
    again = "[[subscribers]]" + SEED.partition("[[subscribers]]")[2]
    more = again.replace('created"', 'created","pms.alert"')
    fault = fault_of(write(prado=SEED + more))
    assert fault.what == "the address stands in prado.toml already, with other topics or another secret"
    assert "subscribers[1].url" in fault.where
    load_hotels(write(prado=SEED + again))
    assert "roof.toml" in fault_of(write(prado=SEED, roof='tenant="t1"\n' + more)).where
    assert len(load_hotels(write(prado=SEED, roof='tenant="t2"\n' + more))) == 2


def test_a_subscriber_is_asked_about_where_it_reads_well(write: Write) -> None:
    asked: list[str] = []

    def check(subscriber: Subscriber, where: str, faults: Faults) -> None:
        asked.append(subscriber.url)
        faults.add("nobody lives there", f"{where}url", "move")

    with pytest.raises(ConfigurationFault, match="nobody lives there") as raised:
        load_hotels(write(prado=SEED), check_subscriber=check)
    assert raised.value.where.endswith("subscribers[0].url")
    fault_of(write(prado=SEED.replace("pms.reservation.created", "pms.nothing")))
    assert asked == ["https://example.com/hook"]


def test_two_tenants_may_use_the_same_code(write: Write) -> None:
    assert len(load_hotels(write(a=SEED, b=SEED.replace('"t1"', '"t2"')))) == 2


@pytest.mark.parametrize("content", ["[1]", '{"token": 7}', "token", "", "\x00"])
def test_credentials_that_are_no_object_of_texts_are_refused_unseen(write: Write, content: str) -> None:
    folder = write(prado=SEED)
    (folder / "beds24.json").write_text(content)
    fault = fault_of(folder)
    assert fault.what.endswith("beds24.json is not a JSON object of texts")


def test_a_file_that_is_not_utf_8_is_a_fault(write: Write) -> None:
    folder = write()
    (folder / "latin.toml").write_bytes('tenant="Málaga"'.encode("latin-1"))
    assert fault_of(folder).what == "not UTF-8"


def test_a_missing_folder_names_the_setting(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "gone").where.startswith("PMS_SYNC_CONFIG=")


def test_what_was_read_does_not_change(write: Write) -> None:
    (hotel,) = load_hotels(write(prado=SEED))
    with pytest.raises(AttributeError, match="immutable"):
        hotel.tenant = "other"  # type: ignore[misc]
    assert isinstance(hotel, HotelFile)
    assert msgspec.structs.asdict(hotel)["tenant"] == "t1"
