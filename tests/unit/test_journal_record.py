"""What may stand in a journal record, and that nothing in it can hurt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from dispatch.journal import FIELDS, CallStep, Malformed, StepKind, clean, parse, render

AT = datetime(2026, 11, 23, 4, 5, 6, 123456, tzinfo=UTC)
EARLIEST = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
TIME = "t=1795406706.123456"


def step(record: str) -> CallStep:
    parsed = parse("node1-1.2", "001", record)
    assert isinstance(parsed, CallStep), parsed
    return parsed


def test_an_arrival_is_read_as_the_contract_says():
    arrived = step(
        f"s=arrived&{TIME}&to=81891&from=%2B8613800000001&raw=138%200000&name=%E7%8E%8B%E7%A7%80%E8%8B%B1"
        "&kind=emergency&line=home-7&home=H7&chan=PJSIP%2Ftrunk-00000001"
    )
    assert arrived.kind is StepKind.ARRIVED
    assert arrived.at == AT
    assert arrived["from"] == "+8613800000001"
    assert arrived["name"] == "王秀英"
    assert arrived["chan"] == "PJSIP/trunk-00000001"


def test_a_missing_field_is_empty_and_an_unknown_one_is_ignored():
    took = step(f"s=took&{TIME}&colour=red")
    assert took["who"] == ""
    assert "colour" not in took.fields


def test_a_record_without_a_time_or_with_an_unknown_step_is_kept_for_a_person():
    for record, reason in ((f"s=sang&{TIME}", "step"), ("s=took&t=soon", "time"), ("", "step"), ("s=took", "time")):
        parsed = parse("c", "001", record)
        assert isinstance(parsed, Malformed)
        assert reason in parsed.reason
        assert parsed.record == record


def test_a_plus_in_a_value_stays_a_plus_and_an_escaped_separator_does_not_separate():
    ended = step(f"s=result&{TIME}&who=a+b%26c%3Dd&result=late")
    assert ended["who"] == "a+b&c=d"
    assert ended["result"] == "late"


def test_control_characters_and_broken_bytes_become_visible_marks():
    assert step(f"s=took&{TIME}&who=a%00b%0d%0ac%FF")["who"] == "a�b��c�"


def test_an_absurdly_long_record_is_cut_and_kept_for_a_person():
    parsed = parse("c", "001", f"s=took&{TIME}&who=" + "9" * 100_000)
    assert isinstance(parsed, Malformed)
    assert len(parsed.record) < 10_000


def test_a_time_behind_all_calendars_is_malformed():
    assert isinstance(parse("c", "001", "s=took&t=999999999999"), Malformed)


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_step_or_malformed_and_never_an_exception(call_id, name, record):
    assert isinstance(parse(call_id, name, record), CallStep | Malformed)


@given(
    st.sampled_from(["s", "t", "to", "%", "=", "&", "arrived", "ended", "1.5", "%E7%8E", "\x00", "\ud800"]), st.data()
)
def test_any_mix_of_a_records_own_parts_is_a_step_or_malformed(first, data):
    parts = data.draw(st.lists(st.sampled_from(["s=", "t=", "9", "&", "=", "took", "%", "%zz", ".", "²", "٣"])))
    assert isinstance(parse("c", "1", first + "".join(parts)), CallStep | Malformed)


@given(
    st.sampled_from(list(StepKind)),
    st.datetimes(min_value=EARLIEST, timezones=st.just(UTC)),
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["王秀英", "𠮷野家", "a&b=c%20+d"]),
        min_size=8,
        max_size=8,
    ),
)
def test_every_step_comes_back_from_its_record(kind, at, values):
    fields = dict(zip(FIELDS[kind], map(clean, values), strict=False))
    one = CallStep("node1-1.2", "001", kind, at, MappingProxyType(fields))
    again = parse(one.call_id, one.step, render(one))
    if isinstance(again, Malformed):
        assert len(render(one)) > 8192
    else:
        assert again == one
        assert again.at - one.at == timedelta(0)
