import logging

import pytest

from streams.delivery.quiet import quieten


@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2"])
def test_the_http_clients_loggers_say_nothing_at_any_level(name, caplog):
    quieten()
    quieten()
    caplog.set_level(logging.DEBUG, logger=name)
    logging.getLogger(name).critical("POST https://example.com/?api_secret=x")
    assert [record for record in caplog.records if record.name == name] == []
    logging.getLogger("streams").critical("heard")
    assert [record.message for record in caplog.records if record.name == "streams"] == ["heard"]


def test_every_logger_of_the_http_client_is_known():
    import httpcore._async  # noqa: F401 - makes its loggers

    quieten()
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.split(".")[0] in ("httpx", "httpcore") and isinstance(logger, logging.Logger):
            assert not logger.filter(logging.makeLogRecord({})), name
