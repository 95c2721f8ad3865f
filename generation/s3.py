"""Images in an S3 bucket instead of a folder; imported only where IMAGE_STORAGE says so."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage

from generation.storage import StorageUnavailable

_REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}


class S3ImageStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Each object is written by one request, so it appears whole or not at all, and read by one.

    Its name is the hash of its content, so whoever else writes it now writes the same. Every failure of the
    service is a StorageUnavailable.
    """

    def __init__(self, **options: Any) -> None:
        config = Config(
            # Buckets as subdomains need a DNS that only the large providers have.
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            request_checksum_calculation="when_required",  # other services than Amazon's refuse the newer ones
            response_checksum_validation="when_required",
        )
        super().__init__(**options, client_config=config)

    @property
    def address(self) -> str:
        return f"s3://{self.bucket_name}/{self.location}".rstrip("/")

    def exists(self, name: str) -> bool:
        with self._explained():
            return bool(super().exists(name))

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        client = self.connection.meta.client
        with self._explained():
            try:
                answer = client.get_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
            except client.exceptions.NoSuchKey:
                raise FileNotFoundError(errno.ENOENT, "There is no such object", f"{self.address}/{name}") from None
            return ContentFile(answer["Body"].read(), name=name)

    def _save(self, name: str, content: File[bytes]) -> str:
        key, parameters = self._normalize_name(name), self._get_write_parameters(name, content)
        with self._explained():
            self.connection.meta.client.put_object(Bucket=self.bucket_name, Key=key, Body=content.read(), **parameters)
        return name

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailable(f"The images in {self.address} cannot be reached: {_reason(error)}.") from error


def _reason(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, NoCredentialsError):
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
    if not isinstance(error, ClientError):
        return str(error).rstrip(".")
    found = error.response["Error"]
    if found["Code"] in _REFUSED:
        needed = "s3:GetObject, s3:PutObject and s3:ListBucket are needed"
        return f"the service refuses the credentials ({found['Code']}); {needed}"
    if found["Code"] == "NoSuchBucket":
        return "there is no such bucket"
    return f"{found['Code']}, {found.get('Message', '')}".rstrip(" .,")
