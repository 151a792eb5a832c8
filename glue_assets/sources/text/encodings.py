"""Encoding of a text that is not UTF-8: Windows-1252 if its language leaves no doubt, else a proposal.

Words decide. Each language has its letters with accents, with their shares, and other code pages read the
same bytes as other letters. Windows-1252 is certain if nearly all its letters belong to a Western language,
and no language of another code page explains the bytes as well.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WINDOWS_1252 = "cp1252"
OR_LATIN_1 = "terraglue.latin_1"
"""Error handler that decodes the five bytes that Windows-1252 does not define, as browsers do."""

# Not for text, or not for files: https://docs.python.org/3/library/codecs.html#standard-encodings
_REFUSED = {"idna", "mbcs", "oem", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf-7"}
_MOST_WORDS = 5_000
_COVERED, _MOSTLY_COVERED = 0.9, 0.7
_STRANGER = 0.7  # what a letter of another language, as in a name, counts
_SMALL_LANGUAGES = {"Irish", "Icelandic", "Faroese", "Estonian", "Albanian", "Afrikaans"}
_MARGIN = math.log(20)
_MARK, _FOREIGN, _IMPOSSIBLE = (
    0.1,
    0.0005,
    0.000005,
)  # shares of marks, of letters of other languages, of others
_LEAST = -3.8  # mean of a letter; a text of its own script has about -3
_LATIN = frozenset("áéíóúäöüçãåøëèčšžăāė\u0131ş")
_FOREIGN_WORD = re.compile(r"[A-Za-z]*[^\x00-\x7f][A-Za-z\x80-\U0010ffff]*")
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]*[\x80-\xff][0-9A-Za-z\x80-\xff]*")
# Marks that texts have beside words, and those that they have within words.
_MARKS = frozenset("€‚„…‘’“”•–—™‹›\xa0¡¢£¥§©ª«\xad®°±²³´µ·¹º»¼½¾¿×÷‰")  # noqa: RUF001
_WITHIN = frozenset("‘’´·\xad–—\xa0")  # noqa: RUF001
_TYPOGRAPHIC = frozenset("€‚„…‘’“”•–—™‹›\xa0«»")  # noqa: RUF001
_OPENING = frozenset("„‚¿¡")  # noqa: RUF001
_SELDOM_LAST = frozenset("øãý")  # unlike Lithuanian `ų`, Romanian `ă`, Turkish dotless `i`
_BEFORE = {"ñ": True, **dict.fromkeys("ńèòìùæ", False)}  # whether a vowel follows
_VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœăąěęėėįőůűūųāēī\u0131")

# Shares (in percent, rounded) of letters with accents in texts of a language.
_WESTERN = {
    "German": "ü35 ä30 ö20 ß12 é1 è0.3 à0.3 á0.2 ç0.1 ê0.1 ó0.1 ñ0.1 ô0.1",
    "French": "é65 è13 à10 ê5 ç3 ô2 î1.5 â1.5 û1 ù0.8 ï0.5 ë0.5 œ0.5 ü0.2 ö0.1 æ0.05 ñ0.05 ÿ0.01",
    "Spanish": "ó32 í25 á20 é15 ñ8 ú6 ü0.5 ç0.1 à0.1 è0.1",
    "Portuguese": "ã28 ç18 á13 é13 í9 ó7 ê5 õ5 â3 ú3 à2 ô2 ü0.2 ñ0.1",
    "Italian": "è35 à30 ò15 ù12 ì7 é6 ó0.1 î0.05",
    "Dutch": "ë40 é30 ï12 è6 ö4 ó3 ü3 ê2 á1 ç0.5",
    "Swedish or Finnish": "ä45 ö28 å25 é1.5 ü0.3 à0.2 š0.2 ž0.1",
    "Danish or Norwegian": "ø40 å35 æ22 é1.5 ö0.5 ä0.5 ü0.5 ò0.2 ô0.2 ê0.2",
    "Catalan": "à20 é18 è15 ó14 í12 ò8 ç6 ú5 ï2 ü1",
    "Irish": "á25 í25 é20 ó15 ú15",
    "Icelandic": "á20 ð20 í15 ó10 ö9 þ8 æ8 é7 ú7 ý3",
    "Faroese": "á20 ð20 í15 ó15 ø12 ú8 ý5 æ5",
    "Estonian": "ä38 õ28 ü24 ö8 š1 ž0.5",
    "Albanian": "ë85 ç15",
    "Afrikaans": "ë60 ê20 ô7 é5 û3 ï3 è1",
}
_POLISH = "ł22 ę16 ą14 ż11 ó10 ś10 ć6 ń3 ź1"
_CZECH = "í22 á16 ě11 é9 ř8 č7 ž7 ý7 š6 ů4 ú1 ň0.5 ť0.3 ď0.2 ó0.2"
_SLOVAK = "á20 í12 č11 ý10 ž10 ú10 š9 é8 ť5 ľ4 ô2 ň2 ď1 ä1 ó1 ŕ0.1 ĺ0.1"
_HUNGARIAN = "á27 é27 ö9 ó9 ő9 í6 ü6 ú3 ű2"
_CROATIAN = "č30 š27 ž20 ć16 đ7"
_ROMANIAN = "ă35 ş20 ţ18 î15 â12"
_TURKISH = "\u013140 ş16 ü14 ğ9 ç9 ö7 İ5 â0.3"
_LITHUANIAN = "ė30 š20 ų14 ž13 ū9 ą8 į8 č6 ę3"
_LATVIAN = "ā35 ī16 ē14 š12 ū5 ņ5 ļ4 ž4 č2 ķ2 ģ2"
_CYRILLIC = (
    "о11 е8 а8 и7 н7 т6 с5 р5 в4 л4 к3 м3 д3 п3 у3 я2 ы2 ь2 г2 з2 б2 ч1 й1 х1 ж1 ш0.7 ю0.6 ц0.5 щ0.4 э0.3"  # noqa: RUF001
    " ф0.3 і0.5 ї0.1 є0.1 ъ0.1 ё0.1 ґ0.01 ј0.1"  # noqa: RUF001
)
_GREEK = (
    "α11 ο9 ι8 ε8 τ8 σ5 ν6 η5 υ4 ρ4 π4 κ4 μ3 λ3 ς4 ω2 γ2 δ2 θ1 χ1 φ1 β1 ξ0.5 ζ0.4 ψ0.2 ά2 ί2 ό2 έ2 ή2 ύ1 ώ1"  # noqa: RUF001
)
_HEBREW = "י11 ה11 ו10 ל7 א6 ר6 ת5 ב5 ש4 מ5 נ3 ם3 ד3 ח2 ע3 פ2 ק2 כ2 ג1 ט1 צ1 ס1 ז1 ן2 ך1 ף0.3 ץ0.3"  # noqa: RUF001
_VIETNAMESE = "đ14 ư12 ơ8 à8 á8 â8 ô8 ê6 ă5 í4 ó3 ã2 é2 ò2 ú2 ì2 è1 ù1 ý1"
# Code pages other than Windows' are rare, and those of small countries rarer than others.
_USUAL, _SMALL, _SELDOM = 0.0, math.log(0.05), math.log(0.005)
_CENTRAL = (_POLISH, _CZECH, _SLOVAK, _HUNGARIAN, _CROATIAN, _ROMANIAN)
_OTHERS = {
    "cp1250": (_USUAL, _CENTRAL),
    "iso8859-2": (_SELDOM, _CENTRAL),
    "cp852": (_SELDOM, _CENTRAL),
    "cp1254": (_USUAL, (_TURKISH,)),
    "cp1257": (_SMALL, (_LITHUANIAN, _LATVIAN)),
    "mac-roman": (_SELDOM, tuple(_WESTERN.values())),
    "cp850": (_SELDOM, tuple(_WESTERN.values())),
    "iso8859-15": (_SELDOM, tuple(_WESTERN.values())),
    "cp1251": (_USUAL, (_CYRILLIC,)),
    "koi8-r": (_SELDOM, (_CYRILLIC,)),
    "cp866": (_SELDOM, (_CYRILLIC,)),
    "iso8859-5": (_SELDOM, (_CYRILLIC,)),
    "cp1253": (_USUAL, (_GREEK,)),
    "cp1255": (_SMALL, (_HEBREW,)),
    "cp1258": (_SELDOM, (_VIETNAMESE,)),
}
# First bytes of the usual characters of East Asian encodings: kana, hangul, first level of Han characters.
_EAST_ASIAN = {
    "cp932": (*range(0x82, 0x84), *range(0x88, 0x98), *range(0xA6, 0xE0)),
    "euc_jp": (*range(0xA4, 0xA6), *range(0xB0, 0xD0)),
    "cp949": tuple(range(0xB0, 0xC9)),
    "gb18030": tuple(range(0xB0, 0xD8)),
    "big5": tuple(range(0xA4, 0xC7)),
}


@dataclass(frozen=True)
class Guess:
    """An encoding and words as it reads them. `is_certain` is only so for Windows-1252."""

    encoding: str
    words: tuple[str, ...]
    is_certain: bool = False


def codec_of(name: str) -> str | None:
    """Return Python's name of a codec for texts, or None if there is none."""
    try:
        b"ab".decode(name, errors="replace")  # raises LookupError for codecs of other things, such as rot13
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return None if codec in _REFUSED else codec


