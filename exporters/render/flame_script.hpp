// The style and the script inside a flame graph's SVG.
#pragma once

#include <string_view>

namespace autotune::render {

// Boxes are <g class="f" data-l data-w data-d data-n>: left and width in units of weight, depth, name.
inline constexpr std::string_view kFlameStyle = R"css(
svg{background:#fff;font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:11px}
text{fill:#1a1a1a}.f text{pointer-events:none;fill:#111}.t{font-size:16px;font-weight:bold}.s{fill:#666}
.f{cursor:pointer}.f:hover rect{stroke:#000;stroke-width:1}.f.up rect{opacity:.55}.f.hit rect{fill:#c026d3}
.f.hit text{fill:#fff}.b{cursor:pointer;fill:#2563eb}.b:focus,.b:hover{text-decoration:underline}
@media (prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.s{fill:#9aa0aa}.b{fill:#7aa2ff}
.f:hover rect{stroke:#fff}}
)css";

inline constexpr std::string_view kFlameScript = R"js(
'use strict';
(function () {
  var svg = document.documentElement;
  if (svg.tagName.toLowerCase() !== 'svg') svg = document.currentScript.closest('svg');
  var boxes = Array.prototype.map.call(svg.querySelectorAll('g.f'), function (g) {
    return {g: g, l: +g.dataset.l, w: +g.dataset.w, d: +g.dataset.d, n: g.dataset.n,
            rect: g.querySelector('rect'), text: g.querySelector('text')};
  });
  var total = boxes[0].w, pad = +svg.dataset.pad, width = +svg.dataset.width, glyph = +svg.dataset.glyph;
  var found = svg.querySelector('#found'), reset = svg.querySelector('#reset'), pattern = null;

  function label(box, px) {
    var room = Math.floor((px - 6) / glyph), name = Array.from(box.n);
    if (room < 3) return '';
    return name.length <= room ? box.n : name.slice(0, room - 1).join('') + '\u2026';
  }
  function show(focus) {
    var scale = width / focus.w;
    boxes.forEach(function (b) {
      var above = b.d < focus.d && b.l <= focus.l && b.l + b.w >= focus.l + focus.w;
      var inside = b.d >= focus.d && b.l >= focus.l && b.l + b.w <= focus.l + focus.w;
      b.g.style.display = above || inside ? '' : 'none';
      b.g.classList.toggle('up', above);
      if (!above && !inside) return;
      var x = above ? pad : pad + (b.l - focus.l) * scale, w = above ? width : b.w * scale;
      b.rect.setAttribute('x', x.toFixed(2));
      b.rect.setAttribute('width', Math.max(w - 0.3, 0.1).toFixed(2));
      b.text.setAttribute('x', (x + 3).toFixed(2));
      b.text.textContent = label(b, w);
    });
    reset.style.display = focus === boxes[0] ? 'none' : '';
  }
  function search() {
    var asked = window.prompt('Search function names (regular expression; empty to clear)', pattern || '');
    if (asked === null) return;
    pattern = asked;
    var test = null;
    if (asked) {
      try { test = new RegExp(asked); } catch (e) { found.textContent = 'not a regular expression'; return; }
    }
    var end = 0, sum = 0, hits = 0;
    boxes.forEach(function (b) { b.hit = !!test && b.d > 0 && test.test(b.n); b.g.classList.toggle('hit', b.hit); });
    boxes.filter(function (b) { return b.hit; })
      .sort(function (a, b) { return a.l - b.l || b.w - a.w; })
      .forEach(function (b) {
        ++hits;
        var from = Math.max(b.l, end);
        if (b.l + b.w > from) { sum += b.l + b.w - from; end = b.l + b.w; }
      });
    found.textContent = test ? hits + ' boxes, ' + (100 * sum / total).toFixed(2) + ' %' : '';
  }
  function onkey(node, act) {
    node.addEventListener('click', act);
    node.addEventListener('keydown', function (e) { if (e.key === 'Enter') act(); });
  }
  boxes.forEach(function (b) { b.g.addEventListener('click', function () { show(b); }); });
  onkey(reset, function () { show(boxes[0]); });
  onkey(svg.querySelector('#search'), search);
  window.addEventListener('keydown', function (e) {
    if ((e.ctrlKey || e.metaKey) && e.key === 'f') { e.preventDefault(); search(); }
    if (e.key === 'Escape') show(boxes[0]);
  });
  svg.querySelector('#search').style.display = '';
})();
)js";

}  // namespace autotune::render
