"""The WSGI application that gunicorn serves.

All that takes long is imported first; then it waits at the supervisor's gate, if there is one, until the database and the
static files are prepared; the application, which looks at the static files, is made behind the gate.
"""

import importlib
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def pass_gate() -> None:
    """Wait until the supervisor closes the other end of the pipe."""
    gate = os.environ.pop("START_GATE", "")
    if gate:
        os.read(int(gate), 1)
        os.close(int(gate))


django.setup()
importlib.import_module(settings.ROOT_URLCONF)
pass_gate()
application = get_wsgi_application()
