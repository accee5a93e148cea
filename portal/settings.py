"""The one settings file. Everything that differs between machines comes from the environment (see .env.example)."""

import contextlib
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import environ
import structlog
from celery.schedules import crontab
from django.core.management.utils import get_random_secret_key

from portal import embedded, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).absolute()


def secret(name: str) -> str:
    """A secret as it was given, or as its file (NAME_FILE) holds it: `env.str` takes `$…` for another variable's name."""
    return str(env.ENVIRON.get(name, "")).strip()


def secret_key() -> str:
    """SECRET_KEY from the environment; without one, a random key kept in var/ (mode 600), so that log-ins survive a restart."""
    if given := secret("SECRET_KEY"):
        return given
    file = VAR_DIR / "secret-key"
    if not file.exists():
        VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = VAR_DIR / f"secret-key-{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(get_random_secret_key())
        with contextlib.suppress(FileExistsError):  # two processes at once: both take the one that came first, whole
            file.hardlink_to(fresh)
        fresh.unlink()
    return file.read_text()


SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = secret("SECRET_KEY_FALLBACKS").split()  # earlier ones, while log-ins signed by them live
# Seals evidence files; the earlier ones are needed until `manage.py reseal` has been through all files.
SEAL_KEY = secret("SEAL_KEY") or SECRET_KEY
SEAL_KEYS = [SEAL_KEY, *secret("SEAL_KEY_FALLBACKS").split(), *SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PORT = env.str("PORT", default="8000")
PORTAL_URL = env.str("PORTAL_URL", default=f"http://localhost:{PORT}")

INSTALLED_APPS = [
    "portal",  # first, so that its createsuperuser is the one that runs
    "townships.adminsite.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_filters",
    "django_structlog",
    "crispy_forms",
    "crispy_bootstrap5",
    "heroicons",
    "import_export",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "csp",
    "command_room",
    "enforcement",
    "townships",
    "notifications",
    "records",
]

MIDDLEWARE = [
    "portal.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.SaneCookieMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "townships.entrance.SignedInMiddleware",
    "portal.middleware.SaneRequestMiddleware",
    "townships.middleware.ActingPostMiddleware",
    "townships.entrance.IdleMiddleware",
    "townships.entrance.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "records.middleware.RefusedMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "command_room.middleware.DefaultFilterMiddleware",
    "portal.middleware.RequestLogMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "command_room.context_processors.frame",
            ],
            "builtins": ["django.templatetags.static"],
        },
    }
]

# --- Data ---------------------------------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": {
        **env.db_url("DATABASE_URL", default=embedded.database_url(VAR_DIR)),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # otherwise each kept connection answers one 500 after the database restarts
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# Demo data goes into the database that `make run` made itself, and nowhere else without being told to.
EMBEDDED_DATABASE = DATABASES["default"]["OPTIONS"].get("host") == embedded.database_host(VAR_DIR)
DEMO_DATA = EMBEDDED_DATABASE and env.bool("DEMO", default=True)
# The owner of the tables migrates; `manage.py run` lets web, workers and beat in as a role without DDL (grant_web_role).
WEB_DB_ROLE = env.str("WEB_DB_ROLE", default=embedded.WEB_ROLE if EMBEDDED_DATABASE else "")
WEB_DATABASE_URL = env.str(
    "WEB_DATABASE_URL", default=embedded.database_url(VAR_DIR, role=embedded.WEB_ROLE) if EMBEDDED_DATABASE else ""
)
SAVED_FILTERS = env.int("SAVED_FILTERS", default=20)  # a person, or a unit, may keep for one list
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "files")))  # never under the web root, served by a view
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 100  # a form takes nine, and says so; only beyond this is the whole request refused
LARGEST_REQUEST = 250_000_000  # nine files of 25 MB and the text

