"""The API: its operations together, and their description as OpenAPI."""

from __future__ import annotations

from functools import cache
from typing import Any

from ninja import NinjaAPI

from api import exclusions, images, me, reports, results, studies, votes
from api.access import AccessToken
from api.problems import say_so

PREFIX = "/api/v1/"
DESCRIPTION = """\
Studies, their progress, results, votes and images for programs.

Make a token on your account page and send it with every request: `Authorization: Bearer evalsite_…`. A token may do \
what its person may do in a study and its scopes allow; a study in which the person takes no part does not exist for it.

Whatever goes wrong is told in one sentence: `{"error": "…"}`. Lists come in pages of 1 to 1000: ask on with \
`cursor=next_cursor` until it is null. All numbers are those of the site's own pages. There is no limit of requests.
"""

api = NinjaAPI(
    title="Evalsite",
    version="1",
    description=DESCRIPTION,
    auth=AccessToken(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="api-v1",
)
say_so(api)
for room in (me, studies, results, votes, images, exclusions, reports):
    api.add_router("", room.router)


@cache
def schema() -> dict[str, Any]:
    return dict(api.get_openapi_schema(path_prefix=PREFIX))
