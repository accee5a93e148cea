"""Debian's Chromium against the live server, without its windows if it can be had so (two thirds of the work); where
there is none, the tests say so and are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.cast import Cast
from townships.models import Post, Role

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), "")
SHOTS = os.environ.get("SHOTS", "")  # a directory: every page of the walks is then kept there as a picture
OFF = (  # Chromium heeds the last such list only: Playwright's, and the address bar's own pages, two for every person
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,"
    "LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,"
    "OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
)
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine: apt-get install chromium"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [*quiet, *root, f"--disable-features={OFF}"],
    }


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def committed_cast(committed_cast: Cast) -> Cast:
    """In pictures, which the manual shows, people are called by their post."""
    if SHOTS:
        for post in Post.objects.select_related("user"):
            post.user.name = Role(post.role).label
            post.user.save(update_fields=["name"])
    return committed_cast


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """`open_page(width, javascript=True)`: a page of a person's own, at 390 or 1440 px, that fails on any script error.

    `slips`: this person sends a wrong form too, which the portal answers with 422; the browser logs that as an error.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note(line: ConsoleMessage, *, slips: bool) -> None:
        if line.type == "error" and not (slips and "status of 422" in line.text):
            faults.append(line.text)

    def make(size: dict[str, int] = DESK, *, javascript: bool = True, slips: bool = False) -> Page:
        context = browser.new_context(
            base_url=live_server.url, viewport=size, java_script_enabled=javascript, locale="zh-CN"
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: note(line, slips=slips))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not faults, faults
