"""PostgreSQL and Valkey from wheels, for `make run` and the tests: no system package, no port, no second user.

Nothing here needs Django, so the servers are up before the portal has finished importing.
"""

from portal.embedded.postgres import Postgres
from portal.embedded.process import StartError
from portal.embedded.sockets import WEB_ROLE, broker_url, database_host, database_url, redis_url
from portal.embedded.valkey import Valkey

__all__ = [
    "WEB_ROLE",
    "Postgres",
    "StartError",
    "Valkey",
    "broker_url",
    "database_host",
    "database_url",
    "redis_url",
]
