"""What a test opens and `with` closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """`with Thing() as thing:` closes it at the end, however that comes."""

    @abstractmethod
    def close(self) -> None:
        """Give back all that is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
