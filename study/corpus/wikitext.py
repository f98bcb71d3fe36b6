"""Wiki markup to clean paragraphs: what an article says in sentences; no templates, tables, captions, notes and bare lists."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator

MEDIA_AND_CATEGORIES = frozenset({"file", "image", "media", "category"})
"""Namespaces whose links are no text, in lower case; a dump names those of its language."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ELEMENTS = "ref|math|chem|gallery|timeline|imagemap|source|syntaxhighlight|pre|code|score|hiero|table|noinclude|references"
_EMPTY_ELEMENT = re.compile(rf"<(?:{_ELEMENTS})\b[^<>]*/>", re.IGNORECASE)
_ELEMENT = re.compile(rf"<({_ELEMENTS})\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_LINE_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(r"</?(?:p|div|blockquote|center|poem|li|ul|ol|dd|dl|dt|tr|td|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
# Templates that stand for a part of a sentence: their first argument, their last one, or a sign.
_FIRST = (
    "nowrap nobr small smaller smallcaps sc angbr vanchor visible-anchor abbr tooltip nihongo val"
    " quote cquote quotation blockquote"
)
_SHOWING_FIRST = frozenset(_FIRST.split())
_SHOWING_LAST = {"lang", "transl", "transliteration"}
_SHOWING_SIGN = {
    **dict.fromkeys(["ndash", "mdash", "spaced ndash", "snd", "spnd", "dash", "·", "•"], " – "),
    **dict.fromkeys(["nbsp", "spaces", "space"], " "),
    "'s": "'s",
    "'": "'",
    "pipe": " ",
}
_NAMED = re.compile(r"[\w -]*=")
_TEMPLATE_MARK = re.compile(r"\{\{|\}\}")
_TABLE_MARK = re.compile(r"^[:* \t]*\{\||^[ \t]*\|\}(?!\})", re.MULTILINE)
_LINK_MARK = re.compile(r"\[\[|\]\]")
_LANGUAGE_LINK = re.compile(r"[a-z]{2,3}(?:-[a-z-]+)?:[^|]*\Z|simple:[^|]*\Z")
_SISTER = re.compile(r"\s*(?::|(?:wikt|wiktionary|wikisource|wikipedia|commons|meta|[wsbqnvmc]):)+", re.IGNORECASE)
_EXTERNAL = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\]]*([^\]\n]*)\]")
_ADDRESS = re.compile(r"\b(?:https?|ftp)://\S+")
_QUOTES = re.compile(r"'{2,}")
_MAGIC_WORD = re.compile(r"__[A-Z]+__")
# Lists, headings, table rests, rules; and preformatted lines, which begin with a space and end like no sentence.
_NO_PARAGRAPH = re.compile(r"\s*[*#:;=|!{}<>]|\s*-{4}|\s+(?!.*[.!?:\"”)]\s*\Z)")
_EMPTY_BRACKETS = re.compile(r"\(\s*(?:[,;:/–-]\s*)*\)")
_BRACKET_REST = re.compile(r"\(\s*(?:[,;:]\s*)+|(?:\s*[,;:])+\s*(?=\))")
_SPACE_BEFORE = re.compile(r"\s+([,;:.!?)\]])(?=\s|$)")
_DOUBLED = re.compile(r"([,;])(?:\s*[,;])+")
_SPACES = re.compile(r"\s+")
_LIST_MARK = re.compile(r"\s*[*#:]+\s*")
_ITEM_WORDS = 8
_ITEM_LOWER_CASE = 0.7
"""Share of a list item's words in lower case that tells sentences from references, titles and names."""
_SENTENCE_LIKE = re.compile(r"(?:[^\W\d_]+\W+){3}")


