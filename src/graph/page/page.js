/* What the mouse, the keys and the controls do. */

const MOST_OPEN = 1500, FIRST_OPEN = 28, MOST_FOUND = 60;

const byId = (id) => document.getElementById(id);
const model = new Model(JSON.parse(byId('graph').textContent));
const stage = document.querySelector('#stage svg');
const drawing = new Drawing(model, stage);
const details = new Details(model, byId('details'), reveal);
const view = {x: 0, y: 0, scale: 1, chosen: null};

/* --- what is open --- */

function opens(item) {
  return item.kind === 'group' && item.children.length > 0;
}
function isLayer(item) {
  return !item.children.some((c) => c.kind === 'group' && (c.stretch || model.scopes[c.scope].kind !== 'function'));
}

function open(item) {
  item.open = true;
  drawing.forget(item);
}

/* Level by level, as long as not too much is shown. Returns how many groups stay closed. */
function openSome(most, fits) {
  let shown = drawing.visibleBoxes().length;
  for (let level = [model.root]; level.length; ) {
    const next = level.flatMap((g) => g.children).filter((c) => opens(c) && fits(c));
    const closed = next.filter((c) => !c.open);
    shown += closed.reduce((sum, c) => sum + c.children.length - 1, 0);
    if (shown > most) return closed.length;
    closed.forEach(open);
    level = next;
  }
  return 0;
}
/* Of each kind of block that stays closed one, as an example. */
function openExamples(fits) {
  const kinds = new Set();
  for (const c of drawing.visibleBoxes()) {
    if (!opens(c) || c.stretch || !fits(c) || c.children.length > 24) continue;
    const kind = model.scopes[c.scope].type;
    if (!kinds.has(kind)) openWhole(c, fits);
    kinds.add(kind);
  }
}
function openWhole(group, fits) {
  open(group);
  for (const c of group.children) if (opens(c) && fits(c) && c.children.length <= 24) openWhole(c, fits);
}
function depthOf(item) {
  let depth = 0;
  for (let g = item.parent; g; g = g.parent) depth += g.scope !== undefined && model.scopes[g.scope].kind === 'module';
  return depth;
}
function openFirst() {
  const depth = Number(document.body.dataset.depth), detail = document.body.dataset.detail;
  const whole = (c) => {
    if (detail === 'operations' || c.stretch) return false;
    if (model.scopes[c.scope].kind === 'function' || model.isStep(c.scope)) return true;
    return detail === 'layers' && isLayer(c) && c.parent !== model.root;
  };
  const fits = (c) => !whole(c) && (!depth || depthOf(c) < depth);
  openSome(depth ? MOST_OPEN : detail === 'layers' ? FIRST_OPEN : 400, fits);
  if (!depth) openExamples(fits);
}
function closeAll() {
  for (const item of Item.all) if (item.kind === 'group' && item !== model.root) item.open = false;
  const only = model.root.children.filter(opens);
  if (only.length === 1) only[0].open = true;
  drawing.refresh();
  fit();
}

function toggle(item) {
  if (!opens(item)) return;
  const before = drawing.places.get(item);
  item.open = !item.open;
  drawing.forget(item);
  drawing.draw();
  const after = drawing.places.get(item);
  if (before && after) move((before.x - after.x) * view.scale, (before.y - after.y) * view.scale);
  mark();
}

/* --- zoom and pan --- */

