"""The portal's settings, with the bare views beside the portal's own."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
BURST_AFTER = 0  # what is measured is one message after another; gathered ones would only be faster
