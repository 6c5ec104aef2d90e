"""Create frozen values quickly.

The constructors that Python generates for named tuples and frozen dataclasses are functions of
Python. A delivery creates a dozen of these values, and without these two that is 5 of its 35 us.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["draft_class", "new_object", "new_tuple", "slot_setters"]

Kind = TypeVar("Kind")
T = TypeVar("T", bound=tuple[Any, ...])  # Any: named tuples have fields of any types.

if TYPE_CHECKING:

    def new_tuple(named: type[T], values: tuple[object, ...], /) -> T:
        """Create a named tuple from all its values: ``new_tuple(Point, (1, 2))``."""
        ...

    def new_object(kind: type[Kind], /) -> Kind:
        """Create an object of *kind* whose attributes are not set."""
        ...

else:
    new_tuple = tuple.__new__
    new_object = object.__new__


def slot_setters(frozen: type) -> list[Callable[[object, object], None]]:
    """Return what sets each slot of a new object of a *frozen* dataclass, for its __init__."""
    return [getattr(frozen, each.name).__set__ for each in fields(frozen)]


def draft_class(frozen: type) -> Any:  # Any: its objects become those of *frozen*.
    """Return a class with the slots of a *frozen* dataclass, to create its objects quickly.

    An object of it is set slot by slot, and then assigned its class: a third of the time of a call
    of the constructor.
    """
    slots = tuple(each.name for each in fields(frozen))
    doc = f"Slots that become a {frozen.__name__}."
    return type(f"{frozen.__name__}Draft", (), {"__slots__": slots, "__doc__": doc})
