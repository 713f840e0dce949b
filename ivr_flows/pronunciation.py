"""What a text sounds like: Chinese as tone-numbered pinyin, English in plain words; both are what espeak-ng is given.

Nothing but small letters, digits for tones, ``,`` and ``.`` (English: letters, ``'`` and ``,.?!``) comes out, so no
text can reach espeak-ng's options or its phoneme notation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import time
from decimal import Decimal
from functools import cache
from importlib import resources
from string import ascii_lowercase

import yaml

from ivr_flows import numbers_spoken as spoken
from ivr_flows.numbers_spoken import HOTLINE, Language

LIMIT = 300
"""Characters of one text; said slowly, that is more than a minute."""


PINYIN = re.compile(r"[a-z]{1,7}[1-5][,.]?(?: [a-z]{1,7}[1-5][,.]?){0,299}")
"""The form in which somebody may write down a reading himself: what the Chinese voice takes, and nothing else."""


class UnspeakableError(ValueError):
    """A text that cannot be spoken. The message says why, in one sentence."""


def sounds_like(text: str, language: Language, names: Sequence[str] = ()) -> str:
    """What the voice of ``language`` is given for ``text``.

    ``names`` are persons' names in it, whose first character is read as a family name wherever they stand (before 师傅,
    先生 and so on this needs no telling). Digits are read one by one, except in times, dates, amounts, and before a
    measure word. Characters that no voice can say are left out.
    Raises UnspeakableError for control characters, for more than ``LIMIT`` characters, and when nothing is left to say.
    """
    speakable(text, language)
    clean = _clean(text)
    said = pinyin(clean, names) if language == "zh" else _english(clean, names)
    if not re.search(r"[a-z]", said, re.IGNORECASE):
        raise UnspeakableError(_NOTHING)
    return said


def speakable(text: str, language: Language) -> None:
    """Raises what ``sounds_like`` would raise, without the cost of looking anything up."""
    if not re.search(rf"[A-Za-z0-9#*&+]|{_HAN}", unicodedata.normalize("NFKD", _clean(text))):
        raise UnspeakableError(_NOTHING)


_NOTHING = "There is nothing in it that can be spoken."


def pinyin(text: str, names: Sequence[str] = ()) -> str:
    """``text`` as syllables with their tones, in the form the Chinese voice reads."""
    words: list[str] = []
    for piece in re.findall(rf"{_HAN}+|[A-Za-z]+|[,.!?;:，、；：。！？…\n]", _with_numbers(text, _CHINESE_NUMBERS)):
        if piece[0].isascii() and piece.isalpha():
            words += [_LETTERS[letter] for letter in piece.lower()]
        elif re.match(_HAN, piece):
            words += _syllables(piece, names)
        elif words:
            words[-1] = words[-1].rstrip(",.") + ("." if piece in ".!?;。！？；…" else ",")
    return " ".join(words)


def is_chinese(text: str) -> bool:
    """Whether it has a Chinese character, or nothing that the English voice could say better."""
    return re.search(_HAN, text) is not None or not re.search(r"[A-Za-z]", text)


def name(text: str) -> str:
    """A person's name as pinyin, its family name read as one: 单田芳 -> ``shan4 tian2 fang1``."""
    return " ".join(_syllables("".join(re.findall(_HAN, _clean(text))), [text]))


def _clean(text: str) -> str:
    if len(text) > LIMIT:
        raise UnspeakableError(f"It has {len(text)} characters; at most {LIMIT} are spoken.")
    kept = []
    for character in re.sub(r"[\r\n\t]+", "\n", text):
        category = unicodedata.category(character)
        if character != "\n" and category in ("Cc", "Cs"):
            raise UnspeakableError(f"It has the control character U+{ord(character):04X}.")
        # The marks of direction and of joining, and what has no meaning at all, are not heard.
        kept.append("" if category in ("Cf", "Cn", "Co") else character)
    return unicodedata.normalize("NFKC", "".join(kept))


# ---- numbers and signs ---------------------------------------------------------------------------------------------

_UNITS = (
    "小时|分钟|分(?!机)|秒钟|秒|个|天|周|年|号|层|楼|单元|栋|幢|路|块|米|公里|公斤|斤|千瓦时|度|位|名|人|户|家|次|项|件|份|台|辆|"
    "条|张|点|期|级|岁|遍|声|笔|步"
)
_ENGLISH_UNITS = "(?:second|minute|hour|day|week|month|year|metre|meter|kilometre|caller|call|home)s?|yuan|people"

Reading = Callable[[re.Match[str]], str]


def _time(language: Language) -> Reading:
    return lambda match: spoken.clock(time(int(match["hour"]), int(match["minute"])), language)


def _plain(match: re.Match[str], language: Language) -> str:
    """Digits that nothing beside them explains: a single one is a number, several are a telephone's or a room's."""
    found = match["number"]
    return spoken.cardinal(int(found), language) if len(found) == 1 else spoken.digits(found, language)


def _number(pattern: str, after: str = "", before: str = "") -> str:
    """A pattern that never takes a part of a longer number, the hotline's least of all."""
    return rf"{_APART}{before}(?P<number>{pattern})(?![0-9]|[.:][0-9]){after}"


