"""portal.js refreshes the clocks of a page: in the words that the server used."""

from datetime import timedelta

from django.conf import settings
from playwright.sync_api import Browser

from command_room.templatetags import look
from tests.command_room.test_look import NOW, SPANS


def test_portal_js_speaks_the_same_words(browser: Browser) -> None:
    now = int(NOW.timestamp())
    cases = [(sign * seconds, gone) for seconds, _ in SPANS for sign in (1, -1) for gone in (0, seconds, 10 * seconds)]
    page = browser.new_page()
    page.set_content("<body></body>")
    page.add_script_tag(content=(settings.BASE_DIR / "static/js/portal.js").read_text())
    spoken = page.evaluate(
        "([now, cases]) => cases.map(([left, gone]) => "
        "[portal.words(now + left, '签收', now), portal.tone(now + left, now, gone && now - gone)])",
        [now, cases],
    )
    page.close()
    for (left, gone), (words, tone) in zip(cases, spoken, strict=True):
        at, since = NOW + timedelta(seconds=left), NOW - timedelta(seconds=gone) if gone else None
        assert words in look.due(at, "签收", NOW)
        assert tone == look.tone_of(at, NOW, since)
