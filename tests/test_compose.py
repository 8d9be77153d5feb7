"""The compose file and the image: valid, safe to scale, and naming only what the code has."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import jsonschema
import pytest
import typer
import yaml

from schemas.account import Accounts, accounts_from
from streams.cli.app import app
from streams.demo.sites import accounts_toml
from streams.settings import PREFIX, Settings, load_settings
from tests.kafka import KafkaCluster, Process, free_ports

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
WORKERS = ("attribute", "deliver")


def interpolated(environment):
    """The file as `docker compose` reads it: `${NAME-default}` where NAME is unset, `${NAME:-default}` or empty."""

    def value(found):
        given = environment.get(found["name"])
        return found["default"] if given is None or (not given and found["colon"]) else given

    text = re.sub(r"\$\{(?P<name>\w+)(?P<colon>:?)-(?P<default>[^}]*)\}", value, TEXT)
    assert "${" not in text, "a form that this test does not know"
    return yaml.safe_load(text)


COMPOSE = interpolated({})
SERVICES = COMPOSE["services"]


def environment_of(service, compose=COMPOSE):
    return {name: str(value) for name, value in compose["services"][service].get("environment", {}).items()}


def image_environment():
    return dict(re.findall(r"^(?:ENV)?\s+([A-Z0-9_]+)=(\S+)", DOCKERFILE, re.MULTILINE))


def test_it_is_valid_by_the_compose_specification():
    schema = json.loads((ROOT / "tests/vendored/compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


def test_the_specification_is_enforced():
    schema = json.loads((ROOT / "tests/vendored/compose-spec.json").read_text(encoding="utf-8"))
    wrong = {**COMPOSE, "services": {"one": {"image": "x", "helthcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        jsonschema.Draft202012Validator(schema).validate(wrong)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_settings_are_those_of_the_code_and_their_values_are_taken(service, monkeypatch):
    given = {
        name: value
        for name, value in {**image_environment(), **environment_of(service)}.items()
        if name.startswith(PREFIX)
    }
    assert {name.removeprefix(PREFIX).lower() for name in given} <= Settings.model_fields.keys()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    load_settings()


def test_each_worker_runs_its_half():
    commands = typer.main.get_command(app).commands
    for service in WORKERS:
        verb, *arguments = SERVICES[service]["command"]
        context = commands[verb].make_context(verb, list(arguments))
        assert (verb, context.params["only"]) == ("worker", service)


@pytest.mark.parametrize("service", [name for name in SERVICES if "entrypoint" in SERVICES[name]])
def test_what_is_started_by_module_has_the_options_it_is_given(service):
    started = SERVICES[service]["entrypoint"]
    shown = subprocess.run(
        [sys.executable, *started[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
    )
    options = [word for word in SERVICES[service]["command"] if str(word).startswith("--")]
    assert options
    assert [option for option in options if option not in shown.stdout] == []


def test_nothing_is_posted_to_google_unless_it_is_asked_for(monkeypatch):
    by_default = environment_of("deliver")["CHAT2GA_GA_ENDPOINT"]
    service, port = re.fullmatch(r"http://(\w+):(\d+)", by_default).groups()
    collector = SERVICES[service]
    assert collector["command"][collector["command"].index("--port") + 1] == port
    asked = environment_of("deliver", interpolated({"CHAT2GA_GA_ENDPOINT": ""}))["CHAT2GA_GA_ENDPOINT"]
    monkeypatch.setenv("CHAT2GA_GA_ENDPOINT", asked)
    assert load_settings().ga_endpoint is None


@pytest.mark.parametrize("service", WORKERS)
def test_a_worker_can_be_scaled(service):
    worker = SERVICES[service]
    assert "container_name" not in worker
    for port in worker["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1::\d+", port), "a fixed port of the host is there once"
    for volume in worker["volumes"]:
        anonymous_or_read_only = ":" not in volume or volume.endswith(":ro")
        assert anonymous_or_read_only, "two workers cannot share a local store"
    state = Path(image_environment()["CHAT2GA_STATE_DIR"])
    assert any(state.is_relative_to(volume) for volume in worker["volumes"]), "a read-only container keeps no state"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_services_are_watched_and_wait_for_services_that_are_there(service):
    assert "healthcheck" in SERVICES[service]
    for needed, how in SERVICES[service].get("depends_on", {}).items():
        assert SERVICES[needed]["healthcheck"].get("test")
        assert how == {"condition": "service_healthy"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_only_this_machine_reaches_a_port(service):
    for port in SERVICES[service].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("service", [name for name in SERVICES if "build" in SERVICES[name]])
def test_our_containers_have_no_rights(service):
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICES[service]["security_opt"]


def test_the_image_does_not_run_as_root():
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", final, re.MULTILINE) == ["chat2ga"]


def test_the_image_installs_nothing_unchecked():
    for install in re.findall(r"pip install ([^\n\\]+)", DOCKERFILE):
        assert "--require-hashes" in install or {"--no-deps", "--no-index"} <= set(install.split())


def test_the_image_runs_the_compiled_core_and_brings_no_compiler():
    build, final = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert (build, final) == ("python:3.12", "python:3.12-slim"), "one Python: its extension modules fit no other"
    assert re.search(r"^RUN CHAT2GA_COMPILE=1 python -m pip wheel ", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_into_the_image_is_there_and_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = [
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    ]
    assert sorted(copied) == sorted(kept)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_kafka_is_the_one_that_is_tested():
    pom = ET.parse(ROOT / "tests/kafka/pom.xml").getroot()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    versions = {
        dependency.findtext("m:artifactId", namespaces=space): dependency.findtext("m:version", namespaces=space)
        for dependency in pom.iterfind(".//m:dependency", space)
    }
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"


def test_kafka_takes_its_properties(kafka_cluster):
    del kafka_cluster  # says that brokers of our own can run here
    properties = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): value
        for name, value in environment_of("kafka").items()
        # Addresses and directories are the container's.
        if name.startswith("KAFKA_") and ":" not in value and "/" not in value and "LISTENER" not in name
    }
    assert len(properties) > 5
    with KafkaCluster(properties=properties) as kafka:
        assert "WARN" not in "".join(line for line in kafka.log(1).splitlines() if "unknown" in line.lower())


def test_the_accounts_are_those_of_the_sample_traffic():
    text = (ROOT / "deploy/accounts.toml").read_text(encoding="utf-8")
    assert text.endswith(accounts_toml())
    accounts = accounts_from(tomllib.loads(text))
    assert isinstance(accounts, Accounts)


def test_the_sample_secrets_are_all_there_and_none_is_real():
    text = (ROOT / "deploy/sample-secrets.env").read_text(encoding="utf-8")
    secrets = dict(line.split("=", 1) for line in text.splitlines() if line and line[0] != "#")
    assert set(re.findall(r'"env:(\w+)"', accounts_toml())) == set(secrets)
    assert set(secrets.values()) == {"sample"}


# -- together, without Docker: the same commands and settings, addresses apart ----------------


@pytest.fixture
def start(kafka, prefix, tmp_path):
    """Start a service's command as the container would."""
    started = []
    ports = dict(zip(("collector", "attribute", "deliver"), free_ports(3), strict=True))

    def start_service(service, *arguments):
        described = SERVICES[service]
        entrypoint = described.get("entrypoint", ["python", "-m", "streams.cli"])
        command = [sys.executable, *entrypoint[1:], *described["command"], *arguments]
        command = [str(ports["collector"]) if word == "8080" else str(word) for word in command]
        given = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        if "env_file" in described:
            secrets = (ROOT / described["env_file"]).read_text(encoding="utf-8")
            given |= dict(line.split("=", 1) for line in secrets.splitlines() if line and line[0] != "#")
        for name, value in environment_of(service).items():
            for there, here in (
                ("kafka://kafka:9092", kafka.url),
                ("http://collector:8080", f"http://127.0.0.1:{ports['collector']}"),
                ("/etc/chat2ga/accounts.toml", str(ROOT / "deploy/accounts.toml")),
            ):
                value = value.replace(there, here)  # noqa: PLW2901 - the same value, elsewhere
            given[name] = value
        given |= {f"{PREFIX}TOPIC_PREFIX": prefix, f"{PREFIX}GROUP": prefix.strip("-")}
        given |= {f"{PREFIX}STATE_DIR": str(tmp_path / service), f"{PREFIX}HTTP_PORT": str(ports.get(service, 0))}
        process = Process(command, log=tmp_path / f"{service}.log", env={**given, "PYTHONPATH": str(ROOT)})
        started.append(process)
        return process, ports.get(service)

    yield start_service
    for process in started:
        process.terminate()


async def until_it_says(process, url, holds, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while True:
        assert process.exit_code is None, process.tail()
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(url)
            if answer.is_success and holds(answer.text):
                return answer.text
        except httpx.TransportError:
            pass  # it does not listen yet
        assert time.monotonic() < end, process.tail()
        await asyncio.sleep(0.1)


async def test_together_the_services_bring_sample_traffic_to_the_collector(start):
    collector, collector_port = start("collector")
    await until_it_says(collector, f"http://127.0.0.1:{collector_port}/healthz", bool)
    for service in WORKERS:
        worker, port = start(service)
        await until_it_says(worker, f"http://127.0.0.1:{port}/readyz", bool)
    traffic, _ = start("traffic", "--rate", "400", "--seconds", "5")
    assert await asyncio.to_thread(traffic.wait, 60) == 0, traffic.tail()
    summary = f"http://127.0.0.1:{collector_port}/summary"
    text = await until_it_says(collector, summary, lambda text: json.loads(text)["events"] > 20)
    assert json.loads(text)["violations"] == {}
