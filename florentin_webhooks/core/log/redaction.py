"""What is logged of an exception: its type and its frames, never its text or the frames' values.

Both may quote a payload. Tools that take a record's ``exc_info`` read both, so they get a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from types import FrameType, FunctionType, GeneratorType, TracebackType
from typing import Any, cast

__all__ = ["error_location", "redact"]

_PACKAGE = __name__.partition(".")[0] + "."
_DEEPEST = 10
"""The most exceptions of a chain or group, one below the other, that are copied."""


def error_location(error: BaseException, module: str = "") -> str:
    """Return file name and line of the innermost frame in *module*, or else of all; or "?"."""
    frames = [each for cause in _chain(error) for each in _walk(cause.__traceback__)]
    own = [each for each in frames if each.tb_frame.f_globals.get("__name__") == module]
    for each in reversed(own or list(_walk(error.__traceback__))):
        return f"{each.tb_frame.f_code.co_filename.rpartition('/')[2]}:{each.tb_lineno}"
    return "?"


def redact(error: BaseException, depth: int = _DEEPEST) -> BaseException:
    """Return a copy of *error* without its text, with frames that have no values.

    What it was raised from or with is copied, too. Frames of this package that lead to the first
    foreign one are left out.
    """
    copy = _copy_type(error, depth).with_traceback(_copy_frames(error.__traceback__))
    if depth:
        cause, context = error.__cause__, error.__context__
        copy.__cause__ = cause and redact(cause, depth - 1)
        copy.__context__ = copy.__cause__ if context is cause else context and redact(context, 0)
    copy.__suppress_context__ = error.__suppress_context__
    return copy


def _copy_type(error: BaseException, depth: int) -> BaseException:
    kind = type(error)
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    if not isinstance(error, BaseExceptionGroup) or not depth:
        return cast("BaseException", type(kind.__name__, (Exception,), names)())
    group = cast("BaseExceptionGroup[BaseException]", error)
    inner = [redact(each, depth - 1) for each in group.exceptions]
    made: Any = type(kind.__name__, (ExceptionGroup,), names)  # Any: the class is made here.
    return cast("BaseException", made("", inner))


def _copy_frames(trace: TracebackType | None) -> TracebackType | None:
    frames = list(_walk(trace))
    foreign = (n for n, each in enumerate(frames) if not _is_ours(each.tb_frame))
    copied: TracebackType | None = None
    for each in reversed(frames[next(foreign, 0) :]):
        copied = TracebackType(copied, _copy_frame(each.tb_frame), -1, each.tb_lineno)
    return copied


def _empty() -> Generator[None]:
    yield


def _copy_frame(frame: FrameType) -> FrameType:
    """Return a frame of the same place: that of a generator which has not started."""
    code = frame.f_code
    place = _empty.__code__.replace(
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
    )
    names = {"__name__": frame.f_globals.get("__name__", "?")}
    start = cast("Callable[[], GeneratorType[None, None, None]]", FunctionType(place, names))
    return cast("FrameType", start().gi_frame)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(_PACKAGE)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield what *error* was raised from, the first cause first, and *error* last."""
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found and len(found) < _DEEPEST:
        found.append(each)
        each = each.__cause__ or each.__context__
    return reversed(found)


def _walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
