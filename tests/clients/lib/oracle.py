"""Attribute matching as PS3.4 C.2.2.2 says, and where it leaves the choice to the archive, as the conformance statement says.
Written from the standard and from nothing of the archive's: it is what the archive is held against."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache

LEVELS = ("PATIENT", "STUDY", "SERIES", "INSTANCE")
WILD = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
PAIRS = [("StudyDate", "StudyTime"), ("SeriesDate", "SeriesTime"), ("ContentDate", "ContentTime"),
         ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime")]

# Readings of the characters in the generated names, by the dictionary of another project (pypinyin, all readings).
READINGS = {
    "张": "zhang", "李": "li", "赵": "zhao", "陈": "chen", "刘": "liu", "杨": "yang", "黄": "huang", "周": "zhou", "徐": "xu",
    "孙": "sun", "马": "ma", "胡": "hu", "林": "lin", "郭": "guo", "何": "he", "高": "gao", "罗": "luo", "郑": "zheng", "梁": "liang",
    "谢": "xie", "宋": "song", "唐": "tang", "韩": "han", "曹": "cao", "曾": "ceng zeng", "单": "chan dan shan", "仇": "chou ju qiu",
    "解": "jie xie", "吕": "lv lu", "欧": "ou", "阳": "yang", "司": "ci si", "伟": "wei", "芳": "fang", "敏": "min", "静": "jing",
    "丽": "li", "磊": "lei", "军": "jun", "勇": "yong", "艳": "yan", "杰": "jie", "涛": "tao", "秀": "xiu", "华": "hua", "小": "xiao",
    "东": "dong", "山": "shan", "田": "tian", "太": "ta tai", "郎": "lang", "鈴": "ling", "木": "mu", "花": "hua", "子": "zi",
    "洪": "hong", "吉": "ji", "洞": "dong tong", "金": "jin", "珉": "min", "刚": "gang", "桂": "gui", "三": "san", "四": "si", "国": "guo", "藩": "fan", "雪": "xue", "梅": "mei",
}


@dataclass
class Key:
    """One key of a query: keyword, or sequence and keyword; its VR; the value as QIDO-RS writes it."""

    path: tuple
    vr: str
    value: str


@dataclass
class Query:
    """A query."""

    level: str
    keys: list
    fuzzy: bool = False
    empty: bool = False
    multiple: bool = False
    options: dict = field(default_factory=dict)


def matches(entity, query, combined):
    """All keys match (C.2.2.2); keys of one sequence in one item (C.2.2.2.6)."""
    keys, sequences = {}, {}
    for key in query.keys:
        if len(key.path) == 1:
            keys[key.path[0]] = key
        else:
            sequences.setdefault(key.path[0], []).append(key)
    for date, time in PAIRS if combined else ():
        if date in keys and time in keys and _is_range(keys[date].value) and _is_range(keys[time].value):
            joined = _joined(keys[date].value, keys[time].value)
            if joined:
                if not _combined(entity.get(date, []), entity.get(time, []), *joined):
                    return False
                del keys[date], keys[time]
    if not all(_key(entity.get(name, []), key, query) for name, key in keys.items()):
        return False
    for name, inside in sequences.items():
        items = entity.get(name, []) or [{}]
        if not any(all(_key(item.get(key.path[1], []), key, query) for key in inside) for item in items):
            return False
    return True


def _key(values, key, query):
    values = [value for value in values if value.strip()]
    if key.value in ("", "*"):
        return True
    if query.empty and key.value == '""':
        return not values
    return any(_value(value, key, query) for value in values)


def _value(value, key, query):
    wanted = key.value
    if key.vr == "UI" or (key.path[-1] == "ModalitiesInStudy" and re.search(r"[,\\]", wanted)):
        return value.strip() in [part.strip() for part in re.split(r"[,\\]", wanted)]
    if key.vr in ("DA", "TM", "DT"):
        return _when(value, key.vr, wanted)
    if query.multiple and "\\" in wanted:
        return any(_single(value, part.strip(), key.vr, False) for part in wanted.split("\\") if part.strip())
    return _single(value, wanted, key.vr, query.fuzzy)


def _single(value, wanted, vr, fuzzy):
    if vr == "PN":
        return _name(value, wanted) or (fuzzy and _begins(value, wanted))
    if vr in WILD and re.search(r"[*?]", wanted):
        return _pattern(wanted.strip()).fullmatch(value.strip()) is not None
    if vr in ("IS", "DS"):  # C.2.2.2.1: implementation dependent; by value
        return float(value) == float(wanted)
    return value.strip() == wanted.strip()


@cache
def _pattern(text):
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.DOTALL)


# Names: neither case nor accents nor width count; a key of one group is compared with each group.

@cache
def _fold(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] != "M")
    return plain.lower().rstrip("^ ").strip()


def _name(value, wanted):
    groups, keys = [_fold(g) for g in value.split("=")], [_fold(g) for g in wanted.split("=")]
    wild = re.search(r"[*?]", wanted) is not None

    def same(key, group):
        return _pattern(key).fullmatch(group) is not None if wild else key == group

    if len(keys) == 1:
        return any(group and same(keys[0], group) for group in groups)
    return all(not key or (at < len(groups) and same(key, groups[at])) for at, key in enumerate(keys))


def _words(text):
    return [word for word in re.split(r"[\^= ,*?\-.']+", _fold(text)) if word]


def _begins(value, wanted):
    words, forms = _words(wanted)[:8], _forms(value)
    return bool(words) and all(any(form.startswith(word) for form in forms) for word in words)


@cache
def _forms(value):
    forms = []
    for group in value.split("="):
        parts = _words(group)
        forms += [*parts, "".join(parts)]
        whole = "".join(parts)
        if any(c in READINGS for c in whole) and len(whole) <= 8:
            for syllables in _readings(whole):
                forms += [*syllables, "".join(syllables), "".join(s[0] for s in syllables)]
    return set(forms)


def _readings(han):
    out = [[]]
    for c in han:
        out = [[*one, reading] for one in out for reading in READINGS.get(c, c).split()]
    return out


# Times: a value is the span that its digits leave open.

def _is_range(text):
    return text.startswith("-") or text.endswith("-") or re.fullmatch(r"[^-]+-[^-]+", text) is not None


@cache
def _day(text):
    text = text.strip().replace(".", "")
    widths = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d"}
    start = datetime.strptime(text, widths[len(text)])
    if len(text) == 8:
        return start, start + timedelta(days=1)
    if len(text) == 6:
        return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start, start.replace(year=start.year + 1)


@cache
def _clock(text):
    text = text.strip().replace(":", "")
    whole, _, fraction = text.partition(".")
    at = timedelta(hours=int(whole[:2]), minutes=int(whole[2:4] or 0), seconds=int(whole[4:6] or 0))
    wide = {2: timedelta(hours=1), 4: timedelta(minutes=1), 6: timedelta(seconds=1)}[len(whole)]
    if fraction:
        at += timedelta(microseconds=int(fraction.ljust(6, "0")))
        wide = timedelta(microseconds=10 ** (6 - len(fraction)))
    return at, at + wide


@cache
def _moment(text):
    found = re.fullmatch(r"([\d.]+)([+-]\d{4})?", text.strip())
    digits, offset = found[1], found[2]
    first, last = _day(digits[:8])
    if len(digits) > 8:
        start, end = _clock(digits[8:])
        first, last = first + start, first + end
    if offset:
        minutes = (int(offset[1:3]) * 60 + int(offset[3:])) * (-1 if offset[0] == "-" else 1)
        zone = timezone(timedelta(minutes=minutes))
        return first.replace(tzinfo=zone), last.replace(tzinfo=zone)
    return first, last


SPAN = {"DA": _day, "TM": _clock, "DT": _moment}


def _alike(a, b):
    """Both in UTC when both say their offset, else as the clocks showed it."""
    if isinstance(a, datetime) and (a.tzinfo is None) != (b.tzinfo is None):
        return a.replace(tzinfo=None), b.replace(tzinfo=None)
    return a, b


def _within(value, first, last):
    if first is not None:
        a, b = _alike(value, first)
        if a < b:
            return False
    if last is not None:
        a, b = _alike(value, last)
        if a >= b:
            return False
    return True


def _ends(vr, wanted):
    """The two ends of a range; the hyphen of an offset is none of a range."""
    for at in [m.start() for m in re.finditer("-", wanted)]:
        low, high = wanted[:at].strip(), wanted[at + 1 :].strip()
        try:
            ends = [SPAN[vr](part) if part else None for part in (low, high)]
        except (ValueError, KeyError, TypeError):
            continue
        return ends
    raise ValueError(wanted)


def _when(value, vr, wanted):
    try:
        found = SPAN[vr](value)[0]
    except (ValueError, KeyError, TypeError):
        return False
    try:
        span = SPAN[vr](wanted)
        return _within(found, *span)
    except (ValueError, KeyError, TypeError):
        low, high = _ends(vr, wanted)
        return _within(found, low and low[0], high and high[1])


def _joined(dates, times):
    """C.2.2.2.5.4: the ends of both make the ends of one range, when both have the same ends."""
    (day_low, day_high), (time_low, time_high) = dates.split("-"), times.split("-")
    if bool(day_low) != bool(time_low) or bool(day_high) != bool(time_high):
        return None
    low = _day(day_low)[0] + _clock(time_low)[0] if day_low else None
    high = _day(day_high)[0] + _clock(time_high)[1] if day_high else None
    return low, high


def _combined(days, times, low, high):
    if not days:
        return False
    at = _day(days[0])[0] + (_clock(times[0])[0] if times and times[0] else timedelta())
    return _within(at, low, high)
