"""The page in a real Chromium: on a desk, on a phone, in the dark, by keyboard, read aloud, and on paper."""

import re

import pytest

from tests.streams.report.month import Shape, lines_of, month
from tests.streams.report.reports import made

LONG = "Mimořádněnejnezpravděpodobnostňovávatelnější" * 3
WIDE, NARROW = 1_280, 390
WIDTHS = (320, NARROW, 768, WIDE)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    robot = {"kind": "chatbot", "id": LONG, "name": LONG}
    agent, goal = {"id": LONG, "name": LONG}, {"name": LONG, "value": 123_456_789.5, "currency": "CZK"}
    records = [*month(1), *month(2, Shape(account=LONG, visitors=60, chatty=0.5))]
    records += [
        {"type": kind, "account_id": "shop", "session_id": "long", "timestamp": 1_767_600_000_000 + at, **own}
        for at, (kind, own) in enumerate(
            [
                ("automation_sent", {"automation": robot}),
                ("agent_joined", {"agent": agent}),
                ("goal_completed", {"goal": goal}),
            ]
        )
    ]
    return made(lines_of(records), "report.html", tmp_path_factory.mktemp("page"))


BESIDE = """[...document.querySelectorAll("body *")].filter(each =>
  !each.closest(".scroll table, .skip") && each.getBoundingClientRect().right > innerWidth + 1
).map(each => each.tagName + " " + each.textContent.slice(0, 40))"""


@pytest.mark.parametrize("width", WIDTHS)
async def test_nothing_scrolls_sideways_but_a_wide_table(chromium, page, width):
    async with chromium.tab(page, width=width) as tab:
        assert await tab.value("document.documentElement.scrollWidth") <= width
        assert await tab.value("innerWidth") == width
        assert await tab.value(BESIDE) == []


async def test_at_a_desk_no_table_wants_to_be_scrolled(chromium, page):
    async with chromium.tab(page, width=WIDE) as tab:
        await tab.value('document.querySelectorAll("details").forEach(each => { each.open = true })')
        wide = (
            '[...document.querySelectorAll(".scroll")].filter(each => each.scrollWidth > each.clientWidth + 1).length'
        )
        assert await tab.value(wide) == 0


LETTERS = """[...document.querySelectorAll("svg text")].filter(each => each.getClientRects().length).map(each => {
  const box = each.getBoundingClientRect(), sheet = each.closest("svg").getBoundingClientRect();
  const scale = sheet.width / each.closest("svg").viewBox.baseVal.width;
  const inside = Math.min(box.left - sheet.left, sheet.right - box.right);
  return [parseFloat(getComputedStyle(each).fontSize) * scale, inside, each.textContent];
})"""


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_letters_of_charts_can_be_read_and_are_not_cut(chromium, page, width):
    async with chromium.tab(page, width=width) as tab:
        letters = await tab.value(LETTERS)
        assert len(letters) > 60
        assert [each for each in letters if each[0] < 9] == []
        assert [each for each in letters if each[1] < -1] == []


@pytest.mark.parametrize(("width", "shown"), [(NARROW, "narrow"), (WIDE, "wide")])
async def test_of_the_two_drawings_one_is_shown(chromium, page, width, shown):
    async with chromium.tab(page, width=width) as tab:
        seen = await tab.value(
            '[...document.querySelectorAll("figure > div")].filter(of => of.offsetHeight).map(of => of.className)'
        )
        assert seen == [shown] * 5


async def test_it_fetches_nothing_and_breaks_no_policy(chromium, page):
    async with chromium.tab(page, width=WIDE) as tab:
        urls = [
            each["params"]["request"]["url"] for each in tab.events if each["method"] == "Network.requestWillBeSent"
        ]
        assert urls == [page.as_uri()]
        assert [each for each in tab.events if each["method"] in {"Log.entryAdded", "Runtime.consoleAPICalled"}] == []
        assert await tab.value('getComputedStyle(document.querySelector(".big")).fontWeight') == "700", (
            "its style holds"
        )


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


