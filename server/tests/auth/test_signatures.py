"""What back ends of Pusher apps sign: the vectors of Pusher's own documentation."""

import hashlib

from riverd.auth.signatures import (
    canonical,
    channel_signature,
    is_same,
    request_signature,
    subscription_text,
    user_text,
)

KEY, SECRET, SOCKET = "278d425bdf160c739803", "7ad3773142a6692b25b8", "1234.1234"


def test_signature_of_a_private_channel() -> None:
    made = channel_signature(SECRET, subscription_text(SOCKET, "private-foobar", data=None))
    assert made == "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"


def test_signature_of_a_presence_channel_covers_its_data() -> None:
    data = '{"user_id":10,"user_info":{"name":"Mr. Pusher"}}'
    made = channel_signature(SECRET, subscription_text(SOCKET, "presence-foobar", data=data))
    assert made == "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c"


def test_signature_of_a_user() -> None:
    made = channel_signature(SECRET, user_text(SOCKET, '{"id":"12345"}'))
    assert made == "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"


def test_signature_of_a_request() -> None:
    body = b'{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}'
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert md5 == "ec365a775a4cd0599faeb73354201b6f"
    query = [
        ("body_md5", md5),
        ("auth_version", "1.0"),
        ("auth_key", KEY),
        ("auth_timestamp", "1353088179"),
    ]
    made = request_signature(SECRET, "POST", path="/apps/3/events", query=query)
    assert made == "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"


def test_parameters_are_signed_in_one_form() -> None:
    assert canonical([("B", "é &="), ("a", "1,2")]) == "a=1,2&b=é &="


def test_signatures_are_the_same_to_the_letter() -> None:
    assert is_same("ab", "ab")
    assert not is_same("AB", "ab")
    assert not is_same("é", "ab")
    assert not is_same("", "ab")