function apply() {
  byId('world').setAttribute('transform', 'translate(' + view.x + ',' + view.y + ') scale(' + view.scale + ')');
}
function move(dx, dy) {
  view.x += dx;
  view.y += dy;
  apply();
}
function zoom(factor, x, y) {
  const scale = Math.min(6, Math.max(0.02, view.scale * factor)), by = scale / view.scale;
  view.x = x - (x - view.x) * by;
  view.y = y - (y - view.y) * by;
  view.scale = scale;
  apply();
}
/* As much as can be read: what is too high begins at the top. */
function fit(least) {
  const {width, height} = stage.getBoundingClientRect(), {w, h} = drawing.size;
  const whole = Math.min(1.25, (width - 40) / w, (height - 60) / (h + 24));
  view.scale = Math.max(whole, least || 0, 0.02);
  view.x = Math.max((width - w * view.scale) / 2, least ? 20 : -Infinity);
  view.y = Math.max((height - h * view.scale) / 2, 36);
  apply();
}
function center(item) {
  const at = drawing.places.get(item), {width, height} = stage.getBoundingClientRect();
  if (!at) return;
  if (view.scale < 0.6) view.scale = 1;
  view.x = width / 2 - (at.x + at.w / 2) * view.scale;
  view.y = height / 2 - (at.y + Math.min(at.h, height / view.scale) / 2) * view.scale;
  apply();
}

/* --- choosing --- */

function mark() {
  const id = view.chosen ? String(view.chosen.id) : null;
  for (const e of stage.querySelectorAll('.chosen')) e.classList.remove('chosen');
  if (id === null) return;
  for (const e of stage.querySelectorAll('.box, .frame')) if (e.dataset.item === id) e.classList.add('chosen');
  for (const e of stage.querySelectorAll('.edge'))
    if (e.dataset.ends.split(' ').includes(id)) e.classList.add('chosen');
}
function choose(item) {
  view.chosen = item;
  mark();
  details.item(item || model.root);
}
function chooseEdge(edge) {
  choose(null);
  edge.classList.add('chosen');
  details.edge(edge.dataset.values.split(' ').map(Number));
}
/* Opens what an item lies in, and goes there. */
function reveal(item) {
  for (let g = item.parent; g; g = g.parent) {
    g.open = true;
    g.layout = undefined;
  }
  if (item.value !== undefined && !drawing.constants) setSwitch('constants', true);
  drawing.refresh();
  choose(item);
  center(item);
}

function clicked(event) {
  const sign = event.target.closest('.toggle'), edge = event.target.closest('.edge');
  const at = event.target.closest('.box, .frame');
  if (sign) toggle(Item.all[sign.dataset.toggle]);
  else if (edge) chooseEdge(edge);
  else choose(at ? Item.all[at.dataset.item] : null);
}

/* --- search --- */

let found = [];
function textOf(item) {
  const t = titleOf(model, item), path = pathOf(model, item);
  return (path ? path + ' ' : '') + t.type + (item.kind === 'op' && t.name ? ' ' + t.name : '');
}
function search() {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = byId('found');
  found = [];
  if (!words.length) return list.replaceChildren();
  for (const item of Item.all) {
    if (item === model.root || item.stretch || item.kind === 'rest' || item.kind === 'result') continue;
    const text = textOf(item).toLowerCase();
    if (words.every((w) => text.includes(w))) found.push(item);
  }
  const rows = found.slice(0, MOST_FOUND).map((item, i) => {
    const row = element('div', i ? {} : {class: 'first'}, textOf(item));
    row.addEventListener('click', () => take(item));
    return row;
  });
  const more = found.length > MOST_FOUND ? found.length - MOST_FOUND + ' more' : found.length ? '' : 'nothing found';
  if (more) rows.push(element('div', {class: 'none'}, more));
  list.replaceChildren(...rows);
}
function take(item) {
  byId('found').replaceChildren();
  reveal(item);
}

/* --- controls --- */

function note(text) {
  byId('note').textContent = text;
}
function setSwitch(id, on) {
  byId(id).checked = drawing[id] = on;
}
function setHeat(what) {
  byId('heat').value = drawing.heat = what;
  byId('key-heat').hidden = what === 'none';
}
function partSwitch(column) {
  const box = element('input', {type: 'checkbox', checked: '', 'data-part': column});
  box.addEventListener('change', () => {
    if (box.checked) drawing.columns.add(column);
    else drawing.columns.delete(column);
    drawing.refresh();
    mark();
    apply();
  });
  return element('label', {}, box, ' ' + column);
}

