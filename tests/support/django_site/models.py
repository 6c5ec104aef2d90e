"""What the handlers do."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Effect(models.Model):
    """One effect of a handler, and where it ran."""

    text: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Effect]] = models.Manager()

    def __str__(self) -> str:
        return self.text
