"""CONTRACT §7: settings, from the environment, a TOML file and the command line."""

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.configuration import BadFile
from streams.errors import Chat2gaError, Fault
from streams.settings import BadSettings, Settings, effective, load_settings


def faults(**given):
    with pytest.raises(BadSettings) as bad:
        load_settings(**given)
    assert (bad.value.fault, bad.value.retriable) == (Fault.OPERATOR, False)
    assert "\n" not in str(bad.value)
    return bad.value.faults


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "chat2ga.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# -- what is read, from where -----------------------------------------------------


def test_the_contracts_defaults():
    made = load_settings()
    assert (made.broker, made.group, made.topic_prefix) == ("kafka://127.0.0.1:9092", "chat2ga", "")
    assert (made.processing_guarantee, made.rekey, made.log_level, made.log_format) == (
        "at_least_once",
        False,
        "info",
        "console",
    )
    assert (made.accounts, made.rules, made.ga_endpoint, made.broker_security) == (None, None, None, "plaintext")
    assert made.idle_before_removal_s == 600


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("BROKER", "kafka://a:1,kafka://b:2", "kafka://a:1,kafka://b:2"),
        ("BROKER_SECURITY", "sasl_tls", "sasl_tls"),
        ("GROUP", "other", "other"),
        ("TOPIC_PREFIX", "dev-", "dev-"),
        ("PARTITIONS", "12", 12),
        ("REPLICATION_FACTOR", "3", 3),
        ("STATE_DIR", "/var/lib/x", Path("/var/lib/x")),
        ("ACCOUNTS", "a.toml", Path("a.toml")),
        ("RULES", "r.toml", Path("r.toml")),
        ("GA_ENDPOINT", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("PROCESSING_GUARANTEE", "exactly_once", "exactly_once"),
        ("HTTP_PORT", "0", 0),
        ("MAX_RUN", "500", 500),
        ("REKEY", "true", True),
        ("LOG_LEVEL", "debug", "debug"),
        ("LOG_FORMAT", "json", "json"),
    ],
)
def test_every_setting_of_the_contract_is_read_from_the_environment_and_from_a_file(
    name, given, read, monkeypatch, config
):
    monkeypatch.setenv(f"CHAT2GA_{name}", given)
    assert getattr(load_settings(), name.lower()) == read
    monkeypatch.delenv(f"CHAT2GA_{name}")
    assert getattr(load_settings(config(f'{name.lower()} = "{given}"')), name.lower()) == read


def test_the_command_line_wins_over_the_environment_which_wins_over_the_file(monkeypatch, config):
    path = config('group = "file"\ntopic_prefix = "file-"\nlog_level = "error"')
    monkeypatch.setenv("CHAT2GA_GROUP", "environment")
    monkeypatch.setenv("CHAT2GA_TOPIC_PREFIX", "environment-")
    made = load_settings(path, group="given")
    assert (made.group, made.topic_prefix, made.log_level) == ("given", "environment-", "error")


def test_a_file_is_read_for_its_own_call_only(config):
    assert load_settings(config('group = "file"')).group == "file"
    assert load_settings().group == "chat2ga"


def test_a_file_is_forgotten_after_a_fault_too(config):
    assert faults(config=config("partitions = 0"))
    assert load_settings().partitions == 4


def test_topics_take_the_prefix():
    assert load_settings(topic_prefix="dev-").topic("ga-events") == "dev-ga-events"
    assert load_settings().topic("ga-events") == "ga-events"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().group = "other"


