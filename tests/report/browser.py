#!/usr/bin/python3
"""Looks at reports in headless Chromium: at the width of a phone and of a desk, light, dark
and printed. Takes screenshots, and fails where something overflows, overlaps or is hard to
read, where the console has an error or where anything is asked of the network.

usage: browser.py FOLDER REPORT.html…      FOLDER for screenshots of the first
Exits with 77 where Chromium, its driver or python3-selenium is absent."""
import base64
import json
import os
import shutil
import sys
import tempfile

SKIPPED = 77
WIDTHS = {"phone": 360, "desk": 1280}

# Runs in the page. Everything it returns is a list of complaints.
CHECK = r"""
const complaints = [];
const say = (what, element) => complaints.push(what + ': ' + (element ?
    element.tagName + ' "' + (element.textContent || '').trim().slice(0, 50) + '"' : ''));
const seen = e => e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true});
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth)
    say('the page is ' + root.scrollWidth + ' wide in ' + root.clientWidth, root);

// Nothing sticks out of the page but inside of a box that scrolls.
for (const e of document.querySelectorAll('body *')) {
    if (!seen(e) || e.closest('svg') || e.closest('.scroll'))
        continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.left < -0.5 || box.right > root.clientWidth + 0.5))
        say('sticks out to ' + box.right, e);
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
        say('clips its text', e);
}
for (const e of document.querySelectorAll('.scroll'))
    if (seen(e) && arguments[1] === 'screen' && getComputedStyle(e).overflowX !== 'auto')
        say('does not scroll', e);

// Cells of a table hold their text.
for (const e of document.querySelectorAll('th, td'))
    if (seen(e) && e.scrollWidth > e.clientWidth + 1)
        say('clips its text', e);

// Text of a chart neither overlaps nor leaves the picture.
let charts = 0, texts = 0;
for (const svg of document.querySelectorAll('svg')) {
    if (!seen(svg))
        continue;
    charts++;
    const frame = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]);
    texts += boxes.length;
    boxes.forEach(([e, a], i) => {
        if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 ||
            a.bottom > frame.bottom + 1)
            say('leaves its chart', e);
        if (parseFloat(getComputedStyle(e).fontSize) * frame.width / svg.viewBox.baseVal.width < 10)
            say('too small to read', e);
        for (const [f, b] of boxes.slice(i + 1))
            if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
                Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
                say('overlaps "' + f.textContent + '"', e);
    });
    if (!svg.closest('figure') || !svg.closest('figure').querySelector('table'))
        say('a chart without a table', svg);
    if (!svg.getAttribute('aria-label'))
        say('a chart without a label', svg);
}
if (arguments[0] && charts === 0)
    say('no chart is shown', root);

// Blocks that follow each other do not lie on each other.
const blocks = [...document.querySelectorAll('h1,h2,h3,p,figure,table,pre,dl,nav,li,.care')]
    .filter(seen).map(e => [e, e.getBoundingClientRect()]);
blocks.forEach(([e, a], i) => {
    for (const [f, b] of blocks.slice(i + 1, i + 12))
        if (!e.contains(f) && !f.contains(e) && !e.closest('.scroll') && !f.closest('.scroll') &&
            Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
            say('lies on "' + f.textContent.trim().slice(0, 40) + '"', e);
});

// A number in two lines is read as two.
for (const e of [...document.querySelectorAll('#cost td:not(.text)')].filter(seen)) {
    const text = document.createRange();
    text.selectNodeContents(e);
    if (new Set([...text.getClientRects()].map(r => Math.round(r.top))).size > 1)
        say('a number in two lines', e);
}

// Contrast of every text to what is behind it (WCAG 2, 1.4.3).
const parts = c => (c.match(/[\d.]+/g) || []).map(Number);
const luminance = c => {
    const [r, g, b] = parts(c).slice(0, 3).map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = e => {
    for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor, p = parts(c);
        if (p.length === 3 || p[3] > 0)
            return c;
    }
    return 'rgb(255, 255, 255)';
};
const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
};
for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !seen(e))
        continue;
    const style = getComputedStyle(e);
    const colour = e.closest('svg') ? style.fill : style.color;
    const r = ratio(colour, ground(e.closest('svg') ? e.closest('svg').parentElement : e));
    if (r < 4.5)
        say('contrast ' + r.toFixed(2) + ' of ' + colour, e);
    if (style.userSelect === 'none' || style.pointerEvents === 'none')
        say('cannot be selected', e);
}

// What is selected is the text.
const selection = getSelection();
selection.selectAllChildren(document.querySelector('main'));
const copied = selection.toString();
for (const e of document.querySelectorAll('h1, h2'))
    if (!copied.includes(e.textContent.trim()))
        say('is not selected with the page', e);
selection.removeAllRanges();
if (document.querySelector('script, iframe, object, embed, img, link'))
    say('an element that loads something', document.querySelector('script, img, link'));
return {complaints: complaints.slice(0, 40), charts: charts, texts: texts};
"""


