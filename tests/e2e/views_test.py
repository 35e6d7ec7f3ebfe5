#!/usr/bin/env python3
"""Flame graphs as people use them: in a browser, and where no script runs."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import browser
import harness

STACKS = """\
main;handler;json.loads 40
main;handler;math.multiply 330
main;gc;memcpy 60
main;handler;db.query;vfs_read_[k] 90
main;handler;json.loads;memcpy 20
[truncated];memcpy 30
[unknown] 30
"""
BEFORE = """\
main;handler;math.multiply 100
main;handler;db.query;vfs_read_[k] 90
main;gc;memcpy 60
main;retired 50
"""
SVG = "{http://www.w3.org/2000/svg}"
# Boxes of the SVG that are to be seen, by name: [x, y, width]; names that occur twice have their last.
BOXES = """
const of = root => { const out = {}; for (const g of document.querySelectorAll(root + ' g.f')) if (g.style.display !== 'none') {
  const r = g.querySelector('rect'); out[g.dataset.n] = ['x', 'y', 'width'].map(a => +r.getAttribute(a)); } return out; };
const press = id => document.getElementById(id).dispatchEvent(new MouseEvent('click'));
const box = name => Array.from(document.querySelectorAll('#frames g.f')).find(g => g.dataset.n === name);
"""
# What the page tells of what is at a point: of the canvas, in CSS pixels from its lower left corner.
TIP = """
const canvas = document.getElementById('canvas'), tip = document.getElementById('tip');
const at = (x, level) => { const b = canvas.getBoundingClientRect();
  const y = document.getElementById('icicle').getAttribute('aria-pressed') === 'true' ? b.top + 18 * level + 8 : b.bottom - 18 * level - 10;
  canvas.dispatchEvent(new MouseEvent('mousemove', {clientX: b.left + x * b.width, clientY: y})); return tip.textContent; };
