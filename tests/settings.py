"""The portal's settings on servers of the tests' own, in a temporary directory that the xdist workers share."""

import os
import tempfile
from pathlib import Path

from portal import embedded

SHARED = Path(os.environ.setdefault("PORTAL_TEST_DIR", "") or tempfile.mkdtemp(prefix="portal-test-"))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ.update(
    PORTAL_TEST_DIR=str(SHARED),
    ENV_FILE=os.devnull,  # a developer's .env is not the tests'
    VAR_DIR=str(SHARED / (WORKER or "main")),
    DATABASE_URL=embedded.database_url(SHARED),
    REDIS_URL=embedded.redis_url(SHARED, number=int(WORKER.removeprefix("gw") or -1) + 1),
    WEB_DB_ROLE=embedded.WEB_ROLE,
    SECRET_KEY="only-for-the-tests",
    LOG_LEVEL="WARNING",
    DJANGO_ALLOW_ASYNC_UNSAFE="1",  # the browser tests' event loop and the ORM share a thread
)

from portal.settings import *  # noqa: E402, F403  # after the environment it reads
from portal.settings import STORAGES, VAR_DIR  # noqa: E402

(VAR_DIR / "static").mkdir(parents=True, exist_ok=True)  # whitenoise warns about a missing one
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
