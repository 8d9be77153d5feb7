"""The stage: wired by settings alone, and by nothing that the user's environment says."""

from pathlib import Path

from streams.configuration import read_accounts
from streams.demo.collector import Arrival, Collector
from streams.demo.sites import SITES, secret_names
from streams.demo.stage import Arrivals, demo_settings, worker_environment
from streams.settings import Settings, load_settings

SECRETS = {tracker: f"secret of {tracker}" for tracker in secret_names()}


def arrival(event_id: str, name: str = "Chatbot_sent", tracker_id: str = "G-A") -> Arrival:
    return Arrival(event_id, name, tracker_id, "1.2", {})


def test_an_event_that_comes_twice_is_a_duplicate_and_one_for_another_tracker_is_not():
    arrivals = Arrivals()
    for each in (arrival("e1"), arrival("e1"), arrival("e1", tracker_id="G-B"), arrival("e2", "x", "UA-1-1")):
        arrivals.take(each)
    arrived = arrivals.arrived(Collector())
    assert arrived.names == {("ga4", "Chatbot_sent"): 2, ("ua", "x"): 1}
    assert arrived.duplicates == 1
    assert arrived.violations == []


def test_the_user_s_settings_are_none_of_the_demo_s_business(monkeypatch):
    monkeypatch.setenv("CHAT2GA_BROKER", "kafka://production:9092")
    monkeypatch.setenv("CHAT2GA_TOPIC_PREFIX", "live-")
    monkeypatch.setenv("CHAT2GA_GROUP", "live")
    monkeypatch.setenv("CHAT2GA_RULES", "/etc/production.toml")
    monkeypatch.setenv("CHAT2GA_BROKER_PASSWORD", "production")
    settings = demo_settings(broker="kafka://127.0.0.1:1")
    assert (settings.broker, settings.topic_prefix, settings.group) == ("kafka://127.0.0.1:1", "", "chat2ga")
    env = worker_environment(settings, SECRETS)
    assert "production" not in str(env)
    assert "live" not in {value for name, value in env.items() if name.startswith("CHAT2GA_")}


def test_the_worker_reads_back_the_very_settings(monkeypatch):
    settings = demo_settings(
        broker="kafka://127.0.0.1:1", accounts=Path("a.toml"), ga_endpoint="http://127.0.0.1:2", idempotence=False
    )
    for name, value in worker_environment(settings, SECRETS).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_every_secret_that_accounts_name_is_in_the_worker_s_environment(accounts):
    env = worker_environment(demo_settings(), SECRETS)
    sources = {source for site in SITES for source in accounts.of(site.id).api_secrets.values()}
    assert sources
    for source in sources:
        assert env[source.removeprefix("env:")].startswith("secret of G-")


def test_a_proxy_of_the_user_s_is_not_asked_for_the_collector(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    env = worker_environment(demo_settings(), SECRETS)
    assert "127.0.0.1" in env["NO_PROXY"].split(",")
    assert env["no_proxy"] == env["NO_PROXY"]


def test_what_is_not_chosen_is_the_default():
    assert demo_settings() == Settings.model_construct(
        **{name: field.default for name, field in Settings.model_fields.items()}
    )


def test_accounts_as_the_stage_writes_them_are_read_back(tmp_path, accounts):
    from streams.demo.sites import accounts_toml

    (tmp_path / "accounts.toml").write_text(accounts_toml(), encoding="utf-8")
    assert read_accounts(tmp_path / "accounts.toml") == accounts