const press = id => document.getElementById(id).click();
"""


class Views(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.folder / "now.folded").write_text(STACKS)
        (cls.folder / "before.folded").write_text(BEFORE)
        cls.draw("--from", cls.folder / "now.folded", name="now")
        cls.draw("--from", cls.folder / "now.folded", "--icicle", "--colour", "runtime", name="icicle")
        cls.draw("--diff", cls.folder / "before.folded", cls.folder / "now.folded", name="change")

    @classmethod
    def draw(cls, *arguments, name):
        outputs = [word for end in ("svg", "html") for word in ("-o", cls.folder / f"{name}.{end}")]
        subprocess.run([harness.AUTOTUNE, "profile", *arguments, *outputs], check=True, timeout=60)

    def svg(self, name, script):
        return browser.ask(self.folder / f"{name}.svg", BOXES + script)

    def page(self, name, script):
        return browser.ask(self.folder / f"{name}.html", TIP + script)

    def need_browser(self):
        if not browser.chromium():
            if os.environ.get("CI"):
                self.fail("in CI there must be a browser: package chromium")
            self.skipTest("needs chromium")

    def test_an_svg_is_whole_without_its_script(self):
        root = xml.etree.ElementTree.parse(self.folder / "now.svg").getroot()
        boxes = {g.get("data-n"): g for g in root.find(f"{SVG}g[@id='frames']")}
        self.assertEqual(set(boxes), {"all", "main", "handler", "json.loads", "math.multiply", "gc", "memcpy", "db.query", "vfs_read",
                                      "[truncated]", "[unknown]"})
        for name, g in boxes.items():
            rect = g.find(f"{SVG}rect")
            share = float(g.get("data-w")) / 600
            self.assertAlmostEqual(float(rect.get("width")), 1180 * share - 0.3, delta=0.02, msg=name)
            self.assertNotIn("display", g.get("style", ""))
        self.assertIn("90 samples, 15.00 % of 600 samples", boxes["db.query"].find(f"{SVG}title").text)
        self.assertIn("cut", boxes["[truncated]"].get("class").split())
        notes = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
        self.assertIn("600 samples in 7 stacks; 5.00 % in stacks that do not reach their start", notes)
        for button in ("search", "invert", "icicle", "colour", "reset"):
            self.assertIn("display:none", root.find(f".//{SVG}text[@id='{button}']").get("style"))

    def test_an_svg_zooms_and_comes_back(self):
        self.need_browser()
        zoomed, back = self.svg("now", """box('handler').dispatchEvent(new MouseEvent('click', {bubbles: true}));
            const zoomed = of('#frames'); press('reset'); return [zoomed, of('#frames')];""")
        self.assertEqual(set(zoomed), {"all", "main", "handler", "json.loads", "math.multiply", "memcpy", "db.query", "vfs_read"})
        self.assertAlmostEqual(zoomed["math.multiply"][2], 1180 * 330 / 480, delta=1)
        self.assertAlmostEqual(back["math.multiply"][2], 1180 * 330 / 600, delta=1)

    def test_an_svg_is_searched(self):
        self.need_browser()
        found, hits, wrong = self.svg("now", """window.prompt = () => 'memcpy|gc'; press('search');
            const found = document.getElementById('found').textContent, hits = document.querySelectorAll('.f.hit').length;
            window.prompt = () => '('; press('search'); return [found, hits, document.getElementById('found').textContent];""")
        self.assertEqual(found, "4 boxes, 18.33 %")  # gc with memcpy in it once: 60 + 20 + 30
        self.assertEqual(hits, 4)
        self.assertEqual(wrong, "not a regular expression")

    def test_an_svg_is_turned_round(self):
        self.need_browser()
        up, down = self.svg("now", "const up = of('#frames'); press('icicle'); return [up, of('#frames')];")
        self.assertGreater(up["all"][1], up["main"][1])
        self.assertLess(down["all"][1], down["main"][1])
        first = self.svg("icicle", "return of('#frames');")
        self.assertEqual(down, first)

    def test_an_svg_is_inverted_to_who_calls_what_runs(self):
        self.need_browser()
        leaves, tips, back = self.svg("now", """press('invert'); const boxes = of('#callers'), tips = {};
            for (const g of document.querySelectorAll('#callers g.f')) tips[g.dataset.n] = g.querySelector('title').textContent;
            const level = Object.keys(boxes).filter(n => Math.abs(boxes[n][1] - boxes['all'][1]) === 17);
            press('invert'); return [level.map(n => [n, Math.round(boxes[n][2] / 1180 * 600)]), tips, Object.keys(of('#frames')).length];""")
        leaves = dict(leaves)
        self.assertEqual(leaves["memcpy"], 110)  # of gc, of json.loads, of a cut stack
        self.assertEqual(leaves["math.multiply"], 330)
        self.assertEqual(leaves["vfs_read"], 90)
        self.assertIn("15.00 %", tips["db.query"])
        self.assertEqual(back, 11)

    def test_an_svg_is_coloured_by_runtime(self):
        self.need_browser()
        colours = self.svg("now", """const fill = n => getComputedStyle(box(n).querySelector('rect')).fill;
            const before = fill('vfs_read'); press('colour'); return [before, fill('vfs_read'), fill('gc'), fill('[truncated]')];""")
        self.assertEqual(len(set(colours)), 4)
        self.assertEqual(colours[1], "rgb(238, 138, 134)")

    def test_a_comparison_is_red_where_it_grew_and_blue_where_it_shrank(self):
        root = xml.etree.ElementTree.parse(self.folder / "change.svg").getroot()
        boxes = {g.get("data-n"): g for g in root.find(f"{SVG}g[@id='frames']")}
        fills = {name: g.find(f"{SVG}rect").get("fill") for name, g in boxes.items()}
        self.assertTrue(fills["math.multiply"].startswith("hsl(8,85%,55%)"), fills)  # 33 % to 55 %: the most
        self.assertTrue(fills["db.query"].startswith("hsl(215,"), fills)             # 30 % to 15 %
        self.assertIn("before: 90 samples, 30.00 % of 300 samples", boxes["db.query"].find(f"{SVG}title").text)
        notes = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
        self.assertIn("16.67 % of before is gone and has no box", notes)
        self.need_browser()
        tip, foot = self.page("change", "return [at(0.5, 3), document.getElementById('foot').textContent];")
        self.assertIn("before: ", tip)
        self.assertIn("16.67 % of before is gone", foot)

    def test_the_page_does_the_same(self):
        self.need_browser()
        tips = self.page("now", """const out = {root: at(0.5, 0), up: at(0.99, 1)};
            press('icicle'); out.icicle = at(0.99, 1); press('icicle');
            press('invert'); out.leaf = at(0.75, 1); press('invert');
            const search = document.getElementById('search'); search.value = 'memcpy|gc'; search.dispatchEvent(new Event('input'));
            out.found = document.getElementById('found').textContent;
            press('table'); out.rows = Array.from(document.querySelectorAll('tr.row')).map(r => Array.from(r.cells).map(c => c.textContent));
            out.foot = document.getElementById('foot').textContent; return out;""")
        self.assertTrue(tips["root"].startswith("all\n600 samples, 100.00 %"), tips)
        self.assertTrue(tips["up"].startswith("main\n540 samples, 90.00 %"), tips)
        self.assertEqual(tips["icicle"], tips["up"])
        self.assertIn("memcpy\n110 samples", tips["leaf"])
        self.assertEqual(tips["found"], "18.33 %")
        self.assertEqual(tips["rows"][0], ["110 samples", "18.33 %", "110 samples", "18.33 %", "memcpy"])
        self.assertIn("5.00 % in stacks that do not reach their start", tips["foot"])

    def test_zooming_the_page_fills_it(self):
        self.need_browser()
        tip, back = self.page("now", """const b = canvas.getBoundingClientRect();
            canvas.dispatchEvent(new MouseEvent('click', {clientX: b.left + 0.99 * b.width, clientY: b.bottom - 28}));
            const zoomed = at(0.01, 1); press('reset'); return [zoomed, at(0.01, 1)];""")
        self.assertTrue(tip.startswith("main\n"), tip)
        self.assertTrue(back.startswith("[truncated]\n"), back)

    def test_recursion_ten_thousand_deep_is_drawn_and_scrolled(self):
        self.need_browser()
        (self.folder / "deep.folded").write_text("main;" + ";".join(["again"] * 10_000) + " 90\nmain;other 10\n")
        self.draw("--from", self.folder / "deep.folded", name="deep")
        tips = self.page("deep", """const view = document.getElementById('view'), out = [at(0.5, 0), at(0.5, 1), at(0.95, 2)];
            out.push(canvas.height / devicePixelRatio <= view.clientHeight);
            out.push(canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height - 12, 1, 1).data[3]);
            view.scrollTop = 0; view.dispatchEvent(new Event('scroll')); out.push(at(0.5, 0)); return out;""")
        self.assertTrue(tips[0].startswith("all\n100 samples"), tips)
        self.assertTrue(tips[1].startswith("main\n"), tips)
        self.assertTrue(tips[2].startswith("other\n10 samples"), tips)
        self.assertEqual(tips[3:5], [True, 255])
        self.assertTrue(tips[5].startswith("again\n90 samples"), tips)  # ten thousand levels up
        svg = (self.folder / "deep.svg").read_text()
        self.assertIn("90.00 % is deeper than 256 levels and cut", svg)


if __name__ == "__main__":
    unittest.main(verbosity=2)
