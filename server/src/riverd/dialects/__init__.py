"""How clients speak: pure codecs from bytes to commands and back."""

from riverd.dialects.interface import Dialect

__all__ = ["Dialect"]