def guesses(sample: bytes) -> list[Guess]:
    """Return the encodings that lines with characters beyond ASCII can have, the most probable first."""
    words = list(dict.fromkeys(_WORD.findall(sample)))[:_MOST_WORDS]
    western, covered = max(_likelihood(words, WINDOWS_1252, *language) for language in _LANGUAGES)
    windows = [_decoded(word, WINDOWS_1252) for word in words]
    rivals = []
    for encoding, (prior, languages) in _OTHERS.items():
        if [_decoded(word, encoding) for word in words] != windows:
            score, share = max(_likelihood(words, encoding, _shares(texts)) for texts in languages)
            if share >= _MOSTLY_COVERED:
                rivals.append((score + prior, encoding))
    rivals.sort(reverse=True)
    if covered >= _COVERED and all(western >= score + _MARGIN for score, _ in rivals):
        return [Guess(WINDOWS_1252, _examples(windows), is_certain=True)]
    found = [encoding for _, encoding in rivals[:1]]
    if covered >= _MOSTLY_COVERED:
        found.append(WINDOWS_1252)
        if not rivals or western > rivals[0][0]:
            found.reverse()
    else:
        found += _east_asian(sample)
    decoded = {encoding: _decoded(sample, encoding) for encoding in found or _detected(sample)}
    return [Guess(encoding, _examples(_FOREIGN_WORD.findall(text))) for encoding, text in decoded.items()]