_APART = r"(?<![0-9])(?<![0-9][.:])"
_CLOCK = rf"{_APART}(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?![0-9]|:[0-9])"
_AMOUNT = r"[0-9]{1,9}(?:\.[0-9]{1,2})?"
_COUNT = "(?:0|[1-9][0-9]{0,5})"

_CHINESE_NUMBERS: tuple[tuple[str, Reading], ...] = (
    (rf"(?<![0-9]){HOTLINE}(?![0-9])", lambda match: spoken.digits(match[0], "zh")),
    # From one to another: 1-3楼, 8:00-18:00; but not the dash inside a telephone number.
    (rf"(?<=[0-9])[-~—–](?=[0-9]{{1,4}}(?:{_UNITS}|[月日])|[0-9]{{1,2}}:)", lambda _: "到"),
    (_CLOCK, _time("zh")),
    (_number(r"[0-9]{4}", "(?=年)"), lambda match: spoken.digits(match["number"], "zh").replace("幺", "一")),
    (_number(r"[0-9]{1,2}", "(?=[月日])"), lambda match: spoken.cardinal(int(match["number"]), "zh")),
    (rf"¥(?P<number>{_AMOUNT})元?(?![0-9.])", lambda match: spoken.money(Decimal(match["number"]), "zh")),
    (_number(_AMOUNT, "元"), lambda match: spoken.money(Decimal(match["number"]), "zh")),
    (_number(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", "%"), lambda match: spoken.percent(Decimal(match["number"]), "zh")),
    (_number(r"[0-9]{1,4}", "", "第"), lambda match: "第" + spoken.cardinal(int(match["number"]), "zh")),
    (
        _number(_COUNT, rf"(?P<unit>{_UNITS})"),
        lambda match: spoken.counted(int(match["number"]), match["unit"], "zh"),
    ),
    (_number(r"[0-9]{1,9}\.[0-9]{1,4}"), lambda match: spoken.decimal(Decimal(match["number"]), "zh")),
    (r"(?P<number>[0-9]+)", lambda match: _plain(match, "zh")),
    (r"&", lambda _: "和"),
    (r"\+", lambda _: "加"),
    (r"#键?", lambda _: "井号键"),
    (r"\*键?", lambda _: "星号键"),
    (r"°C|℃", lambda _: "摄氏度"),
    (r"[()\[\]【】《》〈〉「」/]", lambda _: ","),
)

_ENGLISH_NUMBERS: tuple[tuple[str, Reading], ...] = (
    (_CLOCK, _time("en")),
    (rf"¥(?P<number>{_AMOUNT})(?![0-9.])", lambda match: spoken.money(Decimal(match["number"]), "en")),
    (_number(_AMOUNT, r"(?= yuan\b) yuan"), lambda match: spoken.money(Decimal(match["number"]), "en")),
    (_number(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", "%"), lambda match: spoken.percent(Decimal(match["number"]), "en")),
    (_number(r"[0-9]{1,4}", "(?:st|nd|rd|th)\\b"), lambda match: _ordinal_or_digits(match["number"])),
    (
        _number(r"[0-9]{1,9}", rf"(?= (?:{_ENGLISH_UNITS})\b)"),
        lambda match: spoken.cardinal(int(match["number"]), "en"),
    ),
    (_number(r"[0-9]{1,9}\.[0-9]{1,4}"), lambda match: spoken.decimal(Decimal(match["number"]), "en")),
    (_number(r"[1-9]?[0-9]"), lambda match: spoken.cardinal(int(match["number"]), "en")),
    (r"(?P<number>[0-9]+)", lambda match: f" {spoken.digits(match['number'], 'en')} "),
    (r"&", lambda _: " and "),
    (r"\+", lambda _: " plus "),
    (r"#", lambda _: " hash "),
    (r"\*", lambda _: " star "),
    (r"°C|℃", lambda _: " degrees "),
    (r"[()\[\]【】《》〈〉「」/]", lambda _: ", "),
)


def _ordinal_or_digits(number: str) -> str:
    return spoken.ordinal(int(number), "en") if int(number) else spoken.digits(number, "en")


def _with_numbers(text: str, readings: Sequence[tuple[str, Reading]]) -> str:
    for pattern, reading in readings:
        text = re.sub(pattern, reading, text)
    return text


# ---- Chinese -------------------------------------------------------------------------------------------------------

_HAN = r"[〇㐀-鿿豈-﫿𠀀-𳎯]"
_TITLES = (
    "师傅|先生|女士|小姐|太太|老师|阿姨|大爷|大妈|奶奶|爷爷|大姐|大哥|叔叔|老伯|老人|"
    "医生|大夫|护士|主任|经理|书记|同志|社工|队长|站长"
)
# Behind one of these, or at the beginning, a character before a title is a person: 是单师傅, but 接单师傅, 社区医生.
_BEFORE_A_PERSON = "是由给请和与的老位叫让找"
_SYLLABLE = re.compile(r"[a-z]*[aeiouv][a-z]*[1-5]")
# The names of the letters as Chinese speakers say them.
_LETTER_NAMES = (
    "ei1,bi4,xi1,di4,yi4,ai2 fu5,ji4,ei1 qi5,ai4,jie4,kei4,ai2 le5,ai2 mu5,en1,ou1,pi4,ke4 you1,a1 er5,ai2 si5,ti4,"
    "you1,wei1,da2 bu5 liu5,ai2 ke5 si5,wai4,zei4"
)
_LETTERS = dict(zip(ascii_lowercase, _LETTER_NAMES.split(","), strict=True))


@cache
def reviewed() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """``words`` and ``surnames`` of ``pronunciation.yaml``: what to say for each, syllable by syllable."""
    text = resources.files("ivr_flows").joinpath("pronunciation.yaml").read_text("utf-8")
    return {
        kind: {word: tuple(said.split()) for word, said in rows.items()} for kind, rows in yaml.safe_load(text).items()
    }


def _syllables(text: str, names: Sequence[str]) -> list[str]:
    """One syllable for each of the Chinese characters of ``text``; one that the dictionary lacks is left out."""
    # The dictionary is large, and a start that speaks nothing anew needs none of it.
    from pypinyin import Style, lazy_pinyin
    from pypinyin.constants import PINYIN_DICT

    text = "".join(character for character in text if ord(character) in PINYIN_DICT)
    said = list(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
    if len(said) != len(text):
        said = [lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True)[0] for character in text]
    for start, reading in [*_reviewed_words(text), *_family_names(text, names)]:
        said[start : start + len(reading)] = reading
    fixed = {place for start, length in _places(text, names) for place in range(start, start + length)}
    for place, character in enumerate(text):
        if character == "一" and place not in fixed:
            said[place] = _yi(text, said, place)
        elif character == "不" and said[place] != "bu5":
            said[place] = "bu2" if _tone(said, place + 1) == "4" else "bu4"
    return [syllable for syllable in said if _SYLLABLE.fullmatch(syllable)]


def _reviewed_words(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    words = reviewed()["words"]
    longest = max(map(len, words))
    place = 0
    while place < len(text):
        found = next((text[place : place + n] for n in range(longest, 0, -1) if text[place : place + n] in words), "")
        if found:
            yield place, words[found]
        place += len(found) or 1


def _family_names(text: str, names: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    surnames = reviewed()["surnames"]
    pairs = "|".join(surname for surname in surnames if len(surname) == 2)
    for match in re.finditer(rf"(?:^|(?<=[{_BEFORE_A_PERSON}]))(?P<name>{pairs}|.)(?={_TITLES})", text):
        if reading := surnames.get(match["name"]):
            yield match.start("name"), reading
    for start, length in _places(text, names):
        called = text[start : start + length]
        if reading := surnames.get(called[:2]) or surnames.get(called[:1]):
            yield start, reading


def _places(text: str, names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each name stands in ``text``, and how long it is."""
    for called in filter(None, names):
        for match in re.finditer(re.escape(called), text):
            yield match.start(), len(called)


def _tone(said: Sequence[str], place: int) -> str:
    return said[place][-1] if place < len(said) else ""


_COUNTED_BY = "百千万亿"
_NUMERALS = "零一二三四五六七八九十幺〇两"


def _yi(text: str, said: Sequence[str], place: int) -> str:
    """一 is yī alone, as a place in a row and inside numbers, yí before a fourth tone, yì before any other."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not after or before in tuple(_NUMERALS) or after in tuple(_NUMERALS):
        return "yi1"
    if after not in _COUNTED_BY and (
        before in tuple("第初拜统唯单专之") or (before in tuple("期周") and after not in "次个")
    ):
        return "yi1"
    # 一月一日, 一号, 一楼 are places in a row; 一个月 is not.
    if after in "月日号楼" or (after in "到至" and text[place + 2 : place + 3] in tuple(_NUMERALS)):
        return "yi1"
    return "yi2" if _tone(said, place + 1) in ("4", "5") else "yi4"


# ---- English -------------------------------------------------------------------------------------------------------


def _english(text: str, names: Sequence[str]) -> str:
    """Plain words; what is Chinese in it becomes pinyin without tones, as such names are written in English."""

    def latin(match: re.Match[str]) -> str:
        said = [re.sub(r"[^a-z]", "", syllable).replace("v", "yu") for syllable in _syllables(match[0], names)]
        return f" {' '.join(syllable.capitalize() for syllable in said)} "

    text = text.translate(str.maketrans("，、；：。！？’‘\n…", ",,,,.!?'',."))
    text = re.sub(rf"{_HAN}+", latin, text)
    text = _with_numbers(text, _ENGLISH_NUMBERS)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = re.sub(r"[;:]", ",", text)
    text = re.sub(r"[^A-Za-z',.?! ]+", " ", text)
    text = re.sub(r"\s*([,.?!])[\s,.?!]*", r"\1 ", re.sub(r"\s+", " ", text))
    return text.strip(" ,'.?!") + (match[0] if (match := re.search(r"[.?!](?=[ '.,?!]*$)", text)) else "")
