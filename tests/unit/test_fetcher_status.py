import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.ticker_cache.status import FetcherStatus

STATUSES = st.from_type(FetcherStatus)


@given(STATUSES)
def test_a_status_means_the_same_to_the_process_that_reads_it(status):
    assert FetcherStatus.decode(status.encode()) == status


@given(STATUSES)
def test_a_status_of_a_version_that_tells_more_is_still_read(status):
    more = msgspec.json.decode(status.encode()) | {"somethingNew": {"nested": [1]}}

    assert FetcherStatus.decode(msgspec.json.encode(more)) == status


@pytest.mark.parametrize("raw", [None, b"", b"null", b"{}", b"[]", b"nonsense", b"[" * 100_000, b'{"startedAt":"1"}'])
def test_what_is_no_status_reads_as_none(raw):
    assert FetcherStatus.decode(raw) is None
