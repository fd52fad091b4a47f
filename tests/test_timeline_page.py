"""The page in a real browser: what it shows, how it is moved, that it asks for nothing and that text stays text."""

import json
import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import days
import pytest
from chromium import PROGRAM, Chromium, Page
from conftest import Cli

from milestone_cli.render import page as module
from milestone_cli.render.page import page

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")

BIDI = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COUNTING = """
window.drawn = 0;
for (const [of, names] of [[CanvasRenderingContext2D, ["fillRect", "strokeRect", "fillText", "fill", "stroke"]],
                           [Path2D, ["rect", "moveTo", "lineTo", "arc"]]]) {
  for (const name of names) {
    const old = of.prototype[name];
    of.prototype[name] = function (...given) { window.drawn++; return old.apply(this, given); };
  }
}
"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Chromium]:
    """One browser for all tests of a worker."""
    folder = tmp_path_factory.mktemp("chromium")
    chromium = Chromium(folder)
    yield chromium
    chromium.close()
    shutil.rmtree(folder, ignore_errors=True)


def written(folder: Path, events: "list[dict[str, Any]]", title: str = "demo") -> str:
    """The address of a page of these events."""
    path = folder / "page.html"
    path.write_text("".join(page(iter(events), title, days.MIDNIGHT * 10**9)), encoding="utf-8")
    return f"file://{path}"


def is_clean(shown: Page, address: str) -> None:
    """Nothing went wrong in the page, and nothing but itself was fetched."""
    assert shown.complaints() == []
    assert set(shown.requests()) == {address}


HOSTILE = '</script><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def hostile() -> "list[dict[str, Any]]":
    """Events in which everything is what it should not be."""
    said = {
        "text": HOSTILE,
        HOSTILE: "<!--<script>",
        "escape": "\x1b[31mred\x1b]0;title\x07\x9b",
        "order": "abc\u202egpj.exe\u2066\u200f",
        "lines": "one\u2028two\u2029three\nfour",
        "half": "\ud800 \udfff",
        "huge": 2**70,
        "nested": json.loads("[" * 150 + "]" * 150),
    }
    base = {
        "milestone_id": "demo",
        "session_id": '"><svg onload=hacked=1>',
        "event_type": HOSTILE,
        "agent_id": "<b>\u202ea",
    }
    return [
        {"timestamp": "2026-11-21T08:00:00.000001Z", **base, "event_id": "event-1", "data": said},
        {"timestamp": "2026-11-21T08:00:01.000000Z", **base, "data": {"text": "x" * (1 << 20)}, "pid": "y" * (1 << 20)},
        {"timestamp": "no time", "event": "old", "data": [HOSTILE] * 9},
        {
            "timestamp": 17,
            "milestone_id": [1],
            "session_id": {"a": 1},
            "agent_id": None,
            "event_type": 5,
            "data": HOSTILE,
        },
        {
            "timestamp": "2026-11-21T08:00:00Z",
            "event_type": "late",
            "data": {"duration_ms": -5, "revision": 3, "state_file": 4},
        },
        {"timestamp": "9999-12-31T23:59:59.999999Z", "event_type": "far", "data": {"duration_ms": 1e300}},
        {},
        {
            "timestamp": "2026-11-21T09:00:00.000000Z",
            "data": {"occurred_at": "2026-11-21T08:30:00Z"},
            "event_type": "told",
        },
    ]


def test_text_stays_text_and_nothing_is_asked_for(browser: Chromium, tmp_path: Path) -> None:
    address = written(tmp_path, hostile(), title=HOSTILE)
    assert (tmp_path / "page.html").stat().st_size < 150_000, "long texts are cut"
    assert not re.search(r"https?:|url\(|@import|unsafe", (tmp_path / "page.html").read_text())
    shown = browser.open(address)
    count = shown.eval("timeline.log.count")
    assert count == 8
    seen = ""
    for number in range(count):
        shown.eval(f"timeline.choose({number})")
        seen += shown.eval("document.body.innerText")
    told = {number: json.loads(shown.eval(f"timeline.log.json({number})")) for number in range(count)}
    assert told[1]["data"] == hostile()[0]["data"] | {"nested": told[1]["data"]["nested"]}
    assert told[0] == hostile()[4], "no member more, and none less"
    assert [told[7], told[6]["event_type"], told[3]["event"]] == [{}, "far", "old"]
    assert told[5] == hostile()[7], "what was logged late stands where it happened, and says when it was logged"
    shown.eval("timeline.choose(1)")
    pretty = shown.eval("document.querySelector('#details pre').textContent")
    assert json.loads(pretty)["data"]["order"] == hostile()[0]["data"]["order"], "what is copied is still the same"
    assert HOSTILE in seen
    assert str(2**70) in seen, "numbers keep their digits"
    assert r"\x1b[31mred" in seen
    assert r"abc\u202egpj.exe" in seen
    assert not BIDI.search(seen)
    assert shown.eval("document.title") == f"{HOSTILE} · timeline"
    assert shown.eval("document.querySelectorAll('img,iframe,object,embed,link,base,form').length") == 0
    assert shown.eval("document.scripts.length") == 2 + len(module.SCRIPTS)
    shown.eval("timeline.filter({text: '<img src=x'})")
    assert shown.eval("timeline.shown.length") == 4, "what is searched for is what is seen"
    assert shown.eval("typeof window.hacked") == "undefined"
    is_clean(shown, address)
    # And that is no accident: the policy stops what somebody could add.
    assert shown.eval("try { document.body.innerHTML = '<b>'; 'taken' } catch (error) { error.name }") == "TypeError"
    shown.eval("(() => { const made = document.createElement('img'); made.src = 'http://127.0.0.1:9/'; })()")
    shown.eval("document.body.setAttribute('style', 'color: red')")
    assert len([one for one in shown.complaints() if "Content Security Policy" in one]) >= 2
    shown.close()


def test_a_day_can_be_read_searched_and_walked_through(
    browser: Chromium, cli: Cli, store: Path, tmp_path: Path
) -> None:
    log = days.day(600)
    days.put(log, store)
    events = days.decoded(log)
    cli("events", "timeline", "demo", "--format", "html", "-o", "day.html", check=True)
    address = f"file://{tmp_path}/day.html"
    shown = browser.open(address)
    failures = sum(event["event_type"] == "tool_failed" for event in events)
    facts = shown.eval("document.querySelector('.facts').innerText").split()
    assert facts[:4] == ["Events", str(len(events)), "Failures", str(failures)]
    assert 5 < shown.eval("document.querySelectorAll('#rows tr').length") < 60
    assert shown.eval("document.getElementById('table').getAttribute('aria-rowcount')") == str(len(events) + 1)

    filters(shown, events, failures)
    keys(shown, events)
    pointer(shown)
    accessible(shown)

    hand(browser, shown)
    ninth = events[8]["event_id"]
    linked = browser.open(f"{address}#{ninth}")
    assert ninth in linked.eval("document.getElementById('details').innerText").replace("\n", "")
    linked.close()
    is_clean(shown, address)
    shown.close()


def filters(shown: Page, events: "list[dict[str, Any]]", failures: int) -> None:
    """By text, failures, type and agent; each says how many there are."""

    def status() -> str:
        return str(shown.eval("document.getElementById('status').textContent"))

    shown.press("/")
    assert shown.eval("document.activeElement.id") == "text"
    shown.type("PyTest bash")
    tested = sum(event["data"].get("target") == "pytest" for event in events)
    assert tested > 5
    assert status() == f"{tested} of {len(events)} events"
    assert shown.eval("[...document.querySelectorAll('#rows tr')].every(row => row.innerText.includes('pytest'))")
    shown.type(" nowhere")
    assert shown.eval("!document.getElementById('none').hidden")
    shown.eval("document.getElementById('clear').click()")
    shown.eval("document.getElementById('failures').click()")
    assert status() == f"{failures} of {len(events)} events"
    assert shown.eval("document.getElementById('failures').getAttribute('aria-pressed')") == "true"
    choose = """(id, value) => {
        const one = document.getElementById(id);
        one.value = value;
        one.dispatchEvent(new Event("change"));
    }"""
    shown.eval(f"({choose})('agent', '=builder')")
    builders = sum(event["event_type"] == "tool_failed" and event["agent_id"] == "builder" for event in events)
    assert status() == f"{builders} of {len(events)} events"
    shown.eval(f"document.getElementById('clear').click(), ({choose})('type', 'state_saved')")
    assert status() == f"{sum(event['event_type'] == 'state_saved' for event in events)} of {len(events)} events"
    assert "revision 1: /step, /done" in shown.eval("document.getElementById('rows').innerText")
    shown.eval("document.getElementById('clear').click()")
    assert status() == ""


def keys(shown: Page, events: "list[dict[str, Any]]") -> None:
    """Everything without a mouse: the table, details and back, the chart."""
    shown.eval("document.getElementById('table').focus()")
    shown.press("ArrowDown", "ArrowDown", "ArrowDown")
    assert shown.eval("timeline.selected") == 2
    assert shown.eval("document.getElementById('table').getAttribute('aria-activedescendant')") == "row-2"
    assert shown.eval("document.getElementById('details').hidden"), "walking opens nothing"
    shown.press("Enter")
    assert shown.eval("document.activeElement.id") == "details"
    told = shown.eval("document.getElementById('details').innerText")
    assert events[2]["event_type"] in told
    assert json.loads(told[told.index("{") :])["data"] == events[2]["data"]
    shown.press("Escape")
    assert shown.eval("[document.activeElement.id, document.getElementById('details').hidden]") == ["table", True]
    shown.press("End")
    assert shown.eval("timeline.selected") == len(events) - 1

    view = "timeline.chart.view.to - timeline.chart.view.from"
    shown.eval("document.getElementById('lanes').focus()")
    whole = shown.eval(view)
    shown.press("+", "+")
    assert shown.eval(view) == pytest.approx(whole / 4)
    start = shown.eval("timeline.chart.view.from")
    shown.press("ArrowLeft")
    assert shown.eval("timeline.chart.view.from") < start
    shown.press("0")
    assert shown.eval(view) == pytest.approx(whole)
    shown.eval("timeline.close()")
    shown.press("f")
    assert shown.eval("timeline.log.name(timeline.selected)") == "tool_failed"
    assert "tool_failed" in shown.eval("document.getElementById('said').textContent"), "and it is said aloud"
    shown.press("Enter")
    assert not shown.eval("document.getElementById('details').hidden")
    shown.press("Escape")


def pointer(shown: Page) -> None:
    """Wheel, drag and click on the chart; click on a row."""
    place = """(i => {
        const { chart } = timeline, box = chart.box.getBoundingClientRect();
        const row = chart.rows.find(one => one.lane === chart.lane(i));
        const y = row.y + row.middle + chart.sub[i] * row.pitch - chart.box.scrollTop;
        return [box.x + chart.x(chart.log.end[i]), box.y + 34 + y];
    })"""
    shown.eval("timeline.gestures.to(timeline.log.end[20] - 30000, timeline.log.end[20] + 30000)")
    shown.settle()
    x, y = shown.eval(f"{place}(20)")
    shown.mouse("mouseWheel", x, y, deltaX=0, deltaY=-300)
    shown.settle()
    assert shown.eval("timeline.chart.view.to - timeline.chart.view.from") < 45_000
    assert shown.eval(f"{place}(20)[0]") == pytest.approx(x, abs=2), "what is under the pointer stays there"
    shown.click(*shown.eval(f"{place}(20)"))
    assert shown.eval("timeline.details.event") == 20
    shown.eval("timeline.close()")
    before = shown.eval("timeline.chart.view.from")
    shown.mouse("mousePressed", x, y + 3, button="left", clickCount=1)
    shown.mouse("mouseMoved", x + 80, y + 3, button="left", buttons=1)
    shown.mouse("mouseReleased", x + 80, y + 3, button="left", clickCount=1)
    shown.settle()
    assert shown.eval("timeline.chart.view.from") < before, "dragged to the right, earlier times come into view"
    assert shown.eval("timeline.details.event") == -1, "a drag is no click"
    x, y, event = shown.eval(
        "(({ row, at }) => [at.x + 200, at.y + 14, Number(row.dataset.event)])"
        "([...document.querySelectorAll('#rows tr')]"
        ".map(row => ({ row, at: row.getBoundingClientRect() })).find(({ at }) => at.y > 760))"
    )
    shown.click(x, y)
    assert shown.eval("timeline.details.event") == event
    shown.eval("timeline.close()")


def hand(browser: Chromium, shown: Page) -> None:
    """Two fingers, local time and UTC, and what is copied."""
    shown.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    shown.eval("timeline.gestures.to(timeline.log.first, timeline.log.last)")
    view = "timeline.chart.view.to - timeline.chart.view.from"
    whole = shown.eval(view)
    for kind, apart in (("touchStart", 50), ("touchMove", 80), ("touchMove", 100)):
        points = [{"x": 600 - apart, "y": 300, "id": 1}, {"x": 600 + apart, "y": 300, "id": 2}]
        shown.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    shown.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert shown.eval(view) == pytest.approx(whole / 2, rel=0.1)
    shown.call("Emulation.setTouchEmulationEnabled", enabled=False)

    shown.eval("document.getElementById('list').scrollTop = 0")
    first = "document.querySelector('#rows td').textContent"
    shown.settle()
    assert [shown.eval(first), shown.eval("document.getElementById('zone').textContent")] == ["09:30:00.000", "UTC+1"]
    shown.eval("document.getElementById('zone').click()")
    assert [shown.eval(first), shown.eval("document.getElementById('zone').textContent")] == ["08:30:00.000", "UTC"]
    shown.eval("document.getElementById('zone').click()")
    autumn = "Times.ticks(Date.UTC(2026, 9, 23), Date.UTC(2026, 9, 28), 12).map(tick => Times.clock(tick.time, -1))"
    assert set(shown.eval(autumn)) == {"00:00", "12:00"}, "though the clocks go back on the 25th"

    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    shown.call("Page.bringToFront")
    shown.eval("timeline.choose(2)")
    shown.eval("[...document.querySelectorAll('#details button')].find(one => one.textContent === 'Copy JSON').click()")
    shown.settle()
    assert shown.eval("navigator.clipboard.readText()") == shown.eval("document.querySelector('pre').textContent")
    shown.eval("timeline.close()")


def accessible(shown: Page) -> None:
    """What assistive technology is told, contrast, both themes, and a phone."""
    shown.eval("timeline.choose(3)")
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown.tree()]
    for role, name in [
        ("searchbox", "Filter by text"),
        ("combobox", "Type"),
        ("combobox", "Agent"),
        ("button", "Failures only"),
        ("button", "Zoom in"),
        ("application", "Events in lanes by session and agent"),
        ("grid", "Events, oldest first"),
        ("columnheader", "Time"),
        ("complementary", "Details"),
        ("image", "Failure"),
    ]:
        assert (role, name) in nodes, (role, name)
    assert all(name for role, name in nodes if role in ("button", "combobox", "searchbox", "grid", "row", "heading"))
    assert len([role for role, _ in nodes if role == "row"]) > 5
    chosen = [
        node
        for node in shown.tree()
        if {"name": "selected", "value": {"type": "booleanOrUndefined", "value": True}} in node.get("properties", [])
    ]
    assert any(node["role"]["value"] == "row" for node in chosen)

    colours = set()
    for dark in (False, True):
        shown.look(dark=dark)
        shown.settle()
        for over in ("paper", "panel"):
            for colour in ("ink", "soft", "failure", "accent"):
                assert shown.eval(f"({CONTRAST})('{colour}', '{over}')") > 4.4, (dark, colour, over)
            for colour in ("state", "checkpoint", "failure"):
                assert shown.eval(f"({CONTRAST})('{colour}', '{over}')") > 3, (dark, colour, over)
        colours.add(tuple(shown.eval(PIXEL)))
    assert len(colours) == 2, "the chart takes part"
    shown.eval("document.getElementById('theme').click()")
    assert shown.eval("document.documentElement.dataset.theme") == "light", "the reader decides over the system"
    shown.look(width=390, height=800, phone=True)
    shown.eval("timeline.close()")
    shown.settle()
    assert shown.eval("document.documentElement.scrollWidth") == 390
    assert shown.eval("document.getElementById('lanes').clientHeight") == 0
    assert shown.eval("document.querySelectorAll('#rows tr')[0].offsetHeight") == 52
    shown.eval("document.querySelectorAll('#rows tr')[1].click()")
    assert shown.eval("document.getElementById('details').getBoundingClientRect().bottom") == 800
    shown.look()


PIXEL = """(() => {
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(timeline.chart.canvas, -2, -200);
  return [...copy.getImageData(0, 0, 1, 1).data];
})()"""
CONTRAST = """(one, two) => {
  const light = (name) => {
    const hex = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [a, b] = [light(one), light(two)];
  return Math.max(a, b) / Math.min(a, b);
}"""


def many(count: int) -> "Generator[dict[str, Any]]":
    """Events as quickly as can be: a call of a tool each second, one in thirty failed."""
    for number in range(count):
        minute, second = divmod(number, 60)
        hour, minute = divmod(minute, 60)
        day, hour = divmod(hour, 24)
        yield {
            "timestamp": f"2026-11-{1 + day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{number % 997:06d}Z",
            "milestone_id": "demo",
            "session_id": f"session-{day}",
            "event_type": "tool_used" if number % 30 else "tool_failed",
            "data": {"tool": "Bash", "target": f"file-{number % 500}.py", "duration_ms": number % 1900},
            "agent_id": ("builder", "reviewer", "system")[number % 3],
            "event_id": f"event-{number:08x}",
            "sequence_number": number + 1,
        }


def test_fifty_thousand_events_are_drawn_no_longer_than_two_thousand(browser: Chromium, tmp_path: Path) -> None:
    drawn = {}
    for count in (2000, 50_000):
        address = written(tmp_path, list(many(count)))
        shown = browser.open(address, before=COUNTING)
        drawn[count] = shown.eval("window.drawn = 0, timeline.chart.draw(), window.drawn")
        assert shown.eval("document.querySelectorAll('#rows tr').length") < 60
        assert shown.eval("document.querySelectorAll('*').length") < 800
    timed = """(text => {
        const start = performance.now();
        timeline.filter({ text });
        return performance.now() - start;
    })"""
    took = [shown.eval(f"{timed}('{text}')") for text in ("file-499", "bash 7", "")]
    loaded = shown.eval("performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"50,000 events: loaded in {loaded:.0f} ms, filtered in {took[0]:.0f}, {took[1]:.0f}, {took[2]:.0f} ms")
    shown.eval("timeline.filter({text: 'file-499'})")
    assert shown.eval("timeline.shown.length") == 100
    shown.eval("document.getElementById('list').scrollTop = 1e9")
    shown.settle()
    assert shown.eval("document.querySelectorAll('#rows tr').length") < 60
    assert drawn[50_000] < 4 * drawn[2000]
    is_clean(shown, address)
    shown.close()


def test_what_is_too_much_is_counted_and_the_page_says_so(
    browser: Chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 300)
    address = written(tmp_path, list(many(5000)))
    shown = browser.open(address)
    footer = shown.eval("document.querySelector('footer').innerText")
    assert "The newest 300 events are here in full; the 4,700 older ones are counted, in intervals of" in footer
    assert "5,000" in shown.eval("document.querySelector('.facts').innerText")
    counts = "timeline.chart.older.flatMap(counts => [...counts.values()])"
    total = f"{counts}.reduce((sum, count) => sum + count, 0)"
    assert shown.eval(total) == 4700
    shown.eval("timeline.filter({failures: true})")
    assert shown.eval(total) == 157, "of what failed it knows how many"
    shown.eval("timeline.filter({text: 'bash', failures: false})")
    assert shown.eval(total) == 0, "a text cannot be looked for in them"
    assert shown.eval("timeline.log.stamp(0)") == "2026-11-01T01:18:20.712Z".replace("712Z", "000712Z")
    is_clean(shown, address)
    shown.close()
