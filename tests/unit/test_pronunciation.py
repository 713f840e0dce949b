"""What a text sounds like: names as names, polyphones as in our own sentences, and nothing that is not speech."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT

from ivr_flows.prompts import prompts
from ivr_flows.pronunciation import (
    LIMIT,
    PINYIN,
    UnspeakableError,
    is_chinese,
    name,
    pinyin,
    reviewed,
    sounds_like,
    speakable,
)

# A syllable without a vowel (呣 is m2) is spelled by the voice in English.
SYLLABLE = r"[a-z]*[aeiouv][a-z]*[1-5][,.]?"
CHINESE = re.compile(rf"{SYLLABLE}(?: {SYLLABLE})*")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z',.?! ]*")
FORMS = {"zh": CHINESE, "en": ENGLISH}


def test_the_hotline_is_read_so_that_the_pun_is_heard_and_other_numbers_as_telephone_numbers() -> None:
    assert pinyin("请拨81890。") == "qing3 bo1 ba1 yi1 ba1 jiu3 ling2."
    assert pinyin("120") == "yao1 er4 ling2"
    assert pinyin("0574-81890") == "ling2 wu3 qi1 si4 ba1 yi1 ba1 jiu3 ling2"
    assert sounds_like("Call 81890 or 120.", "en") == "Call eight one eight nine zero or one two zero."


@given(st.text(alphabet="0123456789", min_size=2, max_size=12).filter(lambda digits: "81890" not in digits))
def test_every_other_number_is_read_digit_by_digit(digits: str) -> None:
    assert len(pinyin(digits).split()) == len(digits)
    assert "yi1" not in pinyin(digits)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("请按1", "qing3 an4 yi1"),
        ("您是第1位", "nin2 shi4 di4 yi1 wei4"),
        ("还有2位", "hai2 you3 liang3 wei4"),
        ("等2分钟", "deng3 liang3 fen1 zhong1"),
        ("2号楼2单元", "er4 hao4 lou2 er4 dan1 yuan2"),
        ("1201室", "yao1 er4 ling2 yao1 shi4"),
        ("1-3楼", "yi1 dao4 san1 lou2"),
        ("时间：18:00", "shi2 jian1, shi2 ba1 dian3"),
        ("8:00-10:05", "ba1 dian3 dao4 shi2 dian3 ling2 wu3 fen1"),
        ("25:00", "er4 wu3, ling2 ling2"),
        ("2026年1月2日", "er4 ling2 er4 liu4 nian2 yi1 yue4 er4 ri4"),
        ("10年", "shi2 nian2"),
        ("2点30分", "liang3 dian3 san1 shi2 fen1"),
        ("2点05分", "liang3 dian3 ling2 wu3 fen1"),
        ("801分机", "ba1 ling2 yao1 fen1 ji1"),
        ("费用：3.50元", "fei4 yong4, san1 yuan2 wu3 jiao3"),
        ("12000元", "yi2 wan4 liang3 qian1 yuan2"),
        ("95%", "bai3 fen1 zhi1 jiu3 shi2 wu3"),
        ("按#键", "an4 jing3 hao4 jian4"),
        ("按*", "an4 xing1 hao4 jian4"),
        ("５Ｇ", "wu3 ji4"),
    ],
)
def test_numbers_in_chinese_are_read_by_what_stands_beside_them(text: str, said: str) -> None:
    assert sounds_like(text, "zh") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Press 1.", "Press one."),
        ("in 12 minutes", "in twelve minutes"),
        ("300 people", "three hundred people"),
        ("room 1201", "room one two zero one"),
        ("at 18:05", "at six oh five p m"),
        ("the 3rd", "the third"),
        ("3.50 yuan", "three yuan fifty"),
        ("95%", "ninety five percent"),
        ("Müller & Co.", "Muller and Co."),
        ("for 单师傅, please", "for Shan Shi Fu, please"),
    ],
)
def test_numbers_and_names_in_english(text: str, said: str) -> None:
    assert sounds_like(text, "en") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("一位", "yi2 wei4"),
        ("一千", "yi4 qian1"),
        ("一月一日", "yi1 yue4 yi1 ri4"),
        ("一个月", "yi2 ge4 yue4"),
        ("十一点", "shi2 yi1 dian3"),
        ("第一百一十一位", "di4 yi4 bai3 yi1 shi2 yi1 wei4"),
        ("每周一次", "mei3 zhou1 yi2 ci4"),
        ("星期一", "xing1 qi1 yi1"),
        ("万一", "wan4 yi1"),
        ("一万一千", "yi2 wan4 yi4 qian1"),
        ("按一号键", "an4 yi1 hao4 jian4"),
        ("不是", "bu2 shi4"),
        ("不能", "bu4 neng2"),
        ("对不起", "dui4 bu5 qi3"),
    ],
)
def test_one_and_not_change_their_tone_by_what_follows(text: str, said: str) -> None:
    assert pinyin(text) == said


@pytest.mark.parametrize(
    ("called", "said"),
    [
        ("单田芳", "shan4 tian2 fang1"),
        ("仇小妹", "qiu2 xiao3 mei4"),
        ("区先生", "ou1 xian1 sheng5"),
        ("曾国强", "zeng1 guo2 qiang2"),
        ("查师傅", "zha1 shi1 fu5"),
        ("解珍", "xie4 zhen1"),
        ("任女士", "ren2 nv3 shi4"),
        ("朴先生", "piao2 xian1 sheng5"),
        ("盖老师", "ge3 lao3 shi1"),
        ("华医生", "hua4 yi1 sheng1"),
        ("尉迟恭", "yu4 chi2 gong1"),
        ("单于青", "chan2 yu2 qing1"),
        ("万俟卨", "mo4 qi2 xie4"),
        ("丁一", "ding1 yi1"),
        ("王乐乐", "wang2 le4 le4"),
    ],
)
def test_a_family_name_is_read_as_one(called: str, said: str) -> None:
    assert name(called) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("单师傅正在路上", "shan4 shi1 fu5 zheng4 zai4 lu4 shang4"),
        ("您的师傅是曾师傅", "nin2 de5 shi1 fu5 shi4 zeng1 shi1 fu5"),
        ("接单师傅", "jie1 dan1 shi1 fu5"),
        ("社区医生", "she4 qu1 yi1 sheng1"),
        ("责任护士", "ze2 ren4 hu4 shi4"),
        ("小区队长", "xiao3 qu1 dui4 zhang3"),
    ],
)
def test_a_name_before_a_title_is_a_name_and_the_end_of_a_word_is_not(text: str, said: str) -> None:
    assert sounds_like(text, "zh") == said


def test_a_name_that_is_told_is_read_as_one_wherever_it_stands() -> None:
    assert sounds_like("为您服务的是解放军", "zh").endswith("jie3 fang4 jun1")
    assert sounds_like("为您服务的是解珍", "zh", ["解珍"]).endswith("xie4 zhen1")


# Our own sentences, and others a centre will write, one for each character that has several readings.
SENTENCES = {
    "重复收听请按星号": "chong2 fu4 shou1 ting1 qing3 an4 xing1 hao4",
    "重听请按九": "chong2 ting1 qing3 an4 jiu3",
    "这件事很重要": "zhe4 jian4 shi4 hen3 zhong4 yao4",
    "银行卡": "yin2 hang2 ka3",
    "行动不便": "xing2 dong4 bu2 bian4",
    "家长": "jia1 zhang3",
    "等候的时间会比较长": "deng3 hou4 de5 shi2 jian1 hui4 bi3 jiao4 chang2",
    "祝您快乐": "zhu4 nin2 kuai4 le4",
    "音乐": "yin1 yue4",
    "还有几位": "hai2 you3 ji3 wei4",
    "请尽快还款": "qing3 jin3 kuai4 huan2 kuan3",
    "正在为您接通": "zheng4 zai4 wei4 nin2 jie1 tong1",
    "已经改为上午": "yi3 jing1 gai3 wei2 shang4 wu3",
    "听得到": "ting1 de5 dao4",
    "得到帮助": "de2 dao4 bang1 zhu4",
    "请慢慢地说": "qing3 man4 man4 de5 shuo1",
    "请说出地址": "qing3 shuo1 chu1 di4 zhi3",
    "已经有人接了": "yi3 jing1 you3 ren2 jie1 le5",
    "我们了解到": "wo3 men5 liao3 jie3 dao4",
    "请别着急": "qing3 bie2 zhao2 ji2",
    "请听着": "qing3 ting1 zhe5",
    "空调": "kong1 tiao2",
    "正在调查": "zheng4 zai4 diao4 cha2",
    "街道办事处": "jie1 dao4 ban4 shi4 chu4",
    "正在处理": "zheng4 zai4 chu3 li3",
    "便宜": "pian2 yi5",
    "方便": "fang1 bian4",
    "差不多": "cha4 bu5 duo1",
    "出差": "chu1 chai1",
    "大夫": "dai4 fu5",
    "服务员有空": "fu2 wu4 yuan2 you3 kong4",
    "您的订单都会改派": "nin2 de5 ding4 dan1 dou1 hui4 gai3 pai4",
    "老人摔倒": "lao3 ren2 shuai1 dao3",
    "应急": "ying4 ji2",
    "应该": "ying1 gai1",
    "血压": "xue4 ya1",
    "理发": "li3 fa4",
    "江厦街道": "jiang1 xia4 jie1 dao4",
    "台风": "tai2 feng1",
    "重庆": "chong2 qing4",
    "对方已经挂机": "dui4 fang1 yi3 jing1 gua4 ji1",
    "请您尽快和家里联系": "qing3 nin2 jin3 kuai4 he2 jia1 li3 lian2 xi4",
}


@pytest.mark.parametrize("text", SENTENCES)
def test_characters_with_several_readings_are_read_as_meant(text: str) -> None:
    assert sounds_like(text, "zh") == SENTENCES[text]


def test_the_reviewed_list_gives_each_character_its_syllable() -> None:
    for kind, rows in reviewed().items():
        for word, said in rows.items():
            assert len(said) == len(word), (kind, word)
            assert all(re.fullmatch(r"[a-z]+[1-5]", syllable) for syllable in said), (kind, word)


def test_every_prompt_can_be_spoken_in_both_languages() -> None:
    for prompt in prompts():
        language = "zh" if is_chinese(prompt.zh) else "en"
        assert FORMS[language].fullmatch(prompt.pinyin or sounds_like(prompt.zh, language)), prompt.name
        assert ENGLISH.fullmatch(sounds_like(prompt.en, "en")), prompt.name


ANY_TEXT = st.one_of(
    st.text(max_size=LIMIT), st.text(st.sampled_from("一不1280:.-元楼 单师傅[[]]-aZ😀ü\u202e"), max_size=60)
)


@given(ANY_TEXT)
@example("--help")
@example("[[h@l'oU]]")
@example("-v en; rm")
@example("呣")
def test_whatever_is_written_only_speech_comes_out_or_it_is_refused(text: str) -> None:
    for language, form in FORMS.items():
        try:
            said = sounds_like(text, language)
        except UnspeakableError:
            continue
        assert form.fullmatch(said), said
        speakable(text, language)


@given(st.lists(st.sampled_from([chr(code) for code in sorted(PINYIN_DICT)]), min_size=1, max_size=40))
def test_every_chinese_character_of_the_dictionary_is_said_or_left_out(characters: list[str]) -> None:
    said = pinyin("".join(characters))
    assert said == "" or CHINESE.fullmatch(said)
    assert len(said.split()) <= len(characters)


@pytest.mark.parametrize("text", ["", "   ", "😀😀", "。。。", "مرحبا", "\u202e\u200b"])
def test_what_holds_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(UnspeakableError, match="nothing"):
        sounds_like(text, "zh")


@pytest.mark.parametrize("text", ["你\x00好", "你\x1b[2J", "\x7f", "a\ud800b"])
def test_control_characters_are_refused_by_their_number(text: str) -> None:
    with pytest.raises(UnspeakableError, match=r"U\+"):
        sounds_like(text, "zh")


def test_a_text_longer_than_anybody_listens_to_is_refused() -> None:
    assert sounds_like("好" * LIMIT, "zh")
    with pytest.raises(UnspeakableError, match="301 characters"):
        sounds_like("好" * (LIMIT + 1), "zh")


def test_a_sentence_for_everybody_is_english_and_a_number_is_not() -> None:
    assert not is_chinese("For English, press 2.")
    assert is_chinese("For English, 请按二")
    assert is_chinese("120")


@pytest.mark.parametrize("said", ["-v en", "ni3 hao3; rm", "[[x]]", "ni hao", "NI3", "", "ni3  hao3", "ni3\nhao3"])
def test_a_written_reading_is_syllables_and_nothing_else(said: str) -> None:
    assert PINYIN.fullmatch(said) is None
    assert PINYIN.fullmatch("nin2 hao3, zhe4 li3.")
