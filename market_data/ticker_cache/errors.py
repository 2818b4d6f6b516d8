"""Why the cache could not do what was asked."""


class CacheUnavailableError(Exception):
    """Redis cannot be reached or refuses to serve; the message says which, without address or password."""


class LeaseLostError(Exception):
    """The write was refused, because another fetcher is active by now."""
