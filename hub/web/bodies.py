"""Request bodies that are not JSON."""

from typing import Annotated, Any

from fastapi import Depends, Request


async def _read(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_read)]
"""The body as it came; the listener's limits hold for it."""


def raw_body_of(*media_types: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of such a body."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}
