// The page of a graph, the part about requests: a list, and the path of the chosen one lit in the graph with its times; the
// critical part of it drawn thick, and what it would save were a service faster.
#pragma once

#include <string_view>

namespace autotune::render {

inline constexpr std::string_view kRequestStyle = R"css(
#requests{display:flex;gap:14px;margin:10px 14px;align-items:flex-start}#list{max-height:420px;overflow:auto;min-width:330px}
#list button{display:block;width:100%;text-align:left;font:inherit;color:inherit;background:none;border:0;border-left:3px solid transparent;padding:2px 8px;cursor:pointer}
#list button:hover{background:var(--box)}#list button.chosen{border-color:var(--lit);background:var(--box)}.failed,.bad{color:#dc2626}
#list input{font:inherit;width:95%;margin-bottom:4px;background:var(--bg);color:var(--fg);border:1px solid var(--line)}
#steps{border-collapse:collapse;font:12px ui-monospace,monospace}#steps td{padding:1px 8px;white-space:nowrap}#steps .bar{width:300px}
#steps .bar i{display:block;height:9px;background:var(--lit);min-width:1px}.edge.failed path{stroke:#dc2626}.time{fill:var(--lit);font-weight:bold}
:root{--hot:#7c3aed}@media (prefers-color-scheme:dark){:root{--hot:#c4b5fd}}.edge.critical path{stroke:var(--hot);stroke-width:5}
.node.critical rect{stroke:var(--hot);stroke-width:4}.critical .time{fill:var(--hot)}#steps .critical td:first-child{border-left:4px solid var(--hot)}#steps td:first-child{border-left:4px solid transparent}
#steps .critical .bar i{background:var(--hot)}#shares{border-collapse:collapse;margin:10px 0}#shares th,#shares td{padding:1px 10px 1px 0;text-align:right;white-space:nowrap;font:12px ui-monospace,monospace}
#shares th{color:var(--dim)}#shares td:first-child,#shares th:first-child{text-align:left}
.function rect{stroke-width:2}.external rect{stroke-dasharray:4 3}
)css";

inline constexpr std::string_view kRequestScript = R"js('use strict';
(function () {
  const G = window.graph, requests = G.data.requests, nodes = G.data.nodes;
  const make = (tag, parent, text, name) => { const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text; if (name) e.className = name; parent.append(e); return e; };
  const ms = v => v < 1 ? (v * 1000).toFixed(0) + ' \u00b5s' : v < 1000 ? v.toFixed(1) + ' ms' : (v / 1000).toFixed(2) + ' s';
  const box = make('div', document.body); box.id = 'requests';
  const list = make('div', box), told = make('div', box); list.id = 'list';
  const filter = make('input', list); filter.placeholder = 'search requests'; filter.setAttribute('aria-label', 'search requests');
  const buttons = requests.map((r, i) => {
    const b = make('button', list, `${r.name}  ${ms(r.ms)}  ${r.steps.length} call${r.steps.length === 1 ? '' : 's'}`, r.error ? 'bad' : '');
    b.title = r.id; b.dataset.id = r.id; b.addEventListener('click', () => choose(i)); return b; });
  if (!requests.length) make('p', list, 'no request was seen');
  filter.addEventListener('input', () => buttons.forEach((b, i) => {
    b.hidden = !(requests[i].name + ' ' + requests[i].id).toLowerCase().includes(filter.value.toLowerCase()); }));
  let chosen = -1;
  // The path: every edge that its calls went over, each with when and how long; the boxes at their ends.
  function choose(i) {
    chosen = chosen === i ? -1 : i;
    buttons.forEach((b, k) => b.classList.toggle('chosen', k === chosen));
    told.textContent = '';
    G.edges.forEach(e => { e.text.textContent = e.label; e.text.classList.remove('time'); });
    document.querySelectorAll('.node.critical, .edge.critical').forEach(e => e.classList.remove('critical'));
    G.hold(null);
    if (chosen < 0) return;
    const r = requests[i], times = new Map(), lit = new Set([r.node]);
    r.steps.forEach(s => { const key = s.a + ' ' + s.b; lit.add(s.a).add(s.b);
      times.set(key, (times.get(key) || []).concat(s)); });
    const path = G.edges.filter(e => times.has(e.a + ' ' + e.b));
    G.hold({boxes: lit, edges: path});
    path.forEach(e => { const all = times.get(e.a + ' ' + e.b);
      e.text.textContent = all.slice(0, 2).map(s => `+${ms(s.at)}: ${ms(s.ms)}`).join(', ') + (all.length > 2 ? ` and ${all.length - 2} more` : '');
      e.text.classList.add('time'); });
    // What was waited for: the thick way through the graph.
    path.filter(e => times.get(e.a + ' ' + e.b).some(s => s.critical)).forEach(e => e.text.closest('.edge').classList.add('critical'));
    const boxes = document.querySelectorAll('.node');
    r.shares.forEach(s => boxes[s.node].classList.add('critical'));
    make('div', told, `${r.name}, ${ms(r.ms)}, ${r.id}` + (r.cut ? ' (cut: more calls than are shown)' : ''));
    shares(r);
    const table = make('table', told), whole = Math.max(r.ms, ...r.steps.map(s => s.at + s.ms), 0.001); table.id = 'steps';
    r.steps.forEach(s => { const row = make('tr', table, undefined, (s.error ? 'bad ' : '') + (s.critical ? 'critical' : ''));
      make('td', row, '\u00a0'.repeat(2 * s.depth) + nodes[s.a].name + ' \u2192 ' + nodes[s.b].name);
      make('td', row, '+' + ms(s.at)); make('td', row, ms(s.ms));
      const bar = make('i', make('td', row, undefined, 'bar'));
      bar.style.marginLeft = 300 * s.at / whole + 'px'; bar.style.width = 300 * s.ms / whole + 'px';
      make('td', row, [s.what, s.status || '', s.retry ? 'retry' : '', s.by === 'nothing' ? '' : 'by ' + s.by].filter(t => t !== '').join(', ')); });
  }
  // Whose time it was that it waited for, and what a tenth less of each one's own would save.
  function shares(r) {
    if (!r.shares.length) return make('p', told, 'no critical path: its end, or what asked for it, was not seen');
    const table = make('table', told), head = make('tr', table); table.id = 'shares';
    ['critical path', 'own', 'on the way', 'saves if 10 % faster', ''].forEach(t => make('th', head, t));
    r.shares.forEach(s => { const row = make('tr', table);
      [nodes[s.node].name, ms(s.own), ms(s.way), s.saves === null ? '' : ms(s.saves),
       s.saves === null || !r.ms ? '' : (100 * s.saves / r.ms).toFixed(1) + ' %'].forEach(t => make('td', row, t)); });
  }
  window.choose = choose;
})();
)js";

}  // namespace autotune::render
