"""The portal's settings for a worker process of the tests, with a kind of job that hangs."""

from portal.settings import *  # noqa: F403

JOB_KINDS = {"hangs": "tests.records.hanging.work"}
