"""A bucket of the tests' S3 server, seen from outside the site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

PREFIX = "studies/2023"


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    name: str

    @cached_property
    def client(self) -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")

    @property
    def url(self) -> str:
        """What IMAGE_STORAGE holds."""
        return f"s3://{self.name}/{PREFIX}?endpoint_url={self.endpoint}&region=us-east-1"

    def storages(self, **changes: object) -> dict[str, Any]:
        """Django's setting, as the site makes it of that."""
        options = {
            "bucket_name": self.name,
            "location": PREFIX,
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
        }
        return {"default": {"BACKEND": "generation.s3.S3ImageStorage", "OPTIONS": options | changes}}

    def files(self) -> dict[str, bytes]:
        """Name below the prefix, and content."""
        listed = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        assert all(key.startswith(f"{PREFIX}/") for key in keys)
        bodies = {key: self.client.get_object(Bucket=self.name, Key=key)["Body"] for key in keys}
        return {key.removeprefix(f"{PREFIX}/"): body.read() for key, body in bodies.items()}

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=f"{PREFIX}/{name}")

    def ask_for_known_keys(self, known: bool) -> None:
        """Whether the server refuses credentials that it does not know, which is all."""
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data=b"0" if known else b"inf", timeout=10)
