"""One family of errors, each with its HTTP status, a stable id and the words a person gets."""

from __future__ import annotations


class AppError(Exception):
    """Something that was asked for cannot be done.

    `status` is the HTTP status an edge answers with, `error_id` is stable and part of the API, `zh` and `en` are the
    words shown to people, `details` are data for logs and clients (never secrets or medical data).
    """

    status = 400
    error_id = "bad_request"

    def __init__(self, zh: str, en: str, **details: object) -> None:
        super().__init__(f"{self.error_id}: {en}")
        self.zh = zh
        self.en = en
        self.details = details


class Invalid(AppError):
    """An input is outside its bounds."""

    status = 422
    error_id = "invalid"


class NotFound(AppError):
    """The thing is not there, or this actor may not know that it is."""

    status = 404
    error_id = "not_found"


class Forbidden(AppError):
    """The actor is known and may not do this."""

    status = 403
    error_id = "forbidden"


class Conflict(AppError):
    """The thing has moved on: someone else was first, or its state does not allow this step."""

    status = 409
    error_id = "conflict"