def skip(why):
    print("test skipped: " + why)
    sys.exit(SKIPPED)


try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    skip("python3-selenium is not installed")


def browser(profile):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        skip("chromium or chromium-driver is not installed")
    options = Options()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                 "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                 "--user-data-dir=" + profile):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Debian's driver is told where it is: Selenium would else look for one in the network.
    return webdriver.Chrome(service=Service(executable_path=driver), options=options)


def emulate(driver, width, scheme, media):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})


def screenshot(driver, path, width):
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": width, "height": size["height"], "scale": 1}})
    with open(path, "wb") as f:
        f.write(base64.b64decode(shot["data"]))


def requests(driver):
    """Addresses that the page asked for, beside its own."""
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def look(driver, folder, name, width, scheme, media, with_charts):
    """Checks the page once; with a folder, takes screenshots too."""
    emulate(driver, width, scheme, media)
    # In print what is folded away shows; a screen shows it when it is asked to.
    if media == "screen":
        driver.execute_script(
            "document.querySelectorAll('details').forEach(d => d.open = true)")
    found = driver.execute_script(CHECK, with_charts, media)
    if folder:
        screenshot(driver, os.path.join(folder, name + ".png"), width)
    if media == "screen":
        driver.execute_script(
            "document.querySelectorAll('details').forEach(d => d.open = false)")
    if media == "screen" and folder:
        screenshot(driver, os.path.join(folder, name + "-folded.png"), width)
    print("%s: %d charts, %d texts in them, %d complaints"
          % (name, found["charts"], found["texts"], len(found["complaints"])))
    return [name + ": " + c for c in found["complaints"]]


def printed(driver, folder):
    """The page as PDF, and whether what is folded away on a screen is in it."""
    emulate(driver, 1280, "light", "")
    pdf = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True,
                                                     "paperWidth": 8.27,
                                                     "paperHeight": 11.69})
    if folder:
        with open(os.path.join(folder, "print.pdf"), "wb") as f:
            f.write(base64.b64decode(pdf["data"]))
    emulate(driver, 800, "dark", "print")
    hidden = driver.execute_script(
        "return [...document.querySelectorAll('details table')]"
        ".filter(t => t.getBoundingClientRect().height === 0).length")
    return ["print: %d folded tables are missing" % hidden] if hidden else []


def look_at_all(driver, page, folder):
    """Every width, light and dark, and print; returns the complaints."""
    address = "file://" + os.path.abspath(page)
    with open(page, encoding="utf-8") as f:
        with_charts = "<svg" in f.read()
    if folder:
        os.makedirs(folder, exist_ok=True)
    complaints = []
    driver.get("about:blank")
    for log in ("performance", "browser"):  # what came before
        driver.get_log(log)
    driver.get(address)
    for name, width in WIDTHS.items():
        for scheme in ("light", "dark"):
            complaints += look(driver, folder, name + "-" + scheme, width, scheme, "screen",
                               with_charts)
    complaints += look(driver, folder, "print", 700, "dark", "print", with_charts)
    complaints += printed(driver, folder)
    complaints += ["asked for " + url for url in requests(driver) if url != address]
    complaints += ["console: " + line["message"] for line in driver.get_log("browser")
                   if line["level"] in ("SEVERE", "WARNING")]
    return [os.path.basename(page) + ", " + line for line in complaints]


def main():
    folder, pages = sys.argv[1], sys.argv[2:]
    complaints = []
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile)
        try:
            driver.execute_cdp_cmd("Network.enable", {})
            for page in pages:
                complaints += look_at_all(driver, page, folder if page == pages[0] else None)
        finally:
            driver.quit()
    for line in complaints:
        print(line)
    return 1 if complaints or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
