// The page of a graph: data, a layout in layers, and light on what belongs together.
#pragma once

#include <string_view>

namespace autotune::render {

inline constexpr std::string_view kGraphStyle = R"css(
:root{--bg:#fff;--fg:#1a1a1a;--dim:#777;--line:#9aa3b2;--box:#eef2fb;--lit:#c2410c}
@media (prefers-color-scheme:dark){:root{--bg:#16181d;--fg:#e6e6e6;--dim:#9aa0aa;--line:#5b6373;--box:#262b36;--lit:#fb923c}}
body{margin:0;background:var(--bg);color:var(--fg);font:13px/1.4 system-ui,sans-serif}h1{font-size:16px;margin:10px 14px}
svg{display:block;font:12px ui-monospace,monospace}rect{fill:var(--box);stroke:var(--line)}text{fill:var(--fg)}
path{fill:none;stroke:var(--line)}.weight{fill:var(--dim);font-size:10px}.inferred{stroke-dasharray:5 3}g.node{cursor:pointer}
.some .node,.some .edge{opacity:.25}.some .lit{opacity:1}.lit rect,.lit path{stroke:var(--lit);stroke-width:2}p{margin:10px 14px;color:var(--dim)}
)css";

// Layers: the longest way from a node that nobody calls; edges that would go back in a cycle do not count.
// Within a layer nodes stand by the middle of those they are joined to, in a few passes up and down
// (Sugiyama's method).
inline constexpr std::string_view kGraphScript = R"js('use strict';
(function () {
  const D = JSON.parse(document.getElementById('data').textContent), NS = 'http://www.w3.org/2000/svg';
  const n = D.nodes.length, at = new Map(D.nodes.map((node, i) => [node.name, i]));
  const edges = D.edges.map(e => Object.assign({a: at.get(e.from), b: at.get(e.to)}, e));
  const out = D.nodes.map(() => []), into = D.nodes.map(() => []), state = new Uint8Array(n);
  edges.forEach(e => out[e.a].push(e));
  // Depth first without recursion; an edge to what is still open closes a cycle.
  const order = [];
  for (let root = 0; root < n; ++root) {
    const open = state[root] ? [] : [[root, 0]];
    if (open.length) state[root] = 1;
    while (open.length) {
      const top = open[open.length - 1], e = out[top[0]][top[1]++];
      if (!e) { state[top[0]] = 2; order.push(top[0]); open.pop(); continue; }
      if (state[e.b] === 1) e.back = true;
      if (!state[e.b]) { state[e.b] = 1; open.push([e.b, 0]); }
    }
  }
  const layer = new Uint32Array(n);
  order.reverse().forEach(i => out[i].forEach(e => { if (!e.back) layer[e.b] = Math.max(layer[e.b], layer[i] + 1); }));
  edges.forEach(e => into[e.b].push(e));
  const layers = [];
  for (let i = 0; i < n; ++i) (layers[layer[i]] = layers[layer[i]] || []).push(i);
  const place = new Float64Array(n);
  layers.forEach(l => l.forEach((i, k) => { place[i] = k; }));
  for (let pass = 0; pass < 8; ++pass) layers.forEach(l => {
    const middle = i => { const near = pass % 2 ? out[i].map(e => e.b) : into[i].map(e => e.a);
      return near.length ? near.reduce((s, k) => s + place[k], 0) / near.length : place[i]; };
    l.map(i => [middle(i), i]).sort((x, y) => x[0] - y[0] || x[1] - y[1]).forEach((p, k) => { l[k] = p[1]; place[p[1]] = k; });
  });
  const wide = layers.map(l => Math.max(...l.map(i => Array.from(D.nodes[i].name).length)) * 7.3 + 24);
  const left = []; wide.reduce((x, w, i) => { left[i] = x; return x + w + 120; }, 14);
  const tall = Math.max(...layers.map(l => l.length), 1) * 56 + 20;
  const x = i => left[layer[i]], y = i => 20 + (place[i] + 0.5) * (tall - 20) / layers[layer[i]].length;
  const make = (name, attributes, parent, text) => { const element = document.createElementNS(NS, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text; parent.append(element); return element; };
  const right = layers.length ? left[layers.length - 1] + wide[layers.length - 1] + 14 : 100;
  const svg = make('svg', {width: right, height: tall + 20, viewBox: '0 0 ' + right + ' ' + (tall + 20)}, document.body);
  edges.forEach(e => {
    const x1 = x(e.a) + wide[layer[e.a]], y1 = y(e.a), x2 = x(e.b), y2 = y(e.b), bend = e.back ? -90 : (x2 - x1) / 2;
    e.g = make('g', {class: 'edge' + (e.inferred ? ' inferred' : ''), 'data-from': e.from, 'data-to': e.to}, svg);
    make('path', {d: `M${x1} ${y1}C${x1 + Math.abs(bend)} ${y1 + (e.back ? bend : 0)} ${x2 - Math.abs(bend)} ${y2 + (e.back ? bend : 0)} ${x2} ${y2}`}, e.g);
    make('path', {d: `M${x2 - 6} ${y2 - 4}L${x2} ${y2}L${x2 - 6} ${y2 + 4}`}, e.g);
    make('text', {class: 'weight', x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 4, 'text-anchor': 'middle'}, e.g, e.confidence.toFixed(0));
    make('title', {}, e.g, `${e.from} \u2192 ${e.to}\nconfidence ${e.confidence.toFixed(1)}` + (e.inferred ? ', inferred' : `, ${e.weight.toFixed(1)} flows`));
  });
  const boxes = D.nodes.map((node, i) => {
    const g = make('g', {class: 'node', 'data-name': node.name, tabindex: 0}, svg);
    make('rect', {x: x(i), y: y(i) - 15, width: wide[layer[i]], height: 30, rx: 6}, g);
    make('text', {x: x(i) + 12, y: y(i) + 4}, g, node.name);
    make('title', {}, g, `${node.name}\n${node.flows.toLocaleString('en')} flows`);
    g.addEventListener('mouseenter', () => light(i)); g.addEventListener('focus', () => light(i));
    g.addEventListener('mouseleave', dark); g.addEventListener('blur', dark);
    return g;
  });
  // All that it needs, and all that needs it.
  function light(i) {
    dark();
    svg.classList.add('some');
    for (const [next, end] of [[out, 'b'], [into, 'a']]) {
      const open = [i], seen = new Set(open);
      while (open.length) {
        const k = open.pop();
        boxes[k].classList.add('lit');
        next[k].forEach(e => { e.g.classList.add('lit'); if (!seen.has(e[end])) { seen.add(e[end]); open.push(e[end]); } });
      }
    }
  }
  function dark() { svg.classList.remove('some'); svg.querySelectorAll('.lit').forEach(e => e.classList.remove('lit')); }
})();
)js";

}  // namespace autotune::render