COLOURS = """[...document.querySelectorAll("p, li, dt, dd, th, td, a, caption, summary, .few, svg text")].filter(
  each => each.getClientRects().length && each.textContent.trim() && !each.closest(".skip")
).map(each => {
  let behind = each;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const {fill, color} = getComputedStyle(each);
  return [each instanceof SVGElement ? fill : color, getComputedStyle(behind).backgroundColor, each.tagName];
})"""


@pytest.mark.parametrize("dark", [False, True])
async def test_every_text_stands_out_in_the_light_and_in_the_dark(chromium, page, dark):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    async with chromium.tab(page, width=WIDE, dark=dark) as tab:
        ground = await tab.value("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.1) is dark
        pairs = {tuple(each) for each in await tab.value(COLOURS)}
        assert len(pairs) > 8
        assert {pair for pair in pairs if contrast(*pair[:2]) < 4.5} == set()


@pytest.mark.parametrize("dark", [False, True])
async def test_marks_of_charts_stand_out(chromium, page, dark):
    """WCAG 2.2, 1.4.11: 3 to 1, of what is beside it in the number; the first step and what has no agent are paler."""
    async with chromium.tab(page, width=WIDE, dark=dark) as tab:
        ground = await tab.value("getComputedStyle(document.body).backgroundColor")
        for name in ("chat", "other", "step2", "step3", "good", "bad"):
            colour = await tab.value(f'getComputedStyle(document.querySelector(".fill-{name}")).fill')
            assert contrast(colour, ground) >= 3, name


NAMED = '[each.tagName, each.getAttribute("href") || each.getAttribute("aria-label") || each.textContent.trim()]'
FOCUSED = f"(each => [...{NAMED}, getComputedStyle(each).outlineStyle])(document.activeElement)"
IN_ORDER = f"""[...document.querySelectorAll("a, .scroll, summary")].filter(
  each => !each.closest("details:not([open]) > :not(summary)")
).map(each => {NAMED})"""


async def test_the_keyboard_reaches_everything_in_the_order_of_the_page(chromium, page):
    async with chromium.tab(page, width=WIDE) as tab:
        wanted = await tab.value(IN_ORDER)
        reached = []
        for _ in wanted:
            await tab.press("Tab")
            reached.append(await tab.value(FOCUSED))
        assert [each[:2] for each in reached] == wanted
        assert reached[0][:2] == ["A", "#main"]
        assert {each[2] for each in reached} == {"solid"}, "one sees where one is"


async def test_the_link_that_skips_leads_to_the_numbers_and_a_table_opens_by_a_key(chromium, page):
    async with chromium.tab(page, width=WIDE) as tab:
        await tab.press("Tab")
        assert await tab.value("document.activeElement.getBoundingClientRect().left") >= 0, (
            "it is seen once it is reached"
        )
        await tab.press("Enter")
        await tab.press("Tab")
        assert (await tab.value(FOCUSED))[:2] == ["SUMMARY", "How they had it"]
        await tab.press("Enter")
        assert await tab.value('document.querySelector("details").open') is True
        await tab.press("Tab")
        assert (await tab.value(FOCUSED))[:2] == ["DIV", "How conversations were had"]


async def test_read_aloud_charts_have_names_and_tables_their_captions(chromium, page):
    async with chromium.tab(page, width=WIDE) as tab:
        nodes = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        named = [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]
        ]
        charts = [name for role, name in named if role in {"image", "img"}]
        assert len(charts) == 5, "the drawing that is not shown is not read either"
        assert all(name.startswith("Chart: ") for name in charts)
        tables = [name for role, name in named if role == "table"]
        assert len(tables) == 4, "those that stand open: goals, their values, behaviour, accounts"
        assert all(tables)
        assert {"main", "navigation", "banner", "contentinfo", "complementary"} <= {role for role, _ in named}


async def test_it_prints_on_a_few_pages_with_what_stands_closed(chromium, page):
    async with chromium.tab(page, width=WIDE, dark=True) as tab:
        pdf = await tab.pdf()
        assert pdf.startswith(b"%PDF")
        pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
        assert 3 <= pages <= 14
        await tab.call("Emulation.setEmulatedMedia", media="print", features=[])
        assert await tab.value('document.querySelector("nav").offsetHeight') == 0
        assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert await tab.value('[...document.querySelectorAll("details table")].every(each => each.checkVisibility())')
