"""The environment: every variable documented, every bad value refused with a sentence before anything starts."""

from __future__ import annotations

import os
import re
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from evalsite import environment

ROOT = Path(__file__).parents[1]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Read the settings afresh, with these variables and no others."""
    for name in environment.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    def start(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "evalsite" / "settings.py"))

    return start


HOSTS = "comma-separated host names that the site answers to (default: localhost,127.0.0.1,[::1])"
ORIGINS = "comma-separated origins with scheme, for a site behind a proxy (default: none)"
DATABASES = "sqlite:///FILE or postgres://USER:PASSWORD@HOST/NAME (default: SQLite in DATA_DIR)"
BROKERS = "redis://HOST/0, rediss:// or redis+socket://FILE (default: a socket in DATA_DIR)"
BUCKETS = "s3://BUCKET/PREFIX, perhaps with ?endpoint_url=URL&region=NAME (default: images/ in DATA_DIR)"
ONLY_TWO = "only SQLite and PostgreSQL keep the promises that quotas and votes rest on"
BUCKET_NAME = "a bucket's name has 3 to 63 lower-case letters, digits, '-' and '.'"
ENDPOINT = "endpoint_url is http:// or https:// with a host and perhaps a port"
REGION = "region is one word, such as eu-central-1"
ONLY_REDIS = "other brokers lose messages when a process is killed"
BAD = [
    ("DATABASE_URL", "mysql://host/name", f": {ONLY_TWO}. Expected: {DATABASES}."),
    ("DATABASE_URL", "evalsite.sqlite3", f": {ONLY_TWO}. Expected: {DATABASES}."),
    ("CELERY_BROKER_URL", "amqp://host", f": {ONLY_REDIS}. Expected: {BROKERS}."),
    ("CELERY_BROKER_URL", "localhost:6379", f": {ONLY_REDIS}. Expected: {BROKERS}."),
    ("IMAGE_STORAGE", "/srv/images", f": only S3 is known. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "gs://bucket", f": only S3 is known. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3://Bucket", f": {BUCKET_NAME}. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3:///images", f": {BUCKET_NAME}. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3://bucket?key=x", f": key is not known. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3://bucket?endpoint_url=minio:9000", f": {ENDPOINT}. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3://bucket?endpoint_url=", f": {ENDPOINT}. Expected: {BUCKETS}."),
    ("IMAGE_STORAGE", "s3://bucket?region=a&region=b", f": {REGION}. Expected: {BUCKETS}."),
    ("DEBUG", "maybe", ": allowed are on and off."),
    ("HTTPS", "2", ": allowed are on and off."),
    ("JOB_LEASE_SECONDS", "1", ": a whole number from 2 to 604800 is needed."),
    ("JOB_LEASE_SECONDS", "90s", ": a whole number from 2 to 604800 is needed."),
    ("GENERATION_BATCH_SIZE", "0", ": a whole number from 1 to 1024 is needed."),
    ("ASSIGNMENT_LEASE_SECONDS", "-600", ": a whole number from 2 to 604800 is needed."),
    ("ASSIGNMENT_LEASE_SECONDS", "600.5", ": a whole number from 2 to 604800 is needed."),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD, ids=[f"{name}={value}" for name, value, _ in BAD])
def test_a_bad_value_stops_the_start(start: Any, name: str, value: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(**{name: value})
    assert str(refusal.value) == f"{name}={value!r}{reason}"


@pytest.mark.parametrize(
    ("name", "value", "word", "expected"),
    [
        ("ALLOWED_HOSTS", "localhost,https://evalsite.example", "https://evalsite.example", HOSTS),
        ("ALLOWED_HOSTS", "evalsite.example:8000", "evalsite.example:8000", HOSTS),
        ("ALLOWED_HOSTS", "evalsite.example localhost", "evalsite.example localhost", HOSTS),
        ("CSRF_TRUSTED_ORIGINS", "evalsite.example", "evalsite.example", ORIGINS),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example,https://b.example/x", "https://b.example/x", ORIGINS),
    ],
)
def test_a_bad_word_in_a_list_stops_the_start(start: Any, name: str, value: str, word: str, expected: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(**{name: value})
    assert str(refusal.value) == f"{name} holds {word!r}. Expected: {expected}."


def test_a_refused_address_does_not_show_its_password(start: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(DATABASE_URL="mysql://ada:secret@db.example/votes")
    assert str(refusal.value) == f"DATABASE_URL='mysql://...@db.example/votes': {ONLY_TWO}. Expected: {DATABASES}."


def test_a_database_url_that_is_no_url_stops_the_start(start: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(DATABASE_URL="postgres://host:port/name")
    assert str(refusal.value).startswith("DATABASE_URL='postgres://host:port/name': This string is not a valid url, ")
    assert str(refusal.value).endswith(f"quote()'ed. Expected: {DATABASES}.")


def test_a_data_folder_that_is_a_file_stops_the_start(start: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(DATA_DIR=str(file))
    assert str(refusal.value) == f"DATA_DIR={file}: cannot be made or used (File exists)."


def test_a_public_site_needs_a_key_of_its_own(start: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(ALLOWED_HOSTS="evalsite.example")
    assert str(refusal.value) == (
        "SECRET_KEY is not set: a site with public ALLOWED_HOSTS and DEBUG off needs its own. "
        'Make one with: python -c "import secrets; print(secrets.token_urlsafe(64))"'
    )
    assert not (tmp_path / "data" / "secret-key").exists()
    assert start(SECRET_KEY="s" * 50)["SECRET_KEY"] == "s" * 50


def test_a_public_site_shows_no_tracebacks(start: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(DEBUG="on", HTTPS="on")
    assert str(refusal.value) == "DEBUG and HTTPS are both on: a public site must not show tracebacks."


def test_a_local_key_is_made_once_and_readable_by_its_owner_alone(start: Any, tmp_path: Path) -> None:
    key = start()["SECRET_KEY"]
    file = tmp_path / "data" / "secret-key"
    assert len(key) >= 50
    assert file.read_text() == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert start()["SECRET_KEY"] == key
    assert sorted(path.name for path in file.parent.iterdir()) == ["secret-key"]
    assert start(SECRET_KEY="s" * 50)["SECRET_KEY"] == "s" * 50


def test_what_is_not_said_is_safe(start: Any, tmp_path: Path) -> None:
    settings = start()
    data = tmp_path / "data"
    assert settings["DATA_DIR"] == data
    assert settings["DEBUG"] is False
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == []
    assert settings["DATABASES"]["default"]["NAME"] == str(data / "evalsite.sqlite3")
    assert settings["CELERY_BROKER_URL"] == f"redis+socket://{data}/broker.sock"
    assert settings["MEDIA_ROOT"] == data / "images"
    assert (settings["JOB_LEASE_SECONDS"], settings["ASSIGNMENT_LEASE_SECONDS"]) == (90, 600)
    assert settings["GENERATION_BATCH_SIZE"] == 1
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is False
    assert settings["SESSION_COOKIE_HTTPONLY"] is settings["CSRF_COOKIE_HTTPONLY"] is True


def test_images_are_in_a_folder_or_a_bucket(start: Any) -> None:
    assert start()["STORAGES"]["default"] == {"BACKEND": "generation.storage.AtomicFileSystemStorage"}
    plain = start(IMAGE_STORAGE="s3://my-bucket")["STORAGES"]["default"]
    assert plain["OPTIONS"] == {
        "bucket_name": "my-bucket",
        "location": "",
        "endpoint_url": None,
        "region_name": None,
    }
    url = "s3://my.bucket/a/b/?endpoint_url=https://minio.example:9000&region=eu-central-1"
    assert start(IMAGE_STORAGE=url)["STORAGES"]["default"] == {
        "BACKEND": "generation.s3.S3ImageStorage",
        "OPTIONS": {
            "bucket_name": "my.bucket",
            "location": "a/b",
            "endpoint_url": "https://minio.example:9000",
            "region_name": "eu-central-1",
        },
    }


def test_a_public_site_is_served_by_https(start: Any) -> None:
    settings = start(
        ALLOWED_HOSTS="evalsite.example, www.evalsite.example",
        SECRET_KEY="s" * 50,
        CSRF_TRUSTED_ORIGINS="https://evalsite.example,https://www.evalsite.example:8443",
    )
    assert settings["ALLOWED_HOSTS"] == ["evalsite.example", "www.evalsite.example"]
    assert (
        settings["SECURE_SSL_REDIRECT"] is settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True
    )
    assert settings["SECURE_HSTS_SECONDS"] > 0
    assert start(HTTPS="off")["SECURE_SSL_REDIRECT"] is False


@pytest.mark.parametrize("hosts", ["*", ".evalsite.example", "192.0.2.7", "[2001:db8::7]", "evalsite", "my_host"])
def test_hosts_that_are_public(start: Any, hosts: str) -> None:
    assert start(ALLOWED_HOSTS=hosts, SECRET_KEY="s" * 50)["HTTPS"] is True


@pytest.mark.parametrize(("value", "on"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("", False)])
def test_switches(start: Any, value: str, on: bool) -> None:
    assert start(DEBUG=value)["DEBUG"] is on


def test_writers_of_sqlite_wait_for_each_other_and_lose_nothing(start: Any) -> None:
    options = start()["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"]


def test_postgres_is_understood(start: Any) -> None:
    database = start(DATABASE_URL="postgres://ada:secret@db.example:5433/votes")["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["HOST"], database["PORT"], database["NAME"]) == (
        "ada",
        "db.example",
        5433,
        "votes",
    )


def test_keys_of_hosted_apis(start: Any) -> None:
    assert start()["ENDPOINT_KEYS"] == {}
    started = start(ENDPOINT_KEYS="A_KEY@a.example, B_KEY@localhost:8080", A_KEY=" sk-1 ", B_KEY="sk-2")
    assert started["ENDPOINT_KEYS"] == {"A_KEY": ("a.example", "sk-1"), "B_KEY": ("localhost:8080", "sk-2")}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("sk-secret", ": entry 1 is not NAME@host. Expected: comma-separated NAME@host: "),
        ("A_KEY@a.example,sk-secret@b.example", ": entry 2 is not NAME@host. Expected: "),
        ("A_KEY@https://a.example", ": entry 1 is not NAME@host. Expected: "),
        ("SECRET_KEY@a.example", ": SECRET_KEY is a setting of the site and is never sent to a.example."),
        ("A_KEY@a.example,A_KEY@b.example", " lists A_KEY twice: a key has one host."),
        ("C_KEY@a.example", " lists C_KEY, which is not set to one line of plain characters."),
        ("D_KEY@a.example", " lists D_KEY, which is not set to one line of plain characters."),
    ],
)
def test_bad_keys_of_hosted_apis(start: Any, value: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        start(ENDPOINT_KEYS=value, A_KEY="sk-secret", D_KEY="sk-secret\nmore")
    assert str(refusal.value).startswith(f"ENDPOINT_KEYS{reason}")
    assert "secret" not in str(refusal.value)


def test_every_variable_is_documented() -> None:
    page = (ROOT / "docs" / "running-a-study.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(environment.VARIABLES)


def test_only_the_settings_read_the_environment() -> None:
    settings = (ROOT / "evalsite" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', settings))
    assert read == set(environment.VARIABLES)
    for room in ("analysis", "comparisons", "generation", "people", "studio", "api"):
        for file in (ROOT / room).rglob("*.py"):
            assert not re.search(r"\bos\.(environ|getenv)", file.read_text(encoding="utf-8")), file


def test_a_variable_that_is_not_documented_cannot_be_read() -> None:
    with pytest.raises(KeyError, match=r"COLOUR is not documented in evalsite/environment\.py"):
        environment.text("COLOUR", "red")


def test_a_command_with_a_bad_setting_says_one_sentence(tmp_path: Path) -> None:
    environ = os.environ | {"DATA_DIR": str(tmp_path), "DEBUG": "maybe"}
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "DEBUG='maybe': allowed are on and off.\n")
