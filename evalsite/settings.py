"""Django settings. Everything that differs between machines comes from the environment (environment.py)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from evalsite import environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.folder("DATA_DIR", BASE_DIR / "var")

# Who may reach the site
DEBUG = environment.switch("DEBUG", default=False)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", environment.HOST)
CSRF_FAILURE_VIEW = "comparisons.views.stale_form"
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", "", environment.ORIGIN)
IS_PUBLIC = not set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]", "testserver"}
SECRET_KEY = environment.secret_key("SECRET_KEY", DATA_DIR / "secret-key", may_generate=DEBUG or not IS_PUBLIC)

# Behind TLS
HTTPS = environment.switch("HTTPS", default=IS_PUBLIC and not DEBUG)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # pages carry the token for their scripts
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the form of a study has 17 for each system
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

INSTALLED_APPS = [
    "analysis.apps.AnalysisConfig",
    "api.apps.ApiConfig",
    "comparisons.apps.ComparisonsConfig",
    "generation.apps.GenerationConfig",
    "people.apps.PeopleConfig",
    "studio.apps.StudioConfig",
    "axes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "evalsite.urls"
WSGI_APPLICATION = "evalsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "evalsite" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "people.rights.in_templates",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    if urlsplit(url).scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ValueError("only SQLite and PostgreSQL keep the promises that quotas and votes rest on")
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["NAME"] == ":memory:":
        raise ValueError("a database in memory forgets every vote when its process ends")
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE takes the write lock at BEGIN, so writers queue instead of failing half-way with
        # "database is locked"; FULL, since NORMAL may lose the last votes in a power cut.
        config["CONN_MAX_AGE"] = None
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    else:
        config["CONN_MAX_AGE"] = 0
        config["OPTIONS"] = {
            "pool": {"min_size": 2, "max_size": 8, "timeout": 30},
            # A rater's statements are the same all day: planned once a connection, they take the server a third less.
            "server_side_binding": True,
            "prepare_threshold": 3,
        }
    return config


DATABASE_URL = environment.url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'evalsite.sqlite3'}", _database)
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "studies:list"
LOGOUT_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]

# Sign-ins that fail lock a name from one address, and not the name: nobody can lock somebody else out.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the time that the page promises holds
AXES_LOCKOUT_CALLABLE = "people.sign_in.locked_out"
AXES_CLIENT_IP_CALLABLE = "people.sign_in.client_address"
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "evalsite" / "static"]


def _image_storage(url: str) -> dict[str, Any]:
    if not url:
        return {"BACKEND": "generation.storage.AtomicFileSystemStorage"}
    address = urlsplit(url)
    query = {key: " ".join(values) for key, values in parse_qs(address.query, keep_blank_values=True).items()}
    endpoint, region = query.pop("endpoint_url", None), query.pop("region", None)
    if address.scheme != "s3" or query:
        raise ValueError(f"{next(iter(query))} is not known" if query else "only S3 is known")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", address.netloc):
        raise ValueError("a bucket's name has 3 to 63 lower-case letters, digits, '-' and '.'")
    if endpoint is not None and not re.fullmatch(r"https?://([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?/?", endpoint):
        raise ValueError("endpoint_url is http:// or https:// with a host and perhaps a port")
    if region is not None and not re.fullmatch(r"[\w-]+", region):
        raise ValueError("region is one word, such as eu-central-1")
    options = {"bucket_name": address.netloc, "location": address.path.strip("/")}
    return {
        "BACKEND": "generation.s3.S3ImageStorage",
        "OPTIONS": options | {"endpoint_url": endpoint, "region_name": region},
    }


MEDIA_ROOT = DATA_DIR / "images"
IMAGE_STORAGE = environment.url("IMAGE_STORAGE", "", _image_storage)
STORAGES = {
    "default": _image_storage(IMAGE_STORAGE),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # no collectstatic step for a local site

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "axes": {"level": "WARNING"},  # else every sign-in takes four lines
        "botocore": {"level": "WARNING"},  # it tells in every thread where it found credentials
        "httpx2": {"level": "WARNING"},  # else it writes down every link, also those that hold a signature
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}

# Generation
JOB_LEASE_SECONDS = environment.whole_number("JOB_LEASE_SECONDS", 90, minimum=2)
GENERATION_BATCH_SIZE = environment.whole_number("GENERATION_BATCH_SIZE", 1, maximum=1024)
JOBS_PER_MESSAGE = 16
WARM_IMAGES_AHEAD = 64  # that a model in use makes before another system's message has its turn
MODEL_MEMORY_BYTES = 2**20 * environment.whole_number("MODEL_MEMORY_MB", environment.half_of_memory_mb(), maximum=2**30)
DISK_RESERVE_MB = environment.whole_number("DISK_RESERVE_MB", 256, minimum=0, maximum=2**30)
MAX_JOB_ATTEMPTS = 3
ENDPOINT_KEYS = environment.keys_of_hosts("ENDPOINT_KEYS")

# Rating
REPLY_STEP_MS = 20  # replies to answers come in steps, so that their time says nothing of what comes next
ASSIGNMENT_LEASE_SECONDS = environment.whole_number("ASSIGNMENT_LEASE_SECONDS", 600, minimum=2)


def _check_broker(url: str) -> None:
    if urlsplit(url).scheme not in {"redis", "rediss", "redis+socket"}:
        raise ValueError("other brokers lose messages when a process is killed")
    urlsplit(url).port  # noqa: B018  raises ValueError for a port that is none


CELERY_BROKER_URL = environment.url("CELERY_BROKER_URL", f"redis+socket://{DATA_DIR / 'broker.sock'}", _check_broker)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any batch: a message delivered again finds its jobs claimed and does nothing, but wastes a slot.
    "visibility_timeout": 12 * 3600,
    "unacked_restore_throttle": 1,  # after a crash redelivery starts at once, not after minutes
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ROUTES = {"analysis.*": {"queue": "analysis"}}  # of a worker of its own: numbers wait for no images
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "threads"  # a fork after torch has run hangs
CELERY_WORKER_CONCURRENCY = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: every worker may have its own, no file to share
CELERY_BEAT_SCHEDULE = {
    "requeue-lapsed-jobs": {"task": "generation.requeue_jobs", "schedule": max(1.0, JOB_LEASE_SECONDS / 3)},
    "build-comparisons": {"task": "comparisons.build_comparisons", "schedule": 15.0},
    "apply-rules": {"task": "comparisons.apply_rules", "schedule": 300.0},
    "release-expired-assignments": {"task": "comparisons.release_expired_assignments", "schedule": 30.0},
    # Late ones are dropped: what was due then is due in the next.
    "compute-due": {"task": "analysis.compute_due", "schedule": 60.0, "options": {"expires": 60.0}},
}

if HTTPS and DEBUG:
    raise ImproperlyConfigured("DEBUG and HTTPS are both on: a public site must not show tracebacks.")
