"""Redacted exceptions: types and places stay, texts and values do not."""

from __future__ import annotations

import traceback

from florentin_webhooks.core.log.redaction import error_location, redact

PRIVATE = "hush"  # Tracebacks quote the lines of the code, but not this one.


def raise_with(secret: str) -> None:
    raise KeyError(secret)


def wrap(secret: str) -> None:
    try:
        raise_with(secret)
    except KeyError as error:
        error.add_note(secret)
        raise ValueError(secret) from error


def caught() -> ValueError:
    try:
        wrap(PRIVATE)
    except ValueError as error:
        return error
    raise AssertionError


def shown(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_redacted_error_keeps_types_places_and_causes() -> None:
    text = shown(redact(caught()))
    frames = [line.rpartition(" in ")[2] for line in text.splitlines() if line.startswith("  File")]
    assert frames == ["wrap", "raise_with", "caught", "wrap"]
    assert "\nKeyError\n\nThe above exception was the direct cause" in text
    assert text.endswith("\nValueError\n")
    assert "raise ValueError(secret) from error" in text


def test_redacted_error_has_no_text_and_no_values() -> None:
    assert "hush" in shown(caught())
    assert "hush" not in shown(redact(caught()))


def test_redacted_group_keeps_its_parts() -> None:
    group = ExceptionGroup("hush", [caught(), ExceptionGroup("hush", [OSError("hush")])])
    text = shown(redact(group))
    assert "hush" not in text
    assert text.count("ExceptionGroup") == 2
    assert "OSError" in text


def test_error_that_causes_itself_is_redacted() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert type(redact(first)).__name__ == "ValueError"
    assert error_location(first) == "?"


def test_location_is_the_innermost_frame_of_the_module() -> None:
    line = raise_with.__code__.co_firstlineno
    cause = caught().__cause__
    assert cause is not None
    assert error_location(cause, __name__) == f"test_redaction.py:{line + 1}"
    assert error_location(cause, "elsewhere") == f"test_redaction.py:{line + 1}"
