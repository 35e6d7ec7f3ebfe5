// The page of a graph: data, a layout in layers, and light on what belongs together.
#pragma once

#include <string>
#include <string_view>

namespace autotune::render {

struct GraphPage {
    std::string title, about;  // text; about: a sentence
    std::string data;          // JSON, as kGraphScript has it
    std::string_view style = {}, script = {};  // beyond the graph's own
};
// One page that needs no network.
[[nodiscard]] std::string graph_page(GraphPage page);

inline constexpr std::string_view kGraphStyle = R"css(
:root{--bg:#fff;--fg:#1a1a1a;--dim:#777;--line:#9aa3b2;--box:#eef2fb;--lit:#c2410c}
@media (prefers-color-scheme:dark){:root{--bg:#16181d;--fg:#e6e6e6;--dim:#9aa0aa;--line:#5b6373;--box:#262b36;--lit:#fb923c}}
body{margin:0;background:var(--bg);color:var(--fg);font:13px/1.4 system-ui,sans-serif}h1{font-size:16px;margin:10px 14px}
svg{display:block;font:12px ui-monospace,monospace}rect{fill:var(--box);stroke:var(--line)}rect.heat{fill:#fb8c00}text{fill:var(--fg)}
path{fill:none;stroke:var(--line)}.weight{fill:var(--dim);font-size:10px;paint-order:stroke;stroke:var(--bg);stroke-width:3px}.inferred{stroke-dasharray:5 3}g.node{cursor:pointer}
.some .node,.some .edge{opacity:.25}.some .lit{opacity:1}.lit rect,.lit path{stroke:var(--lit);stroke-width:2}p{margin:10px 14px;color:var(--dim)}
)css";

// Layers: the longest way from a node that nobody calls; edges that would go back in a cycle do not count. An edge over
// several layers has a place of its own in each between, so that it passes beside the boxes. Within a layer places stand
// by the middle of those they are joined to, in a few passes up and down (Sugiyama's method).
// Data: nodes {name, flows | hint, kind?}, edges {from, to, a?, b?, confidence, weight | label, hint, inferred?, failed?}.
inline constexpr std::string_view kGraphScript = R"js('use strict';
(function () {
  const D = JSON.parse(document.getElementById('data').textContent), NS = 'http://www.w3.org/2000/svg';
  const n = D.nodes.length, at = new Map(D.nodes.map((node, i) => [node.name, i]));
  const shown = node => node.label === undefined ? node.name : node.label;
  const edges = D.edges.map(e => Object.assign({a: at.get(e.from), b: at.get(e.to)}, e));
  edges.forEach(e => { if (e.label === undefined) { e.label = e.confidence.toFixed(0);
    e.hint = `${e.from} \u2192 ${e.to}\nconfidence ${e.confidence.toFixed(1)}` + (e.inferred ? ', inferred' : `, ${e.weight.toFixed(1)} flows`); } });
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
  const layer = Array(n).fill(0);
  order.reverse().forEach(i => out[i].forEach(e => { if (!e.back) layer[e.b] = Math.max(layer[e.b], layer[i] + 1); }));
  edges.forEach(e => into[e.b].push(e));
  // Places: the nodes, and where long edges pass. Neighbours of each to its left and right.
  const before = D.nodes.map(() => []), after = D.nodes.map(() => []);
  edges.forEach(e => {
    e.via = [];
    if (e.back) return;
    let last = e.a;
    for (let l = layer[e.a] + 1; l < layer[e.b]; ++l) { e.via.push(layer.length); after[last].push(layer.length);
      before.push([last]); after.push([]); last = layer.length; layer.push(l); }
    after[last].push(e.b); before[e.b].push(last);
  });
  const layers = [];
  layer.forEach((l, i) => (layers[l] = layers[l] || []).push(i));
  const place = new Float64Array(layer.length);
  layers.forEach(l => l.forEach((i, k) => { place[i] = (k + 0.5) / l.length; }));
  const sweep = (l, near) => l.map(i => [near[i].length ? near[i].reduce((s, k) => s + place[k], 0) / near[i].length : place[i], i])
    .sort((x, y) => x[0] - y[0] || x[1] - y[1]).forEach((p, k) => { l[k] = p[1]; place[p[1]] = (k + 0.5) / l.length; });
  for (let pass = 0; pass < 12; ++pass)
    if (pass % 2) layers.slice().reverse().forEach(l => sweep(l, after)); else layers.forEach(l => sweep(l, before));
  const long = text => Array.from(text).length;
  const wide = layers.map(l => Math.max(20, ...l.filter(i => i < n).map(i => long(shown(D.nodes[i])) * 7.3 + 24)));
  const gap = Math.max(120, ...edges.map(e => long(e.label) * 6.1 + 40));
  const left = []; wide.reduce((x, w, i) => { left[i] = x; return x + w + gap; }, 14);
  const tall = Math.max(...layers.map(l => l.length), 1) * 56 + 20;
  const x = i => left[layer[i]], y = i => 20 + place[i] * (tall - 20);
  const make = (name, attributes, parent, text) => { const element = document.createElementNS(NS, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text; parent.append(element); return element; };
  const right = layers.length ? left[layers.length - 1] + wide[layers.length - 1] + (edges.some(e => e.back) ? 110 : 14) : 100;
  const svg = make('svg', {width: right, height: tall + 20, viewBox: '0 0 ' + right + ' ' + (tall + 20)}, document.body);
  const taken = [];  // by labels: the next one moves down until it covers none
  const free = (at, down, width) => { while (taken.some(t => Math.abs(t[0] - at) < (t[2] + width) / 2 && Math.abs(t[1] - down) < 11)) down += 3;
    taken.push([at, down, width]); return down; };
  edges.forEach((e, k) => {
    e.g = make('g', {class: 'edge' + (e.inferred ? ' inferred' : '') + (e.failed ? ' failed' : ''), 'data-from': e.from, 'data-to': e.to}, svg);
    let px = x(e.a) + wide[layer[e.a]], py = y(e.a), d = `M${px} ${py}`;
    const x2 = x(e.b), y2 = y(e.b), t = [0.5, 0.36, 0.64][k % 3];
    let lx = px + (x2 - px) * 0.5, ly = (py + y2) / 2;
    if (e.back) { d += `C${px + 90} ${py - 90} ${x2 - 90} ${y2 - 90} ${x2} ${y2}`; ly -= 56; } else {
      const s = t * t * (3 - 2 * t), next = e.via.length ? e.via[0] : e.b;
      lx = px + (x(next) - px) * t; ly = py + (y(next) - py) * s;
      e.via.concat(e.b).forEach(i => { const m = (x(i) - px) / 2;
        d += `C${px + m} ${py} ${x(i) - m} ${y(i)} ${x(i)} ${y(i)}`;
        px = x(i); py = y(i); if (i !== e.b) { px += wide[layer[i]]; d += `L${px} ${py}`; } });
    }
    make('path', {d}, e.g);
    make('path', {d: `M${x2 - 6} ${y2 - 4}L${x2} ${y2}L${x2 - 6} ${y2 + 4}`}, e.g);
    e.text = make('text', {class: 'weight', x: lx, y: free(lx, ly - 4, long(e.label) * 6.1), 'text-anchor': 'middle'}, e.g, e.label);
    make('title', {}, e.g, e.hint);
  });
  const boxes = D.nodes.map((node, i) => {
    const g = make('g', {class: 'node' + (node.kind ? ' ' + node.kind : ''), 'data-name': shown(node), tabindex: 0}, svg);
    make('rect', {x: x(i), y: y(i) - 15, width: wide[layer[i]], height: 30, rx: node.kind === 'function' ? 14 : 6}, g);
    if (node.heat) make('rect', {x: x(i), y: y(i) - 15, width: wide[layer[i]], height: 30, rx: 6, class: 'heat', 'fill-opacity': node.heat * 0.6}, g);
    make('text', {x: x(i) + 12, y: y(i) + 4}, g, shown(node));
    make('title', {}, g, node.hint !== undefined ? node.hint : `${node.name}\n${node.flows.toLocaleString('en')} flows`);
    g.addEventListener('mouseenter', () => light(i)); g.addEventListener('focus', () => light(i));
    g.addEventListener('mouseleave', dark); g.addEventListener('blur', dark);
    return g;
  });
  let held = null;  // what stays lit: {boxes, edges}
  // All that it needs, and all that needs it.
  function light(i) {
    if (held) return;
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
  function dark() { if (held) return; svg.classList.remove('some'); svg.querySelectorAll('.lit').forEach(e => e.classList.remove('lit')); }
  function hold(what) {
    held = null; dark();
    if (!what) return;
    held = what; svg.classList.add('some');
    what.boxes.forEach(i => boxes[i].classList.add('lit')); what.edges.forEach(e => e.g.classList.add('lit'));
  }
  window.graph = {data: D, edges, hold};
})();
)js";

}  // namespace autotune::render
