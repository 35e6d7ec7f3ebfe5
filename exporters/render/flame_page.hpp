// The style, the frame and the script of a flame graph's page.
#pragma once

#include <string_view>

namespace autotune::render {

inline constexpr std::string_view kFlamePageStyle = R"css(
:root{--bg:#fff;--fg:#1a1a1a;--dim:#666;--line:#d6d9df;--link:#2563eb;--box:#f4f5f7}
@media (prefers-color-scheme:dark){:root{--bg:#16181d;--fg:#e6e6e6;--dim:#9aa0aa;--line:#343841;--link:#7aa2ff;--box:#22252c}}
*{box-sizing:border-box}body{display:flex;flex-direction:column;height:100vh;margin:0;background:var(--bg);color:var(--fg);font:13px/1.4 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center;padding:10px 14px;border-bottom:1px solid var(--line)}
h1{font-size:16px;margin:0}.dim{color:var(--dim)}.grow{flex:1}
button,select,input{font:inherit;color:inherit;background:var(--box);border:1px solid var(--line);border-radius:4px;padding:3px 8px}
button[aria-pressed=true]{background:var(--link);color:#fff;border-color:var(--link)}
input.bad{border-color:#dc2626}#view{overflow:auto;flex:1;min-height:0}canvas{display:block;position:sticky;top:0;cursor:pointer}
footer{padding:6px 14px;border-top:1px solid var(--line);min-height:30px}
#tip{position:fixed;pointer-events:none;background:var(--bg);border:1px solid var(--line);border-radius:4px;padding:5px 8px;
max-width:60vw;overflow-wrap:anywhere;box-shadow:0 2px 8px #0004;display:none;font-family:ui-monospace,monospace;font-size:12px}
table{border-collapse:collapse;width:100%;font-family:ui-monospace,monospace;font-size:12px}
th{position:sticky;top:0;background:var(--bg);text-align:right;cursor:pointer;padding:4px 14px}td{text-align:right;padding:2px 14px;
border-top:1px solid var(--line);white-space:nowrap}th:last-child,td:last-child{text-align:left;white-space:normal;overflow-wrap:anywhere;width:99%}
tr.row{cursor:pointer}tr.row:hover{background:var(--box)}
)css";

inline constexpr std::string_view kFlamePageBody = R"html(<header>
<h1 id="title"></h1><span class="dim" id="subtitle"></span><span class="grow"></span>
<input id="search" type="search" placeholder="search (regular expression)" aria-label="search" size="28">
<span class="dim" id="found"></span>
<button id="reset" title="Esc">reset zoom</button>
<button id="icicle" aria-pressed="false" title="root at the top">icicle</button>
<button id="invert" aria-pressed="false" title="merge from the leaves: who calls what is hot">invert</button>
<button id="table" aria-pressed="false">table</button>
<label class="dim">colour <select id="colour"><option value="package">package</option><option value="runtime">runtime</option></select></label>
</header>
<div id="view"><div id="space"><canvas id="canvas" role="img" aria-label="flame graph"></canvas></div><div id="list" hidden></div></div>
<footer class="dim" id="foot"></footer><div id="tip"></div>
)html";

inline constexpr std::string_view kFlamePageScript = R"js('use strict';
(function () {
  const D = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const ROW = 18, count = D.parent.length, compared = D.before.length > 0;
  const canvas = $('canvas'), view = $('view'), tip = $('tip'), pen = canvas.getContext('2d');
  const kinds = ['other', 'native', 'kernel', 'python', 'node', 'jvm'];
  const kindHue = [210, 24, 0, 205, 120, 285];
  const dark = matchMedia('(prefers-color-scheme: dark)');

  function amount(v) {
    const a = Math.abs(v);
    if (D.unit === 'ns') return a >= 1e9 ? (v / 1e9).toFixed(2) + ' s' : a >= 1e6 ? (v / 1e6).toFixed(2) + ' ms'
      : a >= 1e3 ? (v / 1e3).toFixed(1) + ' \u00b5s' : v + ' ns';
    if (D.unit === 'bytes') return a >= 1 << 30 ? (v / (1 << 30)).toFixed(2) + ' GiB' : a >= 1 << 20
      ? (v / (1 << 20)).toFixed(2) + ' MiB' : a >= 1024 ? (v / 1024).toFixed(1) + ' KiB' : v + ' B';
    return v.toLocaleString('en') + ' ' + D.measure;
  }
  const percent = (part, whole) => whole ? (100 * part / whole).toFixed(2) + ' %' : '0 %';

  // A tree: frame, parent, self and before by node, parents first; total, left and depth are worked out here.
  function layout(frame, parent, self, before) {
    const n = frame.length, total = self.slice(), was = before.slice(), depth = new Uint32Array(n);
    const left = new Float64Array(n), children = Array.from({length: n}, () => null);
    let deepest = 0;
    for (let i = n - 1; i > 0; --i) { total[parent[i]] += total[i]; if (compared) was[parent[i]] += was[i]; }
    for (let i = 1; i < n; ++i) {
      depth[i] = depth[parent[i]] + 1;
      if (depth[i] > deepest) deepest = depth[i];
      (children[parent[i]] = children[parent[i]] || []).push(i);
    }
    for (let i = 0; i < n; ++i) {
      if (!children[i]) continue;
      children[i].sort((a, b) => D.names[frame[a]] < D.names[frame[b]] ? -1 : 1);
      let at = left[i] + self[i];
      for (const c of children[i]) { left[c] = at; at += total[c]; }
    }
    return {frame, parent, self, total, was, depth, left, children, deepest};
  }
  // Merged from the leaves: below the root, what was running; above it, its callers.
  function inverted() {
    const frame = [0], parent = [0], self = [0], before = compared ? [0] : [], ids = new Map();
    for (let i = 1; i < count; ++i) {
      if (!D.self[i] && !(compared && D.before[i])) continue;
      let node = 0;
      for (let at = i; at; at = D.parent[at]) {
        const key = node * D.names.length + D.frame[at];
        let next = ids.get(key);
        if (next === undefined) {
          next = frame.length; ids.set(key, next);
          frame.push(D.frame[at]); parent.push(node); self.push(0); if (compared) before.push(0);
        }
        node = next;
      }
      self[node] += D.self[i]; if (compared) before[node] += D.before[i];
    }
    return layout(frame, parent, self, before);
  }
  const upright = layout(D.frame, D.parent, D.self, D.before);
  let leaves = null, T = upright, focus = 0, pattern = null, hits = new Uint8Array(D.names.length);
  const whole = upright.total[0], wholeBefore = compared ? upright.was[0] : 0;
  // Shares, not weights: two runs are rarely of one length. The largest change has the strongest colour.
  const changeOf = (t, i) => t.total[i] / (whole || 1) - t.was[i] / (wholeBefore || 1);
  function scaled(t) {
    t.most = 0;
    if (compared) for (let i = 1; i < t.total.length; ++i) t.most = Math.max(t.most, Math.abs(changeOf(t, i)));
    return t;
  }
  scaled(upright);
  const nameOf = i => i ? D.names[T.frame[i]] : 'all';

  function hash(text) { let h = 2166136261; for (let i = 0; i < text.length; ++i) h = Math.imul(h ^ text.charCodeAt(i), 16777619); return h >>> 0; }
  const hues = D.names.map(name => {
    if (!name || name[0] === '[') return null;
    const cut = name.search(/[(<]/), head = cut < 0 ? name : name.slice(0, cut);
    const scope = Math.max(head.lastIndexOf('.'), head.lastIndexOf(':'), head.lastIndexOf('/'));
    return [scope > 0 ? hash(head.slice(0, scope)) % 360 : 18 + hash(name) % 30, hash(name) % 14];
  });
  function colour(i) {
    const night = dark.matches ? 18 : 0;
    if (!i) return dark.matches ? '#4b5060' : '#b8bcc4';
    const f = T.frame[i];
    if (hits[f]) return '#c026d3';
    const how = $('colour').value;
    if (how === 'change') {
      const change = changeOf(T, i), strength = T.most ? Math.sqrt(Math.abs(change) / T.most) : 0;
      return 'hsl(' + (change > 0 ? 8 : 215) + ',' + Math.round(strength * 85) + '%,' + (93 - night * 3 - strength * 38) + '%)';
    }
    if (D.names[f] === '[truncated]') return '#e3a008';
    if (how === 'runtime') return 'hsl(' + kindHue[D.kinds[f]] + ',65%,' + (66 - night + hash(D.names[f]) % 12) + '%)';
    return hues[f] ? 'hsl(' + hues[f][0] + ',70%,' + (64 - night + hues[f][1]) + '%)' : dark.matches ? '#4b5060' : '#b8bcc4';
  }

  function tellTheWhole() { // before anything is drawn: it takes room
    const all = v => amount(v) + (D.unit === 'count' ? '' : ' ' + D.measure);
    let note = all(whole);
    if (!whole && !wholeBefore) note = 'no samples';
    if (compared) {
      note += '; before: ' + all(wholeBefore) + '; red: a larger share than before, blue: a smaller one';
      let gone = 0;
      for (let i = 0; i < count; ++i) if (!upright.total[i]) gone += D.before[i];
      if (gone) note += '; ' + percent(gone, wholeBefore) + ' of before is gone and has no box';
    }
    if (D.truncated) note += '; ' + percent(D.truncated, whole) + ' in stacks that do not reach their start';
    if (D.leftOut) note += '; ' + D.leftOut.toLocaleString('en') + ' boxes too small for this page count as their callers\u2019 own';
    $('foot').textContent = note;
  }
  let width = 0, drawn = [];
  const down = () => $('icicle').getAttribute('aria-pressed') === 'true';
  // The canvas is as tall as what is seen of it: there are limits to its size, and recursion has none.
  function draw(stay) {
    const ratio = devicePixelRatio || 1, rows = T.deepest + 1, height = Math.max(rows * ROW + 4, 60);
    $('space').style.height = height + 'px';
    if (stay !== true) view.scrollTop = down() ? 0 : view.scrollHeight;
    width = view.clientWidth;
    const tall = Math.min(height, view.clientHeight || height), top = Math.min(view.scrollTop, height - tall);
    canvas.style.width = width + 'px'; canvas.style.height = tall + 'px';
    canvas.width = width * ratio; canvas.height = tall * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = '11px ui-monospace, Menlo, Consolas, monospace'; pen.textBaseline = 'middle';
    drawn = [];
    const scale = width / (T.total[focus] || 1), glyph = pen.measureText('m').width;
    const ancestors = new Set(); for (let i = focus; i; i = T.parent[i]) ancestors.add(T.parent[i]);
    const open = [0];
    while (open.length) {
      const i = open.pop(), above = ancestors.has(i);
      const x = above ? 0 : (T.left[i] - T.left[focus]) * scale, w = above ? width : T.total[i] * scale;
      if (w < 0.4 || x > width || x + w < 0) continue;
      const y = (down() ? T.depth[i] * ROW + 2 : height - (T.depth[i] + 1) * ROW - 2) - top;
      if (y > -ROW && y < tall) {
        pen.globalAlpha = above ? 0.55 : 1;
        pen.fillStyle = colour(i); pen.fillRect(x, y, Math.max(w - 0.5, 0.4), ROW - 1);
        const room = Math.floor((w - 6) / glyph);
        if (room >= 3) {
          const name = nameOf(i);
          pen.fillStyle = '#111'; pen.fillText(name.length <= room ? name : name.slice(0, room - 1) + '\u2026', Math.max(x, 0) + 3, y + ROW / 2);
        }
        drawn.push([x, y, w, i]);
      }
      for (const c of T.children[i] || []) open.push(c);
    }
    pen.globalAlpha = 1;
  }
  function at(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const hit = drawn.find(d => x >= d[0] && x < d[0] + d[2] && y >= d[1] && y < d[1] + ROW);
    return hit ? hit[3] : -1;
  }
  canvas.addEventListener('mousemove', e => {
    const i = at(e);
    if (i < 0) { tip.style.display = 'none'; return; }
    let text = nameOf(i) + '\n' + amount(T.total[i]) + ', ' + percent(T.total[i], whole) + '; own ' + amount(T.self[i]);
    if (compared) text += '\nbefore: ' + amount(T.was[i]) + ', ' + percent(T.was[i], wholeBefore);
    if (i && D.kinds[T.frame[i]]) text += '\n' + kinds[D.kinds[T.frame[i]]];
    tip.style.whiteSpace = 'pre-wrap'; tip.textContent = text; tip.style.display = 'block';
    tip.style.left = Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 8) + 'px';
    tip.style.top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 8) + 'px';
  });
  canvas.addEventListener('mouseleave', () => { tip.style.display = 'none'; });
  canvas.addEventListener('click', e => { const i = at(e); if (i >= 0) { focus = i; draw(); } });

  function search() {
    const text = $('search').value; $('search').classList.remove('bad'); pattern = null;
    if (text) try { pattern = new RegExp(text); } catch (e) { $('search').classList.add('bad'); }
    D.names.forEach((name, i) => { hits[i] = pattern && pattern.test(name) ? 1 : 0; });
    let sum = 0; // a match below a match counts once
    const within = new Uint8Array(count);
    for (let i = 1; i < count; ++i) {
      const inside = within[upright.parent[i]];
      within[i] = inside || hits[upright.frame[i]];
      if (!inside && within[i]) sum += upright.total[i];
    }
    $('found').textContent = pattern ? percent(sum, whole) : '';
    draw(); if (!$('list').hidden) table();
  }
  let order = 'self';
  function table() {
    const own = new Float64Array(D.names.length), all = new Float64Array(D.names.length);
    const onPath = new Uint32Array(D.names.length), open = [[0, false]];
    while (open.length) { // recursion counts in its outermost call only
      const [i, leave] = open.pop(), f = upright.frame[i];
      if (leave) { --onPath[f]; continue; }
      if (i) { own[f] += upright.self[i]; if (!onPath[f]++) all[f] += upright.total[i]; open.push([i, true]); }
      for (const c of upright.children[i] || []) open.push([c, false]);
    }
    const by = order === 'self' ? own : all;
    const rows = D.names.map((_, i) => i).filter(i => !pattern || hits[i]).sort((a, b) => by[b] - by[a]).slice(0, 1000);
    const body = document.createElement('table'), head = body.insertRow();
    for (const [label, key] of [['self', 'self'], ['', 'self'], ['total', 'total'], ['', 'total'], ['function', '']]) {
      const th = document.createElement('th'); th.textContent = label; head.append(th);
      if (key) th.addEventListener('click', () => { order = key; table(); });
    }
    for (const i of rows) {
      const row = body.insertRow(); row.className = 'row';
      for (const text of [amount(own[i]), percent(own[i], whole), amount(all[i]), percent(all[i], whole), D.names[i]])
        row.insertCell().textContent = text;
      row.addEventListener('click', () => { $('search').value = '^' + D.names[i].replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '$'; toggle('table'); search(); });
    }
    $('list').replaceChildren(body);
  }
  function toggle(id) {
    const on = $(id).getAttribute('aria-pressed') !== 'true';
    $(id).setAttribute('aria-pressed', on);
    if (id === 'invert') { T = on ? leaves = leaves || scaled(inverted()) : upright; focus = 0; }
    if (id === 'table') { $('list').hidden = !on; $('space').hidden = on; if (on) return table(); }
    draw();
  }
  for (const id of ['icicle', 'invert', 'table']) $(id).addEventListener('click', () => toggle(id));
  $('reset').addEventListener('click', () => { focus = 0; draw(); });
  $('search').addEventListener('input', search);
  $('colour').addEventListener('change', () => draw(true));
  addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key === 'f') { e.preventDefault(); $('search').focus(); }
    if (e.key === 'Escape') { focus = 0; draw(); }
  });
  addEventListener('resize', () => draw()); dark.addEventListener('change', () => draw(true));
  view.addEventListener('scroll', () => { if (!$('space').hidden) draw(true); });
  $('title').textContent = D.title || 'flame graph'; $('subtitle').textContent = D.subtitle;
  $('icicle').setAttribute('aria-pressed', D.icicle); $('colour').value = D.colour;
  if (compared) { const o = new Option('change', 'change', true, true); $('colour').add(o); }
  tellTheWhole();
  draw();
})();
)js";

}  // namespace autotune::render