# --- Tasks --------------------------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default=embedded.redis_url(VAR_DIR))
EMBEDDED_BROKER = embedded.redis_url(VAR_DIR) == REDIS_URL
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "jobs"
CELERY_TASK_ROUTES = {"notifications.*": {"queue": "messages"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False  # the outbox's sweep is the retry; an officer never waits for the broker
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 1.5,  # above the one second that a waiting worker's BRPOP takes
    "max_retries": 0,  # kombu's own retries would hold an officer's page for 6 s when the broker is away
    "visibility_timeout": 600,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_DB_REUSE_MAX = 1000  # tasks a connection; by default Celery opens one for each task
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "notifications.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "summary": {"task": "notifications.summarise", "schedule": 3600.0, "options": {"expires": 3000}},
    "escalate": {"task": "enforcement.escalate", "schedule": 60.0, "options": {"expires": 55}},
    "recompute": {"task": "enforcement.recompute_provisional", "schedule": 3600.0, "options": {"expires": 3000}},
    "retire": {"task": "townships.retire_accounts", "schedule": 3600.0, "options": {"expires": 3000}},
    "resume": {"task": "enforcement.resume_suspended", "schedule": 60.0, "options": {"expires": 55}},
    "jobs": {"task": "records.sweep_jobs", "schedule": 60.0, "options": {"expires": 55}},
    "retention": {"task": "command_room.list_expired", "schedule": crontab(minute="10", hour="3", day_of_month="1")},
    "clearing": {"task": "command_room.clear_confirmed", "schedule": 600.0, "options": {"expires": 500}},
}

# --- Long jobs: what people ask for and wait for, see records/services/job.py ------------------------------------
JOB_KINDS = {"export": "enforcement.exports.work.run"}  # what does each kind
LISTINGS = {  # the lists that can be taken away as a file, see enforcement/exports/table.py
    "event": "enforcement.exports.event.EVENTS",
    "whistle": "enforcement.exports.whistle.WHISTLES",
    "dispatch": "enforcement.exports.dispatch.DISPATCHES",
    "escalation": "enforcement.exports.escalation.ESCALATIONS",
    "person": "command_room.exports.person.PEOPLE",
    "unit": "command_room.exports.unit.UNITS",
}
JOB_NEWS = "notifications.services.job.tell"  # what says that one has ended
JOBS_AT_ONCE = env.int("JOBS_AT_ONCE", default=1)  # fewer than the hands of the jobs' workers: the sweeps need one
JOB_TIME_LIMIT = env.int("JOB_TIME_LIMIT", default=3600)  # seconds, then its process is ended and it is tried again
JOB_FILE_HOURS = env.int("JOB_FILE_HOURS", default=24)  # how long a result can be fetched
EXPORT_AT_ONCE = env.int("EXPORT_AT_ONCE", default=5_000)  # rows; a longer list is a job
EXPORT_FILE_ROWS = env.int("EXPORT_FILE_ROWS", default=100_000)  # rows a file; a longer list is several
EXPORT_MOST = env.int("EXPORT_MOST", default=1_000_000)  # rows; a longer list has to be narrowed

# --- Messages -----------------------------------------------------------------------------------------------------
# By which channels people are told, in the order in which they are tried for whoever has chosen nothing. A robot or a
# gateway that is not configured is off.
CHANNELS = env.list("CHANNELS", default=["mail", "robot", "sms"])
CHANNEL_HOSTS = env.list(
    "CHANNEL_HOSTS", default=[]
)  # the hosts that may be reached, see notifications/transports/hosts.py
CHANNEL_TIMEOUT = 10  # seconds
BURST_AFTER = 3  # messages to one receiver within two minutes; what follows is gathered for one more. 0: never
QUIET_HOURS = env.str("QUIET_HOURS", default="22:00-07:00")  # for whoever has chosen none; empty for none
SUMMARY_HOUR = 8  # from when on administrators hear what failed since this hour of the day before
MESSAGE_DIRECTORY = "townships.directory"  # answers what the room of messages asks about people
MAIL_FILES = "notifications.mail_files.EmailBackend"  # one .eml a message, which admins read in the portal
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default=MAIL_FILES)
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = CHANNEL_TIMEOUT
EMAIL_USE_LOCALTIME = True
# Who may be written to: addresses, domains as @example.org, or * for all. Over SMTP nobody until somebody says so.
MAIL_ALLOW = env.list("MAIL_ALLOW", default=["*"] if EMAIL_BACKEND == MAIL_FILES else [])
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@localhost")
EMAIL_SUBJECT_PREFIX = env.str("EMAIL_SUBJECT_PREFIX", default="")
# Robots of group chats by the unit's code: {"shiji": {"url": "https://…?access_token=…", "secret": "SEC…"}}. The name says
# SECRETS so that Django's page of errors masks it.
ROBOT_SECRETS = env.json("ROBOT_SECRETS", default={})
# The templates may hold {phone}, {text} and {secret}.
SMS_URL = env.str("SMS_URL", default="")
SMS_METHOD = env.str("SMS_METHOD", default="POST")
SMS_CONTENT_TYPE = env.str("SMS_CONTENT_TYPE", default="application/json")
SMS_BODY = env.str("SMS_BODY", default='{"phone": "{phone}", "text": "{text}"}')
SMS_HEADERS = env.json("SMS_HEADERS", default={})
SMS_SECRET = secret("SMS_SECRET")
SMS_OK = env.str("SMS_OK", default='"code": ?"?0')
SMS_REFUSED = env.str("SMS_REFUSED", default="")
SMS_ALLOW = env.list("SMS_ALLOW", default=[])  # whom, as with MAIL_ALLOW: numbers, or * for all

