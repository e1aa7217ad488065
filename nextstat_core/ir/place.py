"""Where in a model something is, in the words that messages use."""

__all__ = ["at_bin", "at_channel", "at_modifier", "at_parameter", "at_sample"]


def at_channel(channel: str) -> str:
    """Name a channel."""
    return f"channel {channel!r}"


def at_sample(channel: str, sample: str) -> str:
    """Name a sample of a channel."""
    return f"channel {channel!r}, sample {sample!r}"


def at_modifier(channel: str, sample: str, modifier: str, kind: str) -> str:
    """Name a modifier of a sample."""
    return f"channel {channel!r}, sample {sample!r}, modifier {modifier!r} ({kind})"


def at_parameter(name: str) -> str:
    """Name a parameter."""
    return f"parameter {name!r}"


def at_bin(place: str, index: int) -> str:
    """Add a bin to `place`; bins count from 0, as the indices in parameter names do."""
    return f"{place}, bin {index}"
