"""Telephones are found by key and by number; an unknown number is a telephone too."""

import pytest

from callcenter.town.directory import Directory, Telephone

LI = Telephone("057487000001", "resident", "李明", "resident")


def test_a_telephone_is_found_by_its_key_and_by_its_number() -> None:
    directory = Directory([LI])

    assert directory.find("resident") is LI
    assert directory.find("057487000001") is LI


def test_an_unknown_number_is_a_telephone_without_a_name() -> None:
    stranger = Directory().find("13800000000")

    assert (stranger.number, stranger.name) == ("13800000000", "")


def test_one_key_cannot_mean_two_telephones() -> None:
    with pytest.raises(ValueError, match="057487000001"):
        Directory([LI, Telephone("057487000002", "resident", "王芳")])
