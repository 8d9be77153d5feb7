"""Logs: readable by people or by machines, and without a secret whatever is logged."""

import io
import json
import logging
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.observe.logs import MASKED, Mask, configure

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """Only our handler sees what is logged here: pytest's own keeps records that no report can be made of."""
    root = logging.getLogger()
    level = root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if handler.get_name() != "chat2ga"]
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def written(style, log, *, level="info", secrets=(), process=None, stream=None):
    stream = stream or io.StringIO()
    logging.getLogger().handlers.clear()
    configure(level, style, secrets=secrets, process=process, stream=stream)
    log(logging.getLogger("streams.test"))
    return stream.getvalue()


SECRET = "Zq9-_xW4"


@pytest.mark.parametrize(
    "text",
    [
        f"POST https://www.google-analytics.com/mp/collect?measurement_id=G-1&api_secret={SECRET}",
        f"POST https://x/mp/collect?api_secret={SECRET}&measurement_id=G-1",
        f"next=https%3A%2F%2Fx%2F%3Fapi_secret%3D{SECRET}",
        f"URL('https://x/?api_secret={SECRET}')",
        f'{{"api_secret": "{SECRET}"}}',
        f"{{'sasl_plain_password': '{SECRET}'}}",
        f"{{'sasl_plain_password': b'{SECRET}'}}",
        f"CHAT2GA_BROKER_PASSWORD={SECRET}",
        f"Password: {SECRET}",
        f'password = "two words {SECRET}"',
        f'password = "a quote \\" and {SECRET}"',
        f"passwd={SECRET};",
        f"kafka://worker:{SECRET}@broker:9092",
        f"api_secret={SECRET} and again api_secret={SECRET}",
    ],
)
@pytest.mark.parametrize("style", ["console", "json"])
def test_no_secret_is_written_where_one_stands_by_its_name(style, text):
    for log in (
        lambda logger: logger.error(text),
        lambda logger: logger.error("%s", text),
        lambda logger: logger.error("extra", extra={"url": text}),
        lambda logger: logger.error("with a traceback", exc_info=ValueError(text)),
    ):
        assert SECRET not in written(style, log)
    assert SECRET not in written(style, lambda logger: logger.error(text), stream=Terminal())


@given(st.text(alphabet="ab", min_size=1, max_size=4), st.text(alphabet="ab c", max_size=12))
def test_a_known_secret_is_hidden_wherever_it_turns_up(secret, text):
    assert secret not in Mask([secret, secret * 2, ""])(text + secret + text)


def test_of_two_known_secrets_the_longer_is_hidden_whole():
    assert Mask(["abc", "abcdef"])("abcdef abc") == f"{MASKED} {MASKED}"


@pytest.mark.parametrize(
    "text", ["no_secret: 3 receipts", "see api_secrets in accounts.toml", "https://host:8080/a@b", "12:30:00 done"]
)
def test_what_is_no_secret_stands_as_it_was(text):
    assert Mask()(text) == text


def test_a_field_whose_name_is_a_secrets_is_not_written():
    line = written("json", lambda logger: logger.info("set", extra={"broker_password": f"two {SECRET}"}))
    assert json.loads(line)["broker_password"] == MASKED


def test_a_json_line_holds_time_level_logger_message_and_fields():
    line = written("json", lambda logger: logger.warning("%d runs", 3, extra={"topic": "t", "partition": 2}))
    shown = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown.pop("time"))
    assert shown == {
        "level": "warning",
        "logger": "streams.test",
        "message": "3 runs",
        "topic": "t",
        "partition": 2,
    }


@pytest.mark.parametrize("process", ["supervisor", "0", "12"])
def test_of_several_processes_each_line_tells_which(process):
    plain = written("console", lambda logger: logger.info("hello"), process=process)
    assert plain.endswith(f"Z INFO    [{process}] streams.test: hello\n")
    on_a_terminal = written("console", lambda logger: logger.info("hello"), process=process, stream=Terminal())
    assert f"[{process}] streams.test: hello" in ANSI.sub("", on_a_terminal)
    assert json.loads(written("json", lambda logger: logger.info("hello"), process=process))["process"] == process


def test_of_one_process_no_line_tells():
    assert " INFO    streams.test: hello" in written("console", lambda logger: logger.info("hello"))
    assert "process" not in json.loads(written("json", lambda logger: logger.info("hello")))


def test_a_traceback_and_a_newline_stay_inside_one_json_line():
    written_text = written(
        "json", lambda logger: logger.error("two\nlines \ud800", exc_info=KeyError("k"), stack_info=True)
    )
    (line,) = written_text.splitlines()
    shown = json.loads(line)
    assert shown["message"] == "two\nlines \\ud800"
    assert "KeyError: 'k'" in shown["exception"]
    assert shown["stack"].startswith("Stack")


def test_a_text_from_outside_begins_no_line_and_colours_no_terminal():
    line = written("console", lambda logger: logger.info("a\n2026-01-01 ERROR forged \x1b[31mred"))
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert line.endswith("streams.test: a\\x0a2026-01-01 ERROR forged \\x1b[31mred\n")


def test_a_console_line_is_plain_in_a_pipe_and_coloured_on_a_terminal():
    plain = written("console", lambda logger: logger.info("hello"))
    assert re.fullmatch(r"\S+T\S+Z INFO    streams\.test: hello\n", plain)
    coloured = written("console", lambda logger: logger.info("hello"), stream=Terminal())
    assert ANSI.search(coloured)
    assert "streams.test: hello" in ANSI.sub("", coloured)


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.http11"])
def test_httpx_writes_no_url_at_any_level(name, level):
    text = written("console", lambda _: logging.getLogger(name).info("HTTP Request: POST https://x"), level=level)
    assert not text


@pytest.mark.parametrize(
    ("level", "said", "shown"),
    [
        ("debug", logging.DEBUG, False),
        ("debug", logging.INFO, True),
        ("info", logging.INFO, False),
        ("info", logging.WARNING, True),
        ("warning", logging.WARNING, True),
        ("error", logging.WARNING, False),
        ("error", logging.ERROR, True),
    ],
)
@pytest.mark.parametrize("name", ["faust.app.base", "mode.services", "aiokafka.consumer.group_coordinator"])
def test_the_libraries_are_one_level_quieter_than_we_are(name, level, said, shown):
    text = written("console", lambda _: logging.getLogger(name).log(said, "chatter"), level=level)
    assert bool(text) is shown


def test_our_own_level_is_the_one_asked_for():
    def log(logger):
        logger.info("info")
        logger.warning("warning")

    assert "info" not in written("console", log, level="warning")
    assert "warning" in written("console", log, level="warning")


def test_set_up_again_writes_each_line_once():
    first, second = io.StringIO(), io.StringIO()
    configure("info", "console", stream=first)
    configure("info", "json", stream=second)
    logging.getLogger("streams.test").info("once")
    assert not first.getvalue()
    assert second.getvalue().count("once") == 1


def test_a_warning_of_python_is_a_line_of_the_log():
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        text = written("json", lambda _: warnings.warn("old way", stacklevel=1))
    assert json.loads(text)["logger"] == "py.warnings"
