"""How clients speak: pure codecs from bytes to commands and back."""

from riverd.protocols.interface import Dialect

__all__ = ["Dialect"]
