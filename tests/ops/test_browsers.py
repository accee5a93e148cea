"""What our own styles, scripts and templates use, Chromium 86 knows: the WebViews of WeChat and DingTalk are no newer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import BASE_DIR

STYLE = {
    r":has\(": 105,
    r":is\(|:where\(": 88,
    r":not\([^()]*,": 88,
    r"(?<![\w-])inset(-inline|-block)?(-start|-end)?\s*:": 87,
    r"(?<![\w-])(margin|padding|border)-(inline|block)\s*:": 87,
    r"aspect-ratio\s*:": 88,
    r"color-mix\(|oklch\(|oklab\(|(?<![\w-])l(ab|ch)\(": 111,
    r"@container|container-type|\dcq[wh]": 105,
    r"@layer|@scope|@starting-style|subgrid": 99,
    r"\d[dsl]v[hw]\b": 108,
    r"\dr?lh\b": 109,
    r"(^|[{};])\s*&": 112,
    r"(?<![\w-])(translate|scale|rotate)\s*:": 104,
    r"(?<![\w-])(accent-color|text-wrap|scrollbar-gutter|scrollbar-color|field-sizing|text-underline-offset)\s*:": 87,
    r"overflow(-[xy])?\s*:\s*clip": 90,
    r"@media[^{]*\([^)]*[<>]": 104,
    r":user-(in)?valid|:popover-open|:modal\b": 105,
    r"(?<![\w-])mask(-image)?\s*:": 120,
}
SCRIPT = {
    r"\?\?=|\|\|=|&&=": 85,  # Chromium 85 has it; older WebViews refuse the whole file for it
    r"\.at\(": 92,
    r"structuredClone": 98,
    r"Object\.hasOwn|\.hasOwn\(": 93,
    r"\.findLast|\.toSorted|\.toReversed|\.with\(|\.groupBy": 97,
    r"randomUUID": 92,
    r"AbortSignal\.(timeout|any)": 103,
    r"\.showModal|\.showPopover|\.togglePopover|\.inert\b": 102,
    r"startViewTransition|scheduler\.|navigation\.": 94,
    r"Array\.fromAsync|Promise\.withResolvers": 119,
    r"^\s*static\s*\{|#\w+ in ": 94,
}
MARKUP = {
    r"<dialog|<search\b|<selectlist": 37,  # dialog is known to 37, but not to the WebKit of WeChat on an iPhone before 15.4
    r"\s(popover|popovertarget|inert|commandfor)(=|\s|>)": 102,
    r"<details[^>]*\sname=": 120,
}
KINDS = {"static/css/*.css": STYLE, "static/js/*.js": SCRIPT, "templates/**/*.html": MARKUP}


def faults(text: str, patterns: dict[str, int]) -> Iterator[str]:
    bare = without_comments(without_tried(text))
    for number, line in enumerate(bare.splitlines(), 1):
        for pattern, version in patterns.items():
            if found := re.search(pattern, line):
                yield f"{number}: {found[0].strip()} came with Chromium {version}: {line.strip()[:100]}"


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


def without_tried(text: str) -> str:
    """Without the blocks that a browser enters only if it knows what stands in them."""
    out, rest = "", text
    while found := re.search(r"@supports[^{]*\{", rest):
        depth, end = 1, found.end()
        while depth and end < len(rest):
            depth += {"{": 1, "}": -1}.get(rest[end], 0)
            end += 1
        out += rest[: found.start()] + "\n" * rest[found.start() : end].count("\n")
        rest = rest[end:]
    return out + rest


@pytest.mark.parametrize("glob", KINDS)
def test_nothing_is_newer_than_chromium_86(glob: str) -> None:
    files = sorted(Path(BASE_DIR).glob(glob))
    assert files
    found = [
        f"{file.relative_to(BASE_DIR)}:{fault}" for file in files for fault in faults(file.read_text(), KINDS[glob])
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        (".a:has(b) { }", STYLE),
        (".a { inset: 0 }", STYLE),
        (".a { color: red; aspect-ratio: 1 }", STYLE),
        (":is(a, b) { }", STYLE),
        ("a:not(.b, .c) { }", STYLE),
        (".a { height: 100dvh }", STYLE),
        (".a { & b { } }", STYLE),
        (".a { margin-inline: 1rem }", STYLE),
        ("@media (width < 600px) { }", STYLE),
        ("@supports (gap: 0) { .a { } } .b:where(c) { }", STYLE),
        ("list.at(-1)", SCRIPT),
        ("a ??= b", SCRIPT),
        ("structuredClone(a)", SCRIPT),
        ("<dialog open>", MARKUP),
        ('<div popover="auto">', MARKUP),
    ],
)
def test_newer_things_are_found(text: str, patterns: dict[str, int]) -> None:
    assert list(faults(text, patterns))


@pytest.mark.parametrize(
    "text",
    [
        "@supports selector(:has(*)) { .a:has(b) { } }",
        "/* :has( */",
        ".a { box-shadow: inset 0 0 0 1px }",
        "a:focus-visible { }",
    ],
)
def test_what_is_asked_for_first_passes(text: str) -> None:
    assert not list(faults(text, STYLE))
