"""The texts of the prompts: both languages, in form, and a site's own beside the delivered ones."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.model import FlowError
from ivr_flows.prompts import NAME, Prompt, prompts, read_prompts

LADDER = {"calm", "press-1-to-take", "already-taken", "caller-gone"}


def test_every_delivered_prompt_has_both_languages_and_a_name_that_is_a_file_s() -> None:
    told = prompts()
    assert all(prompt.zh and prompt.en and NAME.fullmatch(prompt.name) for prompt in told)
    assert len({prompt.name for prompt in told}) == len(told)


def test_what_is_heard_in_an_emergency_is_marked_as_life_safety() -> None:
    assert {prompt.name for prompt in prompts() if prompt.life_safety} >= LADDER
    assert not {"greeting", "please-wait"} & {prompt.name for prompt in prompts() if prompt.life_safety}


def test_a_site_adds_prompts_and_replaces_texts_but_never_takes_life_safety_away(tmp_path: Path) -> None:
    site = tmp_path / "prompts.yaml"
    site.write_text("calm: {zh: 别急, en: Calm}\nour-own: {zh: 停水, en: No water, life_safety: true, piece: true}")
    told = {prompt.name: prompt for prompt in prompts(site)}
    assert told["calm"] == Prompt("calm", "别急", "Calm", life_safety=True)
    assert told["our-own"] == Prompt("our-own", "停水", "No water", life_safety=True, piece=True)
    assert len(told) == len(prompts()) + 1


def test_without_a_file_of_the_site_there_are_the_delivered_ones(tmp_path: Path) -> None:
    assert prompts(tmp_path / "none.yaml") == prompts()


def test_a_written_reading_is_kept() -> None:
    [prompt] = read_prompts("bank: {zh: 行长, en: The manager, pinyin: 'hang2 zhang3'}", "p.yaml")
    assert prompt.text("zh").pinyin == "hang2 zhang3"
    assert prompt.text("en").pinyin == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("- a", "not_prompts"),
        ("just text", "not_prompts"),
        ("a: b", "prompt_form"),
        ("a: {zh: [您好], en: x}", "prompt_form"),
        ("a: {zh: 您好}", "no_en"),
        ("a: {en: Hello}", "no_zh"),
        ("a: {zh: '', en: x}", "no_zh"),
        ("a: {zh: 您好, en: x, colour: red}", "prompt_key"),
        ("a: {zh: 您好, en: x, life_safety: yes}", "prompt_flag"),
        ("a: {zh: 您好, en: x, pinyin: '-v en'}", "prompt_pinyin"),
        ("a: {zh: '😀', en: x}", "unspeakable"),
        ("a: {zh: 您好, en: '...'}", "unspeakable"),
        ('a: {zh: "您\\0好", en: x}', "unspeakable"),
        ("a: {zh: " + "好" * 301 + ", en: x}", "unspeakable"),
        ("A: {zh: 您好, en: x}", "prompt_name"),
        ("../etc/passwd: {zh: 您好, en: x}", "prompt_name"),
        ("a&b: {zh: 您好, en: x}", "prompt_name"),
        ("'a,n(1)': {zh: 您好, en: x}", "prompt_name"),
        ('"a\\n": {zh: 您好, en: x}', "prompt_name"),
        ("a" * 60 + ": {zh: 您好, en: x}", "prompt_name"),
        ("dyn/x: {zh: 您好, en: x}", "prompt_name"),
        ("a: &x {zh: 您好, en: x}\nb: *x", "alias"),
        ("a: !!python/object:os.system {zh: 您好, en: x}", "tag"),
        ("a: {zh: 您好, en: x", "not_yaml"),
    ],
)
def test_what_is_wrong_is_refused_by_its_kind_and_line(text: str, code: str) -> None:
    with pytest.raises(FlowError) as refused:
        read_prompts(text, "prompts.yaml")
    assert refused.value.findings[0].code == code
    assert refused.value.findings[0].path == "prompts.yaml"
    assert refused.value.findings[0].line >= 1
    assert refused.value.findings[0].zh
    assert refused.value.findings[0].en


def test_every_wrong_prompt_is_told_with_its_own_line() -> None:
    with pytest.raises(FlowError) as refused:
        read_prompts("a: {zh: 您好}\nb: {zh: 您好, en: x}\nc: {en: x}\n", "prompts.yaml")
    assert [(finding.line, finding.code) for finding in refused.value.findings] == [(1, "no_en"), (3, "no_zh")]


@given(st.text(max_size=200))
def test_any_text_is_prompts_or_is_refused(text: str) -> None:
    with contextlib.suppress(FlowError):  # and nothing else
        assert isinstance(read_prompts(text, "prompts.yaml"), list)