def _east_asian(sample: bytes) -> list[str]:
    """Return the East Asian encodings whose usual characters make up a text."""
    found = []
    for encoding, usual in _EAST_ASIAN.items():
        try:
            letters = [
                letter for letter in sample.decode(encoding) if letter.isalpha() and not letter.isascii()
            ]
        except UnicodeDecodeError:
            continue
        rarity = 3.0 if encoding == "euc_jp" else 0.0
        known = sum(letter.encode(encoding)[0] in usual for letter in letters)
        if letters and known >= 0.8 * len(letters):
            found.append(
                ((len(letters) - known) * math.log(100) + known * math.log(len(usual)) + rarity, encoding)
            )
    return [encoding for _, encoding in sorted(found)[:3]]


def _detected(sample: bytes) -> list[str]:
    """Return what charset-normalizer detects."""
    from charset_normalizer import from_bytes  # needed only to publish such files

    best = from_bytes(sample, cp_exclusion=["utf_7"], threshold=0.5).best()
    return [best.encoding] if best else []


def _likelihood(
    words: Iterable[bytes], encoding: str, shares: Mapping[str, float], prior: float = 0.0
) -> tuple[float, float]:
    """Return the logarithm of the likelihood of words in a language, and the share of letters it has."""
    score, known, count = prior, 0.0, 0
    is_latin = any(letter in _LATIN for letter in shares)
    for word in words:
        text = _decoded(word, encoding)
        letters = [letter for letter in text if letter not in _MARKS]
        ascii_letters = sum(letter.isascii() for letter in letters)
        is_foreign = len(letters) > 1 and not ascii_letters if is_latin else bool(ascii_letters)
        for position, letter in enumerate(text):
            if letter.isascii():
                continue
            before, after = text[:position][-1:], text[position + 1 :][:1]
            if letter in _MARKS and _is_mark(letter, before, after):
                score += math.log(_MARK)
                continue
            lower = _lower(letter)
            share = shares.get(lower, 0.0)
            if (
                is_foreign
                or letter in _MARKS
                or not letter.isalpha()
                or (before.islower() and letter.isupper())
            ):
                share, least = 0.0, _IMPOSSIBLE
            else:
                least = _FOREIGN * (_by_neighbours(lower, before, after) if is_latin else 1.0)
                share *= _by_neighbours(lower, before, after) if is_latin else 1.0
            count += 1
            known += 1.0 if share else _STRANGER if least > _IMPOSSIBLE else 0.0
            score += math.log(max(share, least))
    if not is_latin and score < _LEAST * count:
        known = 0.0
    return score, known / count if count else 1.0


