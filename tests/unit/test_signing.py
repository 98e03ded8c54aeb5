"""Signatures as Standard Webhooks writes them, against values made by other programs."""

from __future__ import annotations

import base64

import pytest

from pms_sync.domain.signing import signed_headers, signing_key

# The specification's own example; `openssl dgst -sha256 -mac HMAC` gives the same.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    headers = signed_headers(signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_bytes_are_signed_not_their_meaning() -> None:
    """Made with openssl over the UTF-8 bytes and a key of 24 zero bytes."""
    headers = signed_headers(bytes(24), "evt-1", 1767225600, '{"name":"Málaga"}'.encode())
    assert headers["webhook-signature"] == "v1,NEcSve1t5JF/dqEtHHW4m4hRx2Q4QMrIWiWMfDLTx7c="


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_is_read_with_and_without_its_prefix(length: int) -> None:
    key = bytes(range(length))
    text = base64.b64encode(key).decode()
    assert signing_key(f"whsec_{text}\n") == signing_key(text) == key


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"holds {length} bytes"):
        signing_key("whsec_" + base64.b64encode(bytes(length)).decode())


@pytest.mark.parametrize("text", ["whsec_no-base64!", "wh1sper", "ключ", "whsec_" + "A" * 33])
def test_a_secret_that_is_none_is_refused_unseen(text: str) -> None:
    """SEC-14."""
    with pytest.raises(ValueError, match="is not base64") as raised:
        signing_key(text)
    assert text not in str(raised.value)
