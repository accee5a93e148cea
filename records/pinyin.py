"""Names as they are spelled: for sorting lists and for finding a name by its letters."""

from pypinyin import lazy_pinyin

# Surnames that are read otherwise than the word of the same character.
SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "朴": "piao", "查": "zha", "盖": "ge", "区": "ou", "华": "hua",
    "任": "ren", "冼": "xian", "员": "yun", "缪": "miao", "翟": "zhai", "乐": "yue", "召": "shao", "尉迟": "yu chi",
    "长孙": "zhang sun", "万俟": "mo qi", "覃": "qin", "洗": "xian", "折": "she", "黑": "he", "秘": "bi", "种": "chong",
    "车": "che", "宁": "ning", "纪": "ji", "娄": "lou", "隗": "wei", "幺": "yao", "逄": "pang", "不": "fou", "繁": "po",
}  # fmt: skip
MOST_OF_A_PERSON = 4  # characters of a person's name; what is longer is the name of an office


def spelled(name: str) -> str:
    """`zhang san`: syllable by syllable, so that 李安 (li an) stands before 连 (lian)."""
    return " ".join(_syllables(name))


def initials(name: str) -> str:
    """`zs`; of Latin letters and digits, all."""
    return "".join(part if part.isdigit() else part[:1] for part in _syllables(name))


def _syllables(name: str) -> list[str]:
    name = name.strip().lower()
    many = 2 if name[:2] in SURNAMES else 1
    surname = SURNAMES.get(name[:many]) if 1 < len(name) <= MOST_OF_A_PERSON else None
    rest = name[many:] if surname else name
    found = [part for word in lazy_pinyin(rest) for part in word.split()]
    return [*(surname.split() if surname else ()), *found]
