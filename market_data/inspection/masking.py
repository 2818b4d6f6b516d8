"""Addresses without the passwords that they hold. Pure; rather too much is hidden than too little."""

import re

MASK = "********"
NOT_SET = "not set"
_USER = re.compile(r"(?<=://).*@", re.DOTALL)
_OPTION = re.compile(r"(?<==)[^&]*")
_HARMLESS = re.compile(r"\d{1,12}(\.\d{1,6})?|true|false", re.IGNORECASE | re.ASCII)


def masked(text: str) -> str:
    """Return one address with user name, password and odd options blacked out; what is no address wholly so."""
    if not text:
        return NOT_SET
    if "://" not in text:
        return MASK
    address, mark, options = _USER.sub(f"{MASK}@", text).partition("?")
    return address + mark + _OPTION.sub(_masked_option, options)


def _masked_option(found: re.Match[str]) -> str:
    return found[0] if _HARMLESS.fullmatch(found[0]) else MASK
