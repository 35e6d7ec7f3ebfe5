// The style and the script inside a flame graph's SVG. Without the script it is a picture all the same.
#pragma once

#include <string_view>

namespace autotune::render {

// Boxes are <g class="f kN" data-l data-w data-d data-n [data-b]>: left and width in units of weight, depth,
// name, what the weight was; kN is the kind of the frame. A box's own fill is its colour by package or by
// change.
inline constexpr std::string_view kFlameStyle = R"css(
svg{background:#fff;font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:11px}
text{fill:#1a1a1a}.f text{pointer-events:none;fill:#111}.t{font-size:16px;font-weight:bold}.s{fill:#666}
.runtime .k1 rect{fill:#f2b37a}.runtime .k2 rect{fill:#ee8a86}.runtime .k3 rect{fill:#8bbbe8}.runtime .k4 rect{fill:#8fd18f}
.runtime .k5 rect{fill:#d3a3e6}.runtime .k0 rect{fill:#c9cdd4}.cut rect{stroke:#92400e;stroke-dasharray:4 2}.runtime .cut rect{fill:#e3a008}
.f{cursor:pointer}.f:hover rect{stroke:#000;stroke-width:1}.f.up rect{opacity:.55}.f.hit rect,.runtime .f.hit rect{fill:#c026d3}
.f.hit text{fill:#fff}.b{cursor:pointer;fill:#2563eb}.b:focus,.b:hover{text-decoration:underline}
@media (prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.s{fill:#9aa0aa}.b{fill:#7aa2ff}
.f:hover rect{stroke:#fff}}
)css";

inline constexpr std::string_view kFlameScript = R"js(
'use strict';
(function () {
  var svg = document.documentElement;
  if (svg.tagName.toLowerCase() !== 'svg') svg = document.currentScript.closest('svg');
  var $ = function (id) { return svg.querySelector('#' + id); };
  var pad = +svg.dataset.pad, width = +svg.dataset.width, glyph = +svg.dataset.glyph, row = +svg.dataset.row;
  var head = +svg.dataset.head, bottom = +svg.dataset.bottom, icicle = svg.dataset.icicle === '1';
  var compared = svg.dataset.compared === '1', upright = $('frames'), pattern = null, test = null;
  var boxes = Array.prototype.map.call(upright.querySelectorAll('g.f'), function (g) {
    return {g: g, l: +g.dataset.l, w: +g.dataset.w, d: +g.dataset.d, n: g.dataset.n, b: +g.dataset.b || 0,
            rect: g.querySelector('rect'), text: g.querySelector('text')};
  });
  var total = boxes[0].w, before = boxes[0].b, views = {up: {root: upright, boxes: boxes}}, view = views.up, focus = boxes[0];

  function label(box, px) {
    var room = Math.floor((px - 6) / glyph), name = Array.from(box.n);
    if (room < 3) return '';
    return name.length <= room ? box.n : name.slice(0, room - 1).join('') + '\u2026';
  }
  function show(box) {
    focus = box;
    var scale = width / focus.w;
    view.boxes.forEach(function (b) {
      var above = b.d < focus.d && b.l <= focus.l && b.l + b.w >= focus.l + focus.w;
      var inside = b.d >= focus.d && b.l >= focus.l && b.l + b.w <= focus.l + focus.w;
      b.g.style.display = above || inside ? '' : 'none';
      b.g.classList.toggle('up', above);
      if (!above && !inside) return;
      var x = above ? pad : pad + (b.l - focus.l) * scale, w = above ? width : b.w * scale;
      var y = icicle ? head + row * b.d : bottom - row * (b.d + 1);
      b.rect.setAttribute('x', x.toFixed(2));
      b.rect.setAttribute('y', y.toFixed(2));
      b.rect.setAttribute('width', Math.max(w - 0.3, 0.1).toFixed(2));
      b.text.setAttribute('x', (x + 3).toFixed(2));
      b.text.setAttribute('y', (y + 12).toFixed(2));
      b.text.textContent = label(b, w);
    });
    $('reset').style.display = focus === view.boxes[0] ? 'none' : '';
  }
  // The same time from its other end: what was running at the root, above it its callers. Of what is drawn.
  function merged() {
    var root = {n: 'all', w: 0, b: 0, d: 0, from: boxes[0], below: new Map()}, path = [];
    boxes.forEach(function (box, i) {
      path.length = box.d; path.push(box);
      var own = box.w, was = box.b;
      for (var k = i + 1; k < boxes.length && boxes[k].d > box.d; ++k)
        if (boxes[k].d === box.d + 1) { own -= boxes[k].w; was -= boxes[k].b; }
      if (box.d === 0 || (own <= 0 && was <= 0)) return;
      var at = root;
      for (var d = box.d; d > 0; --d) {
        at.w += own; at.b += was;
        var name = path[d].n;
        if (!at.below.has(name)) at.below.set(name, {n: name, w: 0, b: 0, d: at.d + 1, from: path[d], below: new Map()});
        at = at.below.get(name);
      }
      at.w += own; at.b += was;
    });
    var group = upright.cloneNode(false), out = [], open = [root];
    group.id = 'callers'; root.l = 0; root.w = total; root.b = before;
    while (open.length) {
      var at = open.pop(), g = at.from.g.cloneNode(true), x = at.l, below = Array.from(at.below.values());
      if (at.w * width < 0.3 * total && at !== root) continue;
      group.append(g);
      out.push({g: g, l: at.l, w: at.w, d: at.d, n: at.n, b: at.b, rect: g.querySelector('rect'), text: g.querySelector('text')});
      g.querySelector('title').textContent = at.n + '\n' + (100 * at.w / total).toFixed(2) + ' %' +
        (compared ? ', before ' + (before ? 100 * at.b / before : 0).toFixed(2) + ' %' : '');
      below.sort(function (a, b) { return a.n < b.n ? -1 : 1; }).forEach(function (c) { c.l = x; x += c.w; });
      open.push.apply(open, below);
    }
    if (compared) {
      var change = function (b) { return b.w / (total || 1) - b.b / (before || 1); }, most = 0;
      out.forEach(function (b) { most = Math.max(most, Math.abs(change(b))); });
      out.forEach(function (b) {
        var s = most ? Math.sqrt(Math.abs(change(b)) / most) : 0;
        b.rect.setAttribute('fill', 'hsl(' + (change(b) > 0 ? 8 : 215) + ',' + Math.round(85 * s) + '%,' + Math.round(93 - 38 * s) + '%)');
      });
    }
    upright.after(group);
    listen(out);
    return {root: group, boxes: out};
  }
  function mark() {
    var end = 0, sum = 0, hits = 0;
    view.boxes.forEach(function (b) { b.hit = !!test && b.d > 0 && test.test(b.n); b.g.classList.toggle('hit', b.hit); });
    view.boxes.filter(function (b) { return b.hit; })
      .sort(function (a, b) { return a.l - b.l || b.w - a.w; })
      .forEach(function (b) {
        ++hits;
        var from = Math.max(b.l, end);
        if (b.l + b.w > from) { sum += b.l + b.w - from; end = b.l + b.w; }
      });
    $('found').textContent = test ? hits + ' boxes, ' + (100 * sum / total).toFixed(2) + ' %' : '';
  }
  function search() {
    var asked = window.prompt('Search function names (regular expression; empty to clear)', pattern || '');
    if (asked === null) return;
    pattern = asked; test = null;
    if (asked) {
      try { test = new RegExp(asked); } catch (e) { $('found').textContent = 'not a regular expression'; return; }
    }
    mark();
  }
  function invert() {
    view.root.style.display = 'none';
    view = view === views.up ? views.leaves = views.leaves || merged() : views.up;
    view.root.style.display = '';
    $('invert').textContent = view === views.up ? 'invert' : 'upright';
    show(view.boxes[0]); mark();
  }
  function flip() {
    icicle = !icicle;
    $('icicle').textContent = icicle ? 'flame' : 'icicle';
    show(focus);
  }
  function colour() {
    var on = svg.classList.toggle('runtime');
    $('colour').textContent = 'colour: ' + (on ? 'runtime' : compared ? 'change' : 'package');
  }
  function on(node, act) {
    node.style.display = '';
    node.addEventListener('click', act);
    node.addEventListener('keydown', function (e) { if (e.key === 'Enter') act(); });
  }
  function listen(list) { list.forEach(function (b) { b.g.addEventListener('click', function () { show(b); }); }); }
  listen(boxes);
  on($('search'), search); on($('invert'), invert); on($('icicle'), flip); on($('colour'), colour);
  on($('reset'), function () { show(view.boxes[0]); });
  $('reset').style.display = 'none';
  window.addEventListener('keydown', function (e) {
    if ((e.ctrlKey || e.metaKey) && e.key === 'f') { e.preventDefault(); search(); }
    if (e.key === 'Escape') show(view.boxes[0]);
  });
})();
)js";

}  // namespace autotune::render
