"""The portal's settings, with the bare views beside the portal's own."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