function makeControls() {
  const kinds = new Set(model.columns.map((c) => c.split(' ')[0]));
  if (model.columns.length > 1) byId('parts').append(...model.columns.map(partSwitch));
  for (const e of document.querySelectorAll('[data-needs]')) e.hidden = !kinds.has(e.dataset.needs);
  if (!model.nodes.some((n) => n.seconds)) byId('heat').querySelector('[value=seconds]').remove();
  for (const id of ['saved', 'constants'])
    byId(id).addEventListener('change', () => {
      drawing[id] = byId(id).checked;
      redraw();
    });
  byId('heat').addEventListener('change', () => {
    setHeat(byId('heat').value);
    redraw();
  });
  byId('expand').addEventListener('click', () => {
    const left = openSome(MOST_OPEN, () => true);
    note(left ? left + ' groups stay folded: too much to show at once' : '');
    redraw();
    fit();
  });
  byId('collapse').addEventListener('click', () => (note(''), closeAll()));
  byId('fit').addEventListener('click', () => fit());
  byId('search').addEventListener('input', search);
}
function redraw() {
  drawing.refresh();
  mark();
  apply();
}

const KEYS = {'+': () => zoomMiddle(1.25), '-': () => zoomMiddle(0.8), f: () => fit(), e: () => byId('expand').click(),
  c: () => byId('collapse').click(), Enter: () => view.chosen && toggle(view.chosen),
  Escape: () => (choose(null), byId('found').replaceChildren())};
function zoomMiddle(factor) {
  const {width, height} = stage.getBoundingClientRect();
  zoom(factor, width / 2, height / 2);
}
function pressed(event) {
  const typing = event.target === byId('search');
  if (typing && event.key === 'Enter' && found.length) take(found[0]);
  if (typing && event.key === 'Escape') event.target.blur();
  if (event.key === '/' && !typing) {
    event.preventDefault();
    byId('search').focus();
  }
  if (!typing && !event.ctrlKey && !event.metaKey && KEYS[event.key]) KEYS[event.key]();
}

function makeGestures() {
  let from = null, moved = false;
  stage.addEventListener('wheel', (e) => {
    e.preventDefault();
    const {left, top} = stage.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX - left, e.clientY - top);
  }, {passive: false});
  stage.addEventListener('pointerdown', (e) => {
    from = [e.clientX, e.clientY];
    moved = false;
  });
  window.addEventListener('pointermove', (e) => {
    if (!from || (!moved && Math.hypot(e.clientX - from[0], e.clientY - from[1]) < 4)) return;
    moved = true;
    stage.classList.add('moving');
    move(e.clientX - from[0], e.clientY - from[1]);
    from = [e.clientX, e.clientY];
  });
  window.addEventListener('pointerup', () => {
    from = null;
    stage.classList.remove('moving');
  });
  stage.addEventListener('click', (e) => moved || clicked(e));
  stage.addEventListener('dblclick', (e) => {
    const at = e.target.closest('.box, .frame');
    if (at && !e.target.closest('.toggle')) toggle(Item.all[at.dataset.item]);
  });
  window.addEventListener('keydown', pressed);
}

/* --- the whole --- */

function start() {
  const only = model.root.children.filter(opens), root = only.length === 1 ? only[0] : model.root;
  const name = root === model.root ? 'Computation graph' : titleOf(model, root).type;
  const all = model.root, flops = model.sum(all, 'forward', 'flops');
  document.title = name;
  byId('name').textContent = name;
  const facts = [all.parameters && countText(all.parameters) + ' parameters', flops && flopsText(flops),
    model.nodes.length.toLocaleString('en') + ' operations'];
  byId('facts').textContent = facts.filter(Boolean).join(' \u00b7 ');
  makeControls();
  makeGestures();
  setHeat(document.body.dataset.heat);
  openFirst();
  drawing.refresh();
  fit(0.55);
  choose(null);
}
start();
