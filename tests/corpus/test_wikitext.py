import pytest

from study.corpus.wikitext import paragraphs

ARTICLE = """{{Infobox
| name = {{lang|fr|Banque}}
| note = a [[link]]
}}
[[File:River.jpg|thumb|300px|A ''caption'' with a [[link|label]] inside.]]
'''Bank''' ({{IPA|/bæŋk/}}; from [[Italian language|Italian]] ''banca'') is [[land (earth)]]s beside a [[river]].<ref name="a">A
note, {{cite web|url=http://x.org|title=T}}.</ref><ref name="b" /> It is {{convert|5|km|mi}} long&nbsp;– more or less.
It goes on in the same paragraph<!-- a remark -->, see [http://example.org the example] and {{nowrap|10 GB}}.

== History ==
* A list item with too few words.
# Another list item that does not end
:An indented line of a Few Proper Names And Nothing Else.
{| class="wikitable"
! head !! other
|-
| cell || more
{| class="inner"
| an inner table with words
|}
|}
<blockquote>He said that "[t]he bank is steep".</blockquote>
<math>x = y</math>
 IF x THEN y ELSE z
[[Category:Rivers]]
[[de:Ufer]]
[[fr:Rive]]
__NOTOC__
Short one.

{{As of|2010|5}}, a bank<sup>2</sup> of <i>the</i> [[w:Nile#Course|Nile]] and [[:Category:Banks|banks]] lay ( , ) here.
"""


def test_an_article_becomes_its_paragraphs():
    assert paragraphs(ARTICLE) == [
        "Bank (from Italian banca) is land (earth)s beside a river. It is 5 km long – more or less. It goes on in the same"
        " paragraph, see the example and 10 GB.",
        'He said that "the bank is steep".',
        "As of 2010, a bank2 of the Nile and banks lay here.",
    ]


@pytest.mark.parametrize(
    "markup",
    [
        "An {{unclosed template with a few words",
        "An [[unclosed link with a few words",
        "A closed}} template and a ]] link and words",
        "{| class=x\n| an unclosed table with cells",
        "An <ref>unclosed note with a few words",
        "<!-- an unclosed comment with a few words",
    ],
)
def test_broken_markup_leaves_no_marks(markup):
    assert not set("".join(paragraphs(markup))) & set("{}[]|<>")


def test_a_dump_names_its_own_namespaces():
    assert paragraphs("[[Datei:X.jpg|mini|Ein Bild von dem Ufer]] Das Ufer ist das Land.", {"datei"}) == [
        "Das Ufer ist das Land."
    ]


def test_a_list_item_is_kept_only_where_it_is_made_of_sentences():
    prose = "The bank of a river is the land that lies beside the water."
    references = "Smith, John; Brown, Mary (1999). The Banks of the Nile. London: River Press, Vol. II."
    names = "* Amazon River, Nile River, Mississippi River, Yangtze River and Congo River are long."
    assert paragraphs(
        f"* {prose}\n** {references}\n{names}\n# too short to tell.\n* no end of a sentence in all of these words"
    ) == [prose]
