from tests.drills.conftest import Hall


def test_the_hall_serves_what_its_fetcher_fetches(hall: Hall) -> None:
    hall.start()

    assert hall.outcomes() == {"BTC/USDT": "ok", "ETH/USDT": "ok"}
    assert max(hall.ages_ms().values()) < 4_000
