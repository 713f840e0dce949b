"""The words of text messages: every template in both languages, with the values it is given and no others."""

import string

import pytest

from callcenter.messaging.templates import _EN, _ZH, SIGNATURE, render
from dispatch.messages import TEMPLATES

CALLS = ("leg", "ring_back", "call_back", "notice_call", "offer_call", "recording")
TEXTS = sorted(name for name in TEMPLATES if name not in CALLS)
TIME = "2026-11-23T04:30:00+00:00"


@pytest.mark.parametrize("words", [_ZH, _EN], ids=["zh", "en"])
@pytest.mark.parametrize("template", TEXTS)
def test_a_template_asks_for_no_value_that_it_is_not_given(template, words):
    wanted = {name for _, name, _, _ in string.Formatter().parse(words[template]) if name}
    assert wanted <= set(TEMPLATES[template])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("template", TEXTS)
def test_every_text_begins_with_the_signature_and_leaves_nothing_unfilled(template, language):
    values = {name: TIME if name in ("at", "arrive_by") else f"<{name}>" for name in TEMPLATES[template]}
    text = render(template, values, language)
    assert text.startswith(SIGNATURE)
    assert "{" not in text
    assert len(text) < 300


def test_times_are_told_as_the_wall_clock_of_the_town():
    told = render("resident_coming", {"number": "1", "item": "0301", "provider": "p", "phone": "1", "arrive_by": TIME})
    assert "12:30" in told
    assert "水管漏水" in told


@pytest.mark.parametrize(
    ("number", "written"), [("+8615400030005", "15400030005"), ("+8657487000001", "057487000001"), ("81890", "81890")]
)
def test_a_telephone_number_is_written_as_people_dial_it(number, written):
    told = render(
        "resident_coming", {"number": "1", "item": "0301", "provider": "p", "phone": number, "arrive_by": TIME}
    )
    assert f"电话 {written}，" in told


def test_a_name_with_braces_is_only_a_name():
    told = render("sos", {"number": "1", "at": TIME, "name": "{address}", "address": "路", "caller": "1"})
    assert "{address}" in told


def test_an_unknown_template_is_a_defect():
    with pytest.raises(KeyError):
        render("nothing", {})
