from pathlib import Path

import pytest

from development.options import Exchange, OptionError, read_options


@pytest.fixture
def recording_folder(tmp_path: Path) -> Path:
    (tmp_path / "2030-01-02_ticker24hr_full_3.json").write_text("[]")
    (tmp_path / "2030-01-02_exchangeInfo_full_3.json").write_text("{}")
    return tmp_path


def test_without_variables_the_exchange_is_chosen_at_the_start_and_the_port_is_8000():
    options = read_options({})
    assert (options.exchange, options.port, options.recording) == (Exchange.AUTO, 8000, None)


def test_an_empty_variable_counts_as_not_set():
    assert read_options({"EXCHANGE": "", "PORT": " ", "RECORDING": ""}) == read_options({})


@pytest.mark.parametrize("word", ["live", "LIVE", " Live "])
def test_the_exchange_is_named_in_any_case(word: str):
    assert read_options({"EXCHANGE": word}).exchange is Exchange.LIVE


def test_an_unknown_exchange_is_refused_with_the_choices():
    with pytest.raises(OptionError, match=r"EXCHANGE=kraken is none of auto, live, simulator\. Write"):
        read_options({"EXCHANGE": "kraken"})


@pytest.mark.parametrize("text", ["0", "65536", "-1", "eighty", "80.5", "²"])
def test_what_is_no_port_is_refused_with_an_example(text: str):
    with pytest.raises(OptionError, match=r"is not a port between 1 and 65535\. Write for example PORT=8001"):
        read_options({"PORT": text})


def test_a_recording_of_any_date_is_found_by_what_its_files_are_called(recording_folder: Path):
    recording = read_options({"RECORDING": str(recording_folder)}).recording
    assert recording is not None
    assert recording.tickers == recording_folder / "2030-01-02_ticker24hr_full_3.json"
    assert recording.exchange_info == recording_folder / "2030-01-02_exchangeInfo_full_3.json"


def test_asking_for_a_recording_asks_for_the_simulator(recording_folder: Path):
    assert read_options({"RECORDING": str(recording_folder)}).exchange is Exchange.SIMULATOR


def test_a_recording_and_the_live_exchange_exclude_each_other(recording_folder: Path):
    with pytest.raises(OptionError, match="EXCHANGE=live and RECORDING exclude each other"):
        read_options({"RECORDING": str(recording_folder), "EXCHANGE": "live"})


def test_a_recording_that_is_no_folder_is_refused(tmp_path: Path):
    with pytest.raises(OptionError, match="absent is not a folder"):
        read_options({"RECORDING": str(tmp_path / "absent")})


@pytest.mark.parametrize("present", ["x_ticker24hr_full.json", "x_exchangeInfo_full.json"])
def test_half_a_recording_is_refused_and_the_missing_half_named(tmp_path: Path, present: str):
    (tmp_path / present).write_text("{}")
    missing = r"\*exchangeInfo\*\.json" if "ticker" in present else r"\*ticker24hr\*\.json"
    with pytest.raises(OptionError, match=f"holds no file {missing}"):
        read_options({"RECORDING": str(tmp_path)})


def test_two_recordings_in_one_folder_are_refused_by_name(recording_folder: Path):
    (recording_folder / "2031-05-06_ticker24hr.json").write_text("[]")
    with pytest.raises(OptionError, match=r"more than one file .*2030-01-02_ticker24hr.*2031-05-06_ticker24hr"):
        read_options({"RECORDING": str(recording_folder)})