def _is_mark(mark: str, before: str, after: str) -> bool:
    """Return whether a mark is where marks are, and not where a letter would be."""
    if mark in _WITHIN:
        return True
    if before.isalpha() and (after.isalpha() or mark in _OPENING):
        return False
    marks = _MARKS - _TYPOGRAPHIC
    return not (mark in marks and (before in marks or after in marks))


def _by_neighbours(letter: str, before: str, after: str) -> float:
    """Return a factor for a letter by its neighbours, which other languages' letters do not have.

    Vowels stand between consonants, and the reverse. Spanish has `ñ` only before vowels, Polish `ń` only
    before others, for example.
    """
    if after.isalpha() and letter in _BEFORE and (_lower(after) in _VOWELS) != _BEFORE[letter]:
        return 0.05
    if letter == "ã" and after.isalpha() and after not in "oesz":  # as in Portuguese
        return 0.05
    if letter in _SELDOM_LAST and before.isalpha() and not after.isalpha():
        return 0.3
    if not before.isalpha() and not after.isalpha():  # rather a mark, such as that of a currency
        return 0.02
    if not (before.isalpha() and after.isalpha()):
        return 1.0
    kinds = {_lower(neighbour) in _VOWELS for neighbour in (before, after)}
    if len(kinds) == 2:
        return 1.0
    return 0.4 if (letter in _VOWELS) in kinds else 1.6


def _decoded(word: bytes, encoding: str) -> str:
    return word.decode(encoding, errors="replace")


def _lower(letter: str) -> str:
    lower = letter.lower()
    return lower if len(lower) == 1 else letter


def _examples(texts: Iterable[str]) -> tuple[str, ...]:
    """Return up to three words, those that begin with ASCII first, as they are the easiest to judge."""
    return tuple(
        sorted((text[:30] for text in dict.fromkeys(texts)), key=lambda text: not text[0].isascii())[:3]
    )


def _shares(language: str) -> dict[str, float]:
    return {entry[0]: float(entry[1:]) / 100 for entry in language.split()}


def _union(languages: list[dict[str, float]]) -> dict[str, float]:
    letters = {letter for shares in languages for letter in shares}
    return {letter: sum(s.get(letter, 0.0) for s in languages) / len(languages) for letter in letters}


_LANGUAGES = [
    (_shares(letters), math.log(0.1) if name in _SMALL_LANGUAGES else 0.0)
    for name, letters in _WESTERN.items()
]
_LANGUAGES.append((_union([shares for shares, _ in _LANGUAGES]), 0.0))
codecs.register_error(OR_LATIN_1, lambda exc: (exc.object[exc.start : exc.end].decode("latin-1"), exc.end))  # type: ignore[attr-defined]
