"""The sites of the sample traffic: shops that use the chat, their automations, their people, what is typed there.

Data only. One account for each way of being measured: every id on the page, ids
given by hand, an id chosen by the site itself, a legacy Universal Analytics
property, a plan without GA, a GA4 id nobody gave a secret for, and an account
that no file lists.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from schemas.interaction import AutomationKind

__all__ = ["SITES", "Robot", "Site", "accounts_toml", "secret_names"]


class Robot(msgspec.Struct, frozen=True):
    """An automation as the site's owner set it up."""

    kind: AutomationKind
    id: str
    name: str
    buttons: tuple[str, ...] = ()


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One account: its pages, its automations, its agents and the habits of its chat box."""

    id: str
    share: int  # of the visits, in parts of all sites' sum
    origin: str
    language: str
    pages: tuple[tuple[str, str], ...]  # path, title
    on_page: tuple[str, ...]  # measurement ids found on its pages
    times: Literal["millis", "zulu", "offset"]  # how its chat box writes a timestamp
    chatbots: tuple[Robot, ...]
    messages: tuple[Robot, ...]
    triggers: tuple[Robot, ...]
    agents: tuple[tuple[str, str], ...]  # id, name
    typed: tuple[str, ...]
    feedback: tuple[str, ...]
    settings: dict[str, str | list[str]] | None  # its table in accounts.toml; None: not listed
    with_secret: tuple[str, ...] = ()  # GA4 ids that have one


_CZECH: Final = (
    "Dobrý den, kdy dorazí moje objednávka?",
    "Máte to i v červené barvě?",
    "Děkuji, to je všechno 🙂",
    "Jak dlouho trvá vrácení zboží?",
    "Šlo by doručit už zítra ráno?",
    "Prosím o fakturu na firmu, IČO 27082440.",
    "Žluťoučký kůň úpěl ďábelské ódy… jen zkouším chat.",
    "ano",
)
_CZECH_FEEDBACK: Final = (
    "Skvělá a rychlá pomoc, děkuji!",
    "Čekal jsem dlouho, napište mi na jan.novak@example.cz nebo volejte +420 602 123 456.",
    "Příště bych uvítala odpověď i o víkendu. Marie, marie.kralova+chat@example.com",
    "Bot mi nerozuměl.",
    "   ",
)
_GERMAN: Final = (
    "Guten Tag, ist das Rad in Größe M vorrätig?",
    "Liefern Sie auch nach Österreich?",
    "Danke, das hilft mir weiter.",
    "Kann ich den Gutschein später einlösen?",
)
_GERMAN_FEEDBACK: Final = ("Sehr freundlich, gerne wieder.", "Bitte um Rückruf: 0171 2345678, k.gruber@example.de")
_ENGLISH: Final = (
    "Hi, do you ship to Ireland?",
    "Is the gift box still available?",
    "Thanks!",
    "My code SPRING does not work at checkout.",
    "Could you call me at (020) 7946 0958?",
)
_ENGLISH_FEEDBACK: Final = ("Lovely service.", "Please reply to ann.other@example.co.uk", "Slow but helpful")

_REPLIES_CZ: Final = ("Kde je moje zásilka?", "Vrácení zboží", "Poradit s výběrem", "Mluvit s člověkem")

SITES: Final = (
    Site(
        id="knihy-zlatnik",
        share=34,
        origin="https://www.knihy-zlatnik.example",
        language="cs-CZ",
        pages=(
            ("/", "Knihy Zlatník"),
            ("/detska", "Dětské knihy"),
            ("/kosik", "Košík"),
            ("/doprava", "Doprava a platba"),
        ),
        on_page=("G-KNIHYCZ001",),
        times="millis",
        chatbots=(
            Robot("chatbot", "bot-vitej", "Vítací bot", _REPLIES_CZ),
            Robot("chatbot", "bot-doprava", "Doprava a platba", ("Cena dopravy", "Osobní odběr", "Dobírka")),
        ),
        messages=(
            Robot("auto_message", "am-sleva", "Sleva 10 % na první nákup"),
            Robot("auto_message", "am-kosik", "Opuštěný košík"),
        ),
        triggers=(Robot("trigger", "tr-30s", "Po 30 vteřinách"),),
        agents=(("ag-1", "Lucie Dvořáková"), ("ag-2", "Petr Říha")),
        typed=_CZECH,
        feedback=_CZECH_FEEDBACK,
        settings={"plan": "pro", "measurement": "auto"},
        with_secret=("G-KNIHYCZ001",),
    ),
    Site(
        id="alpenrad",
        share=20,
        origin="https://alpenrad.example",
        language="de-AT",
        pages=(("/", "Alpenrad"), ("/e-bikes", "E-Bikes"), ("/werkstatt", "Werkstatt")),
        on_page=("G-SOMEONEELSE",),
        times="offset",
        chatbots=(Robot("chatbot", "berater", "Radberater", ("E-Bike", "Mountainbike", "Zubehör")),),
        messages=(Robot("auto_message", "probefahrt", "Probefahrt am Samstag"),),
        triggers=(Robot("trigger", "werkstatt", "Werkstatt-Hinweis"),),
        agents=(("a7", "Klaus Gruber"), ("a8", "Anna Huber")),
        typed=_GERMAN,
        feedback=_GERMAN_FEEDBACK,
        settings={
            "plan": "standard",
            "measurement": "manual",
            "measurement_ids": ["G-ALPENRAD01", "G-ALPENRAD02"],
            "consent": "required",
            "pii": "drop",
            "region": "eu",
        },
        with_secret=("G-ALPENRAD01", "G-ALPENRAD02"),
    ),
    Site(
        id="teatime",
        share=18,
        origin="https://shop.teatime.example",
        language="en-GB",
        pages=(("/", "Teatime"), ("/gift-boxes", "Gift boxes"), ("/checkout", "Checkout")),
        on_page=("G-PAGETAG001", "UA-40412345-1"),
        times="zulu",
        chatbots=(
            Robot("chatbot", "concierge", "Tea concierge", ("Help me choose", "Track my order", "Back to start")),
        ),
        messages=(Robot("auto_message", "gift", "Free gift wrap"), Robot("auto_message", "returning", "Welcome back")),
        triggers=(Robot("trigger", "checkout-help", "Stuck at checkout?"),),
        agents=(("helen", "Helen"), ("raj", "Raj")),
        typed=_ENGLISH,
        feedback=_ENGLISH_FEEDBACK,
        settings={"plan": "pro", "api_tracker": "G-TEATIME001"},
        with_secret=("G-TEATIME001",),
    ),
    Site(
        id="velo-praha",
        share=12,
        origin="https://velo-praha.example",
        language="cs-CZ",
        pages=(("/", "Velo Praha"), ("/servis", "Servis kol")),
        on_page=("UA-20455671-3",),
        times="millis",
        chatbots=(Robot("chatbot", "servis", "Objednání servisu", ("Objednat termín", "Ceník", "Zpět")),),
        messages=(Robot("auto_message", "zima", "Zimní prohlídka kola"),),
        triggers=(Robot("trigger", "t-servis", "Servisní trigger"),),
        agents=(("v1", "Ondřej"),),
        typed=_CZECH,
        feedback=_CZECH_FEEDBACK,
        settings={"plan": "pro", "naming": "legacy"},
    ),
    Site(
        id="hracky-medvidek",
        share=7,
        origin="https://hracky-medvidek.example",
        language="cs-CZ",
        pages=(("/", "Hračky Medvídek"), ("/stavebnice", "Stavebnice")),
        on_page=("G-MEDVIDEK01",),
        times="zulu",
        chatbots=(Robot("chatbot", "medvidek", "Medvídek", ("Pro kluky", "Pro holky")),),
        messages=(Robot("auto_message", "vanoce", "Vánoční nabídka"),),
        triggers=(Robot("trigger", "m-1", "Uvítání"),),
        agents=(("m", "Míša"),),
        typed=_CZECH,
        feedback=_CZECH_FEEDBACK,
        settings={"plan": "free"},
        with_secret=("G-MEDVIDEK01",),
    ),
    Site(
        id="novy-eshop",
        share=5,
        origin="https://novy-eshop.example",
        language="sk-SK",
        pages=(("/", "Nový e-shop"),),
        on_page=("G-NOVYESHOP1",),
        times="offset",
        chatbots=(Robot("chatbot", "novy", "Prvý bot", ("Áno", "Nie")),),
        messages=(Robot("auto_message", "otvorenie", "Práve sme otvorili"),),
        triggers=(Robot("trigger", "n-1", "Privítanie"),),
        agents=(("n1", "Zuzana"),),
        typed=("Dobrý deň, kedy budete mať otvorené?", "Ďakujem pekne", "Môžem prísť aj v sobotu?"),
        feedback=("Super!", "Napíšte na zuzka@example.sk"),
        settings={"plan": "standard"},
    ),
    Site(
        id="not-listed",
        share=4,
        origin="https://trial.example",
        language="en-US",
        pages=(("/", "A trial"),),
        on_page=("G-TRIAL00001",),
        times="zulu",
        chatbots=(Robot("chatbot", "first", "My first bot", ("Yes", "No")),),
        messages=(Robot("auto_message", "hello", "Hello there"),),
        triggers=(Robot("trigger", "t", "Old trigger"),),
        agents=(("me", "The owner"),),
        typed=_ENGLISH,
        feedback=_ENGLISH_FEEDBACK,
        settings=None,
    ),
)
"""Of `not-listed` nothing stands in accounts.toml: its events reach `ga-events` and no tracker."""


def secret_names(sites: Iterable[Site] = SITES) -> dict[str, str]:
    """Each GA4 id that has a secret, and the environment variable that holds it."""
    return {tracker: f"DEMO_SECRET_{tracker[2:]}" for site in sites for tracker in site.with_secret}


def accounts_toml(sites: Iterable[Site] = SITES) -> str:
    """The accounts.toml of these sites: secrets by the name of their variable, as in production."""
    lines: list[str] = []
    named = secret_names(sites)
    for site in sites:
        if site.settings is None:
            continue
        lines.append(f"[accounts.{site.id}]")
        # A TOML value of these types is written as JSON writes it.
        lines += [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in site.settings.items()]
        if site.with_secret:
            lines.append(f"[accounts.{site.id}.api_secrets]")
            lines += [f'"{tracker}" = "env:{named[tracker]}"' for tracker in site.with_secret]
        lines.append("")
    return "\n".join(lines)
