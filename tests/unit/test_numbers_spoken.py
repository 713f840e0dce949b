"""Values as words: what is said means the value, in Chinese and in English, and is what people say."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import numbers_spoken as spoken
from ivr_flows.numbers_spoken import LIMIT

BELOW_LIMIT = st.one_of(st.integers(0, 20_000), st.integers(0, LIMIT - 1))
UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ENGLISH = {word: value for value, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, 2)}


def chinese_value(text: str) -> int:
    """A reader of Chinese numerals, written apart from the speaker: 亿 and 万 close what stands before them."""
    total = group = digit = 0
    for character in text:
        if character in "零一二三四五六七八九":
            digit = "零一二三四五六七八九".index(character)
        elif character == "两":
            digit = 2
        elif character in "十百千":
            group += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        else:
            total += (group + digit) * {"万": 10**4, "亿": 10**8}[character]
            group = digit = 0
    return total + group + digit


def english_value(text: str) -> int:
    total = group = 0
    for word in text.replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion"):
            total += group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word]
            group = 0
        elif word != "and":
            group += ENGLISH[word]
    return total + group


@given(BELOW_LIMIT)
def test_a_number_means_itself_in_both_languages(value: int) -> None:
    assert chinese_value(spoken.cardinal(value, "zh")) == value
    assert english_value(spoken.cardinal(value, "en")) == value


@given(BELOW_LIMIT)
def test_no_chinese_number_has_two_zeros_in_a_row_or_one_at_its_end(value: int) -> None:
    said = spoken.cardinal(value, "zh")
    assert "零零" not in said
    assert value == 0 or not said.endswith("零")


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "零", "zero"),
        (2, "二", "two"),
        (10, "十", "ten"),
        (12, "十二", "twelve"),
        (22, "二十二", "twenty-two"),
        (101, "一百零一", "one hundred and one"),
        (110, "一百一十", "one hundred and ten"),
        (120, "一百二十", "one hundred and twenty"),
        (200, "两百", "two hundred"),
        (222, "两百二十二", "two hundred and twenty-two"),
        (1005, "一千零五", "one thousand and five"),
        (2010, "两千零一十", "two thousand and ten"),
        (10_010, "一万零一十", "ten thousand and ten"),
        (20_000, "两万", "twenty thousand"),
        (22_000, "两万两千", "twenty-two thousand"),
        (100_100, "十万零一百", "one hundred thousand one hundred"),
        (1_010_000, "一百零一万", "one million ten thousand"),
        (100_010_000, "一亿零一万", "one hundred million ten thousand"),
        (200_000_002, "两亿零二", "two hundred million and two"),
        (-3, "负三", "minus three"),
    ],
)
def test_numbers_as_people_say_them(value: int, zh: str, en: str) -> None:
    assert spoken.cardinal(value, "zh") == zh
    assert spoken.cardinal(value, "en") == en


@pytest.mark.parametrize("value", [LIMIT, -LIMIT, 10**30])
def test_a_number_that_nobody_could_follow_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="too large"):
        spoken.cardinal(value, "zh")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (2, "分钟", "两分钟"),
        (2, "位", "两位"),
        (2, "点", "两点"),
        (12, "位", "十二位"),
        (22, "个", "二十二个"),
        (200, "户", "两百户"),
        (2, "号", "二号"),
        (2, "楼", "二楼"),
        (2, "单元", "二单元"),
        (2, "月", "二月"),
    ],
)
def test_two_of_something_is_liang_and_the_second_place_is_er(value: int, unit: str, said: str) -> None:
    assert spoken.counted(value, unit, "zh") == said


def test_one_is_singular_in_english() -> None:
    assert spoken.counted(1, "minute", "en") == "one minute"
    assert spoken.counted(2, "minute", "en") == "two minutes"
    assert spoken.counted(0, "minute", "en") == "zero minutes"


@given(st.integers(1, 10_000))
def test_an_ordinal_is_the_number_marked_as_one(value: int) -> None:
    assert spoken.ordinal(value, "zh") == "第" + spoken.cardinal(value, "zh")
    assert spoken.ordinal(value, "en").endswith(("th", "first", "second", "third"))


ORDINALS = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 11: "eleventh", 12: "twelfth"} | {
    20: "twentieth",
    21: "twenty-first",
    100: "one hundredth",
    112: "one hundred and twelfth",
}


@pytest.mark.parametrize(("value", "en"), ORDINALS.items())
def test_english_ordinals(value: int, en: str) -> None:
    assert spoken.ordinal(value, "en") == en


def test_there_is_no_place_before_the_first() -> None:
    with pytest.raises(ValueError, match="no place"):
        spoken.ordinal(0, "zh")


@given(st.text(alphabet="0123456789", max_size=30))
def test_a_telephone_number_is_read_digit_by_digit_with_yao_for_one(number: str) -> None:
    said = spoken.digits(number, "zh")
    assert len(said) == len(number)
    assert "".join(str("零一二三四五六七八九".find(c) if c != "幺" else 1) for c in said) == number
    assert said.count("一") == number.count("81890")
    assert len(spoken.digits(number, "en").split()) == len(number)


def test_our_own_number_keeps_its_pun() -> None:
    assert spoken.digits("81890", "zh") == "八一八九零"
    assert spoken.digits("0574-81890", "zh") == "零五七四八一八九零"
    assert spoken.digits("120", "zh") == "幺二零"


@pytest.mark.parametrize(
    ("yuan", "zh", "en"),
    [
        ("3.50", "三元五角", "three yuan fifty"),
        ("3", "三元", "three yuan"),
        ("2", "两元", "two yuan"),
        ("2.20", "两元二角", "two yuan twenty"),
        ("3.05", "三元零五分", "three yuan and five cents"),
        ("3.45", "三元四角五分", "three yuan forty-five"),
        ("0.5", "五角", "fifty cents"),
        ("0.01", "一分", "one cent"),
        ("0", "零元", "zero yuan"),
        ("120", "一百二十元", "one hundred and twenty yuan"),
        ("20000", "两万元", "twenty thousand yuan"),
        ("-3.5", "负三元五角", "minus three yuan fifty"),
    ],
)
def test_money_as_it_is_said(yuan: str, zh: str, en: str) -> None:
    assert spoken.money(Decimal(yuan), "zh") == zh
    assert spoken.money(Decimal(yuan), "en") == en


@given(st.integers(0, 10**9))
def test_every_amount_means_itself(fen: int) -> None:
    said = spoken.money(Decimal(fen) / 100, "zh")
    whole, _, rest = said.rpartition("元")
    jiao, _, single = rest.rpartition("角")
    value = chinese_value(whole) * 100 + chinese_value(jiao) * 10 + chinese_value(single.removesuffix("分"))
    assert value == fen


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_a_decimal_is_read_digit_by_digit_behind_its_point(value: Decimal) -> None:
    whole, _, fraction = spoken.decimal(value, "zh").partition("点")
    assert chinese_value(whole) == int(value)
    assert Decimal("0." + ("".join(str("零一二三四五六七八九".index(c)) for c in fraction) or "0")) == value % 1


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        spoken.decimal(Decimal(value), "zh")


@pytest.mark.parametrize(
    ("at", "zh", "en"),
    [
        (time(10, 5), "十点零五分", "ten oh five a m"),
        (time(2, 0), "两点", "two a m"),
        (time(2, 2), "两点零二分", "two oh two a m"),
        (time(22, 22), "二十二点二十二分", "ten twenty-two p m"),
        (time(12, 0), "十二点", "noon"),
        (time(0, 0), "零点", "midnight"),
        (time(0, 30), "零点三十分", "twelve thirty a m"),
    ],
)
def test_the_clock(at: time, zh: str, en: str) -> None:
    assert spoken.clock(at, "zh") == zh
    assert spoken.clock(at, "en") == en


@given(st.times())
def test_every_time_can_be_told_from_every_other(at: time) -> None:
    hour, _, minute = spoken.clock(at, "zh").partition("点")
    assert (chinese_value(hour), chinese_value(minute.removesuffix("分"))) == (at.hour, at.minute)


NOW = datetime(2026, 11, 23, 9, 0)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("days", "zh", "en"),
    [
        (-1, "昨天", "yesterday"),
        (0, "今天", "today"),
        (1, "明天", "tomorrow"),
        (2, "后天", "November twenty-fifth"),
        (9, "十二月二日", "December second"),
        (40, "二零二七年一月二日", "January second two zero two seven"),
    ],
)
def test_days_near_and_far(days: int, zh: str, en: str) -> None:
    on = NOW.date() + timedelta(days)
    assert spoken.day(on, NOW.date(), "zh") == zh
    assert spoken.day(on, NOW.date(), "en") == en


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_any_day_can_be_said(on: date, today: date) -> None:
    assert spoken.day(on, today, "zh")
    assert spoken.day(on, today, "en")


@pytest.mark.parametrize(
    ("hour", "minute", "zh"),
    [
        (3, 0, "今天凌晨三点"),
        (9, 30, "今天上午九点三十分"),
        (12, 5, "今天中午十二点零五分"),
        (18, 0, "今天晚上六点"),
        (14, 0, "今天下午两点"),
        (23, 59, "今天晚上十一点五十九分"),
        (0, 0, "今天凌晨零点"),
    ],
)
def test_a_moment_is_said_with_its_part_of_the_day(hour: int, minute: int, zh: str) -> None:
    at = NOW.replace(hour=hour, minute=minute)
    assert spoken.moment(at, NOW, "zh") == zh
    assert spoken.moment(at, NOW, "en").startswith("today at ")