def paragraphs(markup: str, dropped: Collection[str] = MEDIA_AND_CATEGORIES) -> list[str]:
    """Return the paragraphs of an article as plain text.

    Parameters
    ----------
    markup : str
        The article's wikitext.
    dropped : collection of str
        Namespaces, in lower case, whose links are left out.

    Returns
    -------
    list of str
        One line each, with at least four words.
    """
    text = _COMMENT.sub("", markup)
    text = _ELEMENT.sub("", _EMPTY_ELEMENT.sub("", text))
    text = _nested(text, _TEMPLATE_MARK, "{{", _template)
    text = _nested(text, _TABLE_MARK, "{|", lambda table: "\n")
    text = _nested(text, _LINK_MARK, "[[", lambda link: _link(link, dropped))
    text = _MAGIC_WORD.sub("", _ADDRESS.sub("", _EXTERNAL.sub(r"\1", text)))
    text = _TAG.sub("", _BLOCK.sub("\n\n", _LINE_BREAK.sub(" ", text)))
    text = html.unescape(_QUOTES.sub("", text))
    whole = (_tidied(block) for block in _joined(text.split("\n")))
    return [paragraph for paragraph in whole if _SENTENCE_LIKE.search(paragraph)]


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Join the lines of each paragraph; what is no paragraph ends one and is left out, but for list items made of sentences."""
    block: list[str] = []
    for line in lines:
        if line.strip() and not _NO_PARAGRAPH.match(line):
            block.append(line)
            continue
        if block:
            yield " ".join(block)
            block = []
        item = line[mark.end() :] if (mark := _LIST_MARK.match(line)) else ""
        if _made_of_sentences(item):
            yield item
    if block:
        yield " ".join(block)


def _made_of_sentences(item: str) -> bool:
    words = [word for word in item.split() if word[:1].isalpha()]
    lower = sum(word[0].islower() for word in words)
    return item.rstrip().endswith((".", "!", "?")) and len(words) >= _ITEM_WORDS and lower >= _ITEM_LOWER_CASE * len(words)


def _nested(text: str, mark: re.Pattern[str], opening: str, replace: Callable[[str], str]) -> str:
    """Replace every bracketed piece, the innermost first, by what ``replace`` makes of its inside.

    What is closed but not opened is removed; what is opened but not closed is kept without its mark.
    """
    stack: list[list[str]] = [[]]
    last = 0
    for match in mark.finditer(text):
        stack[-1].append(text[last : match.start()])
        last = match.end()
        if match[0].endswith(opening):
            stack.append([])
        elif len(stack) > 1:
            inside = "".join(stack.pop())
            stack[-1].append(replace(inside))
    stack[-1].append(text[last:])
    return "".join(piece for level in stack for piece in level)


def _template(inside: str) -> str:
    """Return the text that a template stands for, where it stands within sentences; most stand for none."""
    name, *arguments = (argument.strip() for argument in inside.split("|"))
    plain = [argument for argument in arguments if not _NAMED.match(argument)]
    name = name.lower().replace("_", " ")
    if name in _SHOWING_FIRST:
        named = (argument.partition("=")[2].strip() for argument in arguments if argument.startswith(("text", "quote")))
        return next(iter([*plain, *named]), "")
    if name in _SHOWING_LAST and len(plain) > 1:
        return plain[-1]
    if name in ("convert", "cvt"):
        return " ".join(plain[:2])
    if name == "as of" and plain:
        return f"{'as' if any(argument.startswith('lc') for argument in arguments) else 'As'} of {plain[0]}"
    if name in ("chem", "frac", "fraction"):
        return ("" if name == "chem" else "/").join(plain)
    return _SHOWING_SIGN.get(name, "")


def _link(inside: str, dropped: Collection[str]) -> str:
    """Return the text under which a link is shown."""
    target, _, label = inside.partition("|")
    if ":" in target and target.partition(":")[0].strip().lower() in dropped:
        return ""
    if _LANGUAGE_LINK.match(inside.strip()):
        return ""
    return label.rpartition("|")[2] or _SISTER.sub("", target).partition("#")[0]


def _tidied(line: str) -> str:
    """Close the gaps that removed pieces leave: empty brackets, doubled commas and spaces."""
    line = _SPACES.sub(" ", line.replace("[", "").replace("]", ""))
    line = _BRACKET_REST.sub(lambda match: "(" if match[0].startswith("(") else "", _EMPTY_BRACKETS.sub("", line))
    line = _SPACES.sub(" ", _DOUBLED.sub(r"\1", line))
    return _SPACE_BEFORE.sub(r"\1", line).lstrip(" ,;:.").rstrip()