# --- Who may come in ----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "townships.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "townships.backends.PostBackend"]
LOGIN_URL = "townships:login"
LOGIN_REDIRECT_URL = "command_room:home"
LOGOUT_REDIRECT_URL = "townships:login"
PASSWORD_MAX_AGE_DAYS = env.int("PASSWORD_MAX_AGE_DAYS", default=90)  # domain: usual parameter under GB/T 22239-2019
PASSWORD_HISTORY = env.int("PASSWORD_HISTORY", default=5)
HANDOUT_HOURS = env.int("HANDOUT_HOURS", default=72)  # how long the passwords of a list that is handed out let in
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "townships.passwords.ThreeClassesValidator"},
    {"NAME": "townships.passwords.HistoryValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 10 / 60  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "townships/locked_out.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False  # no greeting in every log
PROXY_COUNT = env.int("PROXY_COUNT", default=int(env.bool("HTTPS", default=False)))  # TLS is ended by a proxy
AXES_CLIENT_IP_CALLABLE = "portal.address.client_address"  # axes' own way finds no address at all behind a proxy
LOGIN_FAILURES_PER_ADDRESS = env.int(
    "LOGIN_FAILURES_PER_ADDRESS", default=100
)  # in the cool-off time, all accounts together

# The second factor: for these roles (values of townships.models.Role) nobody works without it; anybody may set it up.
OTP_REQUIRED_ROLES = env.list("OTP_REQUIRED_ROLES", default=[])
# Without it the seeds in the database are no secrets; a new one ends all devices.
OTP_KEY = secret("OTP_KEY") or SEAL_KEY
OTP_GRACE_HOURS = env.int("OTP_GRACE_HOURS", default=24)  # after a reset: how long the person has to set it up anew
OTP_TOTP_ISSUER = "嵊州综合执法协同"  # by this name the pages tell people to look for it
OTP_TOTP_THROTTLE_FACTOR = 1  # seconds: after each wrong code twice as long as before
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Minutes without an act after which a session ends, by role; * for all others. Background requests are no acts.
IDLE_MINUTES = {"admin": 15, "auditor": 15, "grid": 720, "officer": 720, "*": 30} | {
    role: int(minutes) for role, minutes in env.dict("IDLE_MINUTES", default={}).items()
}
SESSION_MOST_HOURS = env.int("SESSION_MOST_HOURS", default=12)  # since the log-in, whatever was done
BACKGROUND_VIEWS = [  # what pages ask for by themselves; besides, whatever says X-Background
    "command_room:board-columns",
    "command_room:worklist-rows",
    "command_room:wall",
    "command_room:wall-rows",
    "notifications:bell",
    "townships:session",
]
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=12 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
HTTPS = env.bool("HTTPS", default=False)  # on behind a proxy that ends TLS and sets X-Forwarded-Proto
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^healthz$", r"^metrics$"]  # asked for over plain HTTP, past the proxy
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],  # data: Bootstrap's icons in CSS; blob: preview of a chosen photo
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

FEEDBACK_PER_DAY = env.int("FEEDBACK_PER_DAY", default=20)  # 意见反馈 that one person may send within 24 hours

# --- Language and files -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATIC_IS_GIVEN = "STATIC_ROOT" in env.ENVIRON  # an image has collected them; `prepare` leaves them alone
STATICFILES_DIRS = [BASE_DIR / "static", ("bootstrap", Path(str(files("bootstrap").joinpath("css"))).parent)]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Logs: one JSON object a line, with the request id, in web and tasks alike ------------------------------------
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = True
METRICS_ALLOW = env.list("METRICS_ALLOW", default=[])  # networks that may read /metrics directly, as 10.0.0.0/24
METRICS_TOKEN = secret("METRICS_TOKEN")  # or whoever sends it: Authorization: Bearer …
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.format_exc_info,
    logs.without_rows,
]
structlog.configure(
    processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
            "foreign_pre_chain": SHARED_PROCESSORS,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "urllib3": {"level": "INFO"},  # below it, it writes addresses with the tokens in them
        # below INFO it writes every path, and a wall's holds its token
        "gunicorn.error": {
            "handlers": ["console"],
            "level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL,
            "propagate": False,
        },
    },
}
