"""Which exchange a recording is of, and its market."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from exchange_simulator.formats import FORMATS
from exchange_simulator.market import MarketSource
from exchange_simulator.recording import RecordingError


def recorded_exchange(tickers: Path | None, lists: Mapping[str, Path | None], served: Sequence[str]) -> str | None:
    """Return the exchange that these files are of, None where there is no file; raise RecordingError for nonsense.

    `lists` are the recorded lists of markets by exchange: the one that is given says whose recording it is.
    """
    given = [name for name, file in lists.items() if file is not None]
    if tickers is None and not given:
        return None
    options = ", ".join(FORMATS[name].list_option for name in served)
    if len(given) > 1 or (not given and len(served) > 1):
        raise RecordingError(f"A recording is of one exchange: give one of {options}, and --tickers FILE.")
    name = given[0] if given else served[0]
    form = FORMATS[name]
    if name not in served:
        raise RecordingError(f"{form.list_option} is for {name}, which is not served here.")
    if tickers is None or (form.is_list_needed and not given):
        raise RecordingError(f"A recording takes two files: give both --tickers FILE and {form.list_option} FILE.")
    return name


def read_recorded_market(name: str, tickers: Path | None, markets: Path | None) -> MarketSource:
    try:
        return FORMATS[name].read_recording(tickers, markets)
    except RecordingError as error:
        raise RecordingError(f"The recording cannot be served: {error}.") from error