# -- what is refused --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("broker", "127.0.0.1:9092"),
        ("broker", "kafka://127.0.0.1"),
        ("broker", "kafka://:9092"),
        ("broker", "http://127.0.0.1:9092"),
        ("broker", "kafka://a:1,b:2"),
        ("broker", "kafka://a:1,"),
        ("broker", "kafka://a:port"),
        ("broker", ""),
        ("broker", "kafka://user:s3cret@a:1"),
        ("group", ""),
        ("group", "a.b"),
        ("group", "a b"),
        ("topic_prefix", "dev."),
        ("partitions", 0),
        ("partitions", "many"),
        ("replication_factor", 0),
        ("processes", 0),
        ("processes", 257),
        ("store", "disk"),
        ("ga_endpoint", "127.0.0.1"),
        ("ga_endpoint", "ftp://a"),
        ("ga_endpoint", "http://a:65536"),
        ("ga_endpoint", "http://a:0"),
        *[
            ("ga_endpoint", f"http://a{end}")
            for end in ("/p?", "/p#", "/p#f", ":1;x", "\n", "/\ud800", "..b", f"/{'x' * 9} y")
        ],
        ("ga_endpoint", " http://a"),
        ("ga_endpoint", f"http://{'a' * 64}.test"),
        ("ga_endpoint", "http://"),
        ("ga_endpoint", "http://a/?api_secret=s3cret"),
        ("ga_endpoint", "http://user:s3cret@a"),
        ("ga_endpoint", "http://:s3cret@a"),
        ("ga_timeout_s", 0),
        ("processing_guarantee", "at_most_once"),
        ("http_port", 65_536),
        ("http_port", -1),
        ("max_run", 0),
        ("runs_in_flight", 0),
        ("commit_interval_s", 0),
        ("dead_letter_share", 0),
        ("dead_letter_share", 1.1),
        ("rekey", "perhaps"),
        ("log_level", "loud"),
        ("log_format", "xml"),
    ],
)
def test_what_does_not_fit_is_told_by_the_settings_name_and_not_by_its_value(name, bad):
    (fault,) = faults(**{name: bad})
    assert fault.startswith(f"CHAT2GA_{name.upper()}: ")
    assert "s3cret" not in fault


def test_every_fault_at_once(monkeypatch):
    monkeypatch.setenv("CHAT2GA_PARTITIONS", "none")
    monkeypatch.setenv("CHAT2GA_LOG_LEVEL", "loud")
    told = faults(broker="nowhere")
    assert [fault.partition(":")[0] for fault in told] == ["CHAT2GA_BROKER", "CHAT2GA_PARTITIONS", "CHAT2GA_LOG_LEVEL"]


def test_an_unknown_setting_in_a_file_is_told_with_file_and_key(config):
    path = config('group = "x"\nbrokers = "kafka://a:1"\n[broker_tls]\nca = 1')
    told = faults(config=path)
    assert [fault.split(": ")[:2] for fault in told] == [[str(path), "brokers"], [str(path), "broker_tls"]]
    assert "broker_security" in told[0], "which are known"


def test_a_file_that_is_not_there_or_no_toml(tmp_path, config):
    for path in (tmp_path / "none.toml", config("group = ")):
        with pytest.raises(BadFile) as bad:
            load_settings(path)
        assert isinstance(bad.value, Chat2gaError)
        assert str(path) in str(bad.value)


def test_a_fault_survives_being_handed_to_another_process():
    bad = BadSettings(("CHAT2GA_GROUP: too short",))
    again = pickle.loads(pickle.dumps(bad))
    assert (again.faults, str(again)) == (bad.faults, "settings: CHAT2GA_GROUP: too short")


# -- what is shown ----------------------------------------------------------------


def test_the_effective_settings_are_all_of_them_with_secrets_masked():
    shown = effective(load_settings(broker_username="me", broker_password="s3cret", group="g", ga_endpoint="http://a"))
    assert list(shown) == [f"CHAT2GA_{name.upper()}" for name in Settings.model_fields]
    assert (shown["CHAT2GA_GROUP"], shown["CHAT2GA_GA_ENDPOINT"], shown["CHAT2GA_ACCOUNTS"]) == ("g", "http://a", "")
    assert shown["CHAT2GA_BROKER_USERNAME"] == "me"
    assert set(shown["CHAT2GA_BROKER_PASSWORD"]) == {"*"}
    assert "s3cret" not in repr(shown)
    assert "s3cret" not in repr(load_settings(broker_password="s3cret"))


def test_every_setting_says_what_it_is():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
