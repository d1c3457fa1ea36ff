/* The picture: boxes of what is closed, frames of what is open, in a column for each part. */

const SVG = 'http://www.w3.org/2000/svg';
const HEAD = 26, SIDE = 12, COLUMN_GAP = 56, PAD = 10, MOST_TEXT = 40;

/* Text reaches the page as text, never as markup. */
function element(tag, attributes, ...children) {
  const svg = SVG_TAGS.has(tag);
  const e = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const k in attributes || {}) if (attributes[k] !== undefined) e.setAttribute(k, attributes[k]);
  for (const c of children) if (c !== null && c !== undefined) e.append(c);
  return e;
}
const SVG_TAGS = new Set(['svg', 'g', 'rect', 'path', 'text', 'tspan', 'title']);

const pen = document.createElement('canvas').getContext('2d');
function textWidth(text, font) {
  pen.font = font;
  return pen.measureText(text).width;
}
const FONT = 'system-ui, Helvetica, Arial, sans-serif';

class Drawing {
  constructor(model, svg) {
    this.model = model;
    this.svg = svg;
    this.columns = new Set(model.columns);
    this.heat = 'none';
    this.saved = false;
    this.constants = true;
    this.stamp = 0;
    this.places = new Map(); /* of what is shown: {x, y, w, h}, in its first column */
  }

  /* --- texts of boxes --- */

  isForward(column) {
    return column === 'forward';
  }
  hasFace(item, column) {
    if (this.isForward(column)) return item.kind !== 'rest';
    return item.faces[column] !== undefined || this.model.passes(item, column);
  }

  lines(item, column) {
    if (item.linesStamp !== this.stamp) item.linesOf = {};
    item.linesStamp = this.stamp;
    return (item.linesOf[column] = item.linesOf[column] || this.makeLines(item, column));
  }

  makeLines(item, column) {
    const title = titleOf(this.model, item), kind = column.split(' ')[0];
    const first = [];
    if (kind === 'backward') first.push(['nabla', '\u2207 ']);
    if (kind === 'forward' && title.name) first.push(['name', cut(title.name, 24) + ' ']);
    first.push(['type', kind === 'update' ? 'update ' + cut(title.type, 28) : cut(title.type, 32)]);
    if (kind === 'forward' && title.rest) first.push(['rest', cut(title.rest, MOST_TEXT)]);
    return [first, this.numbers(item, column, kind).map((t) => ['small', t])];
  }

  numbers(item, column, kind) {
    const m = this.model, words = [], value = shownValue(m, item);
    const flops = m.sum(item, column, 'flops'), faces = item.faces[column] || [];
    if (kind === 'forward' && value !== undefined) words.push(shapeText(m, value));
    if (item.value !== undefined && kind === 'forward') words.push(m.values[value].dtype);
    if (kind === 'forward' && item.value === undefined && item.parameters)
      words.push(countText(item.parameters) + ' params');
    if (kind === 'backward' && item.saved) words.push('keeps ' + bytesText(item.saved));
    if (kind === 'backward' && !faces.length)
      words.push(item.kind === 'result' ? 'gradients begin' : 'passes the gradient on');
    if (kind === 'update') words.push(this.updateNames(faces));
    else if (flops) words.push(flopsText(flops));
    const share = this.share(item, column);
    if (this.heat !== 'none' && share.total > 0) words.push((100 * share.total).toFixed(1) + '%');
    return [words.join('  \u00b7  ')];
  }

  updateNames(nodes) {
    const names = [...new Set(nodes.map((n) => this.model.nodes[n].op))];
    return cut(names.join(', '), 30);
  }

  measure(item) {
    let w = 40, h = 0;
    for (const column of this.columns) {
      if (!this.hasFace(item, column)) continue;
      const lines = this.lines(item, column);
      const widths = lines.map((line) =>
        line.reduce((s, [style, t]) => s + textWidth(t, this.font(style)), 0));
      w = Math.max(w, ...widths);
      h = Math.max(h, lines[1][0][1] ? 40 : 26);
    }
    return {w: Math.ceil(w + 2 * PAD + (item.kind === 'group' ? 16 : 0)), h: h || 26};
  }
  font(style) {
    return (style === 'type' ? 'bold ' : '') + (style === 'small' || style === 'name' ? '11px ' : '12.5px ') + FONT;
  }

  /* --- heat --- */

  amount(item, column) {
    if (this.heat === 'parameters' || this.heat === 'saved')
      return this.isForward(column) ? item[this.heat] : 0;
    return this.model.sum(item, column, this.heat);
  }
  share(item, column) {
    if (this.heat === 'none') return {total: 0, most: 0};
    const amount = this.amount(item, column);
    return {total: this.whole ? amount / this.whole : 0, most: this.hottest ? amount / this.hottest : 0};
  }
  visibleBoxes() {
    const boxes = [];
    const visit = (g) => g.children.forEach((c) => (c.open ? visit(c) : boxes.push(c)));
    visit(this.model.root);
    return boxes;
  }
  measureHeat() {
    this.whole = this.hottest = 0;
    if (this.heat === 'none') return;
    for (const column of this.columns) {
      this.whole += this.amount(this.model.root, column);
      for (const b of this.visibleBoxes()) this.hottest = Math.max(this.hottest, this.amount(b, column));
    }
  }

  /* --- places --- */

  isHidden(item) {
    if (item.kind === 'leaf') return !this.constants && this.model.values[item.value].kind !== 'input';
    if (item.kind === 'rest') return !Object.keys(item.faces).some((c) => this.columns.has(c));
    return false;
  }

  forget(item) {
    for (let g = item; g; g = g.parent) g.layout = undefined;
  }

  layOutGroup(group) {
    if (group.layout && group.layout.stamp === this.stamp) return group.layout;
    const nodes = new Map(), ins = new Map(), outs = new Map(), edges = new Map();
    const shown = group.children.filter((c) => !this.isHidden(c));
    shown.sort((a, b) => (b.kind === 'leaf') - (a.kind === 'leaf'));
    for (const c of shown) {
      const inside = c.open ? this.layOutGroup(c) : null;
      nodes.set(c, {item: c, inside, ...(inside ? {w: inside.w, h: inside.h} : this.measure(c))});
    }
    const rim = (map, value, which) => {
      if (!map.has(value)) map.set(value, {w: 10, h: 0, [which]: true, value});
      return map.get(value);
    };
    for (const link of this.model.links(group)) {
      const leaf = link.from === null && this.model.source(link.value);
      if ((link.from && !nodes.has(link.from)) || (leaf && this.isHidden(leaf))) continue;
      const a = link.from ? nodes.get(link.from) : rim(ins, link.value, 'first');
      const b = link.to ? nodes.get(link.to) : rim(outs, link.value, 'last');
      const ax = this.touch(a, 'outs', link.value), bx = this.touch(b, 'ins', link.value);
      this.addEdge(edges, {a, b, ax, bx, from: link.from, to: link.to, values: [link.value]});
    }
    const all = [...ins.values(), ...nodes.values(), ...outs.values()], list = [...edges.values()];
    const size = layOut(all, list, group === this.model.root ? SIDE : HEAD, SIDE);
    const title = group === this.model.root ? 0 : this.titleWidth(group);
    group.layout = {stamp: this.stamp, w: Math.max(size.w, title), h: size.h, edges: list,
      nodes: [...nodes.values()], ins: this.rimPlaces(ins), outs: this.rimPlaces(outs)};
    return group.layout;
  }

  touch(node, side, value) {
    const at = node.inside && node.inside[side].get(value);
    return at === undefined || at === null ? node.w / 2 : at;
  }
  addEdge(edges, e) {
    e.id = [e.a.item ? e.a.item.id : 'v' + e.a.value, e.ax, e.b.item ? e.b.item.id : 'v' + e.b.value, e.bx].join(' ');
    const same = edges.get(e.id);
    if (same) same.values.push(...e.values);
    else edges.set(e.id, e);
  }
  rimPlaces(map) {
    return new Map([...map].map(([value, n]) => [value, n.x + n.w / 2]));
  }
  titleWidth(group) {
    const t = titleOf(this.model, group);
    return textWidth(cut(t.name + ' ' + t.type + t.rest, 60), this.font('type')) + 40;
  }

  /* --- drawing --- */

  /* After a change of what is shown of items, not of which are open. */
  refresh() {
    this.stamp++;
    this.draw();
  }

  draw() {
    this.measureHeat();
    const root = this.layOutGroup(this.model.root);
    const world = element('g', {id: 'world'});
    let x = 0;
    this.places.clear();
    this.columnAt = {};
    for (const column of this.model.columns) {
      const nodes = root.nodes.filter((n) => this.hasFace(n.item, column));
      if (!this.columns.has(column) || !nodes.length) continue;
      const left = Math.min(...nodes.map((n) => n.x)), right = Math.max(...nodes.map((n) => n.x + n.w));
      this.columnAt[column] = x - left;
      world.append(element('text', {x, y: -6, class: 'part'}, column));
      this.drawGroup(world, root, x - left, 0, column);
      x += right - left + COLUMN_GAP;
    }
    if (this.saved) this.drawSaved(world);
    this.size = {w: Math.max(1, x - COLUMN_GAP), h: root.h};
    const old = this.svg.querySelector('#world');
    if (old) old.replaceWith(world);
    else this.svg.append(world);
  }

  drawGroup(to, layout, x, y, column) {
    for (const e of layout.edges) this.drawEdge(to, e, x, y, column);
    for (const n of layout.nodes) {
      if (!this.hasFace(n.item, column)) continue;
      const at = {x: x + n.x, y: y + n.y, w: n.w, h: n.h};
      if (!this.places.has(n.item)) this.places.set(n.item, {...at, column});
      if (n.inside) this.drawFrame(to, n.item, at, column);
      if (n.inside) this.drawGroup(to, n.inside, at.x, at.y, column);
      else this.drawBox(to, n.item, at, column);
    }
  }

  toggleSign(item, at) {
    const g = element('g', {class: 'toggle', 'data-toggle': item.id});
    g.append(element('rect', {x: at.x + at.w - 21, y: at.y + 4, width: 16, height: 16, rx: 4}));
    g.append(element('text', {x: at.x + at.w - 13, y: at.y + 16, 'text-anchor': 'middle'}, item.open ? '\u2212' : '+'));
    g.append(element('title', {}, item.open ? 'collapse' : 'expand'));
    return g;
  }

  drawFrame(to, item, at, column) {
    const kind = column.split(' ')[0], t = titleOf(this.model, item);
    const g = element('g', {class: 'frame ' + kind, 'data-item': item.id, 'data-column': column});
    g.append(element('rect', {x: at.x, y: at.y, width: at.w, height: at.h, rx: 8}));
    const text = element('text', {x: at.x + 10, y: at.y + 16});
    text.append(element('tspan', {class: 'name'}, t.name ? cut(t.name, 24) + ' ' : ''));
    text.append(element('tspan', {class: 'type'}, cut(t.type, 32)));
    text.append(cut(t.rest, 24));
    g.append(text, this.toggleSign(item, at));
    to.append(g);
  }

  look(item, kind) {
    if (kind !== 'forward') return kind;
    if (item.value !== undefined) return this.model.values[item.value].kind === 'parameter' ? 'parameter' : 'input';
    if (item.parameters) return 'learns';
    return item.kind === 'op' ? 'operation' : 'module';
  }

  drawBox(to, item, at, column) {
    const kind = column.split(' ')[0], lines = this.lines(item, column);
    const g = element('g', {class: 'box ' + this.look(item, kind), 'data-item': item.id, 'data-column': column});
    const round = kind !== 'forward' || item.value !== undefined ? 0 : 7;
    const rect = {x: at.x, y: at.y, width: at.w, height: at.h, rx: round};
    g.append(element('rect', rect));
    if (kind === 'update')
      g.append(element('rect', {...rect, x: at.x + 3, y: at.y + 3, width: at.w - 6, height: at.h - 6, class: 'inner'}));
    this.drawHeat(g, item, at, column);
    lines.forEach((line, i) => {
      const text = element('text', {x: at.x + PAD, y: at.y + (lines[1][0][1] ? (i ? 32 : 17) : 17)});
      for (const [style, t] of line) text.append(element('tspan', {class: style}, t));
      g.append(text);
    });
    if (item.kind === 'group') g.append(this.toggleSign(item, at));
    to.append(g);
  }

  /* White to orange, and as long as its share of the hottest box. */
  drawHeat(g, item, at, column) {
    const {most} = this.share(item, column);
    if (!(most > 0)) return;
    const colour = 'rgb(255,' + Math.round(255 - 105 * most) + ',' + Math.round(255 - 215 * most) + ')';
    g.firstChild.setAttribute('style', 'fill:' + colour);
    const width = Math.max(2, (at.w - 8) * most);
    g.append(element('rect', {x: at.x + 4, y: at.y + at.h - 5, width, height: 3, class: 'bar'}));
  }

  /* --- edges --- */

  /* Where gradients flow there is an edge of the backward pass, the other way. */
  flows(e, column) {
    const m = this.model, from = e.from || m.source(e.values[0]);
    const has = (item) => !item || this.hasFace(item, column);
    return column !== 'update' && has(from) && has(e.to) && from.kind !== 'leaf' &&
      e.values.some((v) => m.values[v].needs_grad);
  }

  drawEdge(to, e, x, y, column) {
    const back = !this.isForward(column);
    if (back && !this.flows(e, column)) return;
    const d = pathText(e.points, x, y);
    const ends = [e.from ? e.from.id : '', e.to ? e.to.id : ''];
    const g = element('g', {class: 'edge ' + (back ? 'backward' : 'forward'), 'data-ends': ends.join(' '),
      'data-value': e.values[0], 'data-values': e.values.join(' ')});
    g.append(element('path', {d, class: 'wide'}));
    const end = back ? e.from : e.to, arrow = 'url(#arrow-' + (back ? 'backward' : 'forward') + ')';
    const marker = 'marker-' + (back !== e.turned ? 'start' : 'end');
    g.append(element('path', {d, class: 'line', [marker]: end && !end.open ? arrow : undefined}));
    g.append(element('title', {}, e.values.slice(0, 8).map((v) => this.valueText(v)).join('\n')));
    to.append(g);
  }
  valueText(v) {
    const t = this.model.values[v];
    return (t.name ? t.name + ' ' : '') + shapeText(this.model, v) + ' ' + t.dtype;
  }

  /* From what is kept to what reads it in the backward pass. */
  drawSaved(world) {
    const column = this.model.columns.find((c) => c.startsWith('backward') && this.columns.has(c));
    if (!column || !this.columns.has('forward')) return;
    for (const [item, at] of this.places) {
      if (item.open || !item.saved || !item.faces[column]) continue;
      const a = at.x + at.w, b = at.x + this.columnAt[column] - this.columnAt.forward, y = at.y + at.h / 2;
      const d = 'M' + [a, y] + 'C' + [a + 30, y + 14] + ' ' + [b - 30, y + 14] + ' ' + [b, y];
      world.append(element('path', {d, class: 'saved', 'marker-end': 'url(#arrow-backward)'},
        element('title', {}, 'keeps ' + bytesText(item.saved))));
    }
  }
}

function pathText(points, x, y) {
  const at = points.map(([a, b]) => [Math.round((a + x) * 10) / 10, Math.round((b + y) * 10) / 10]);
  let d = 'M' + at[0];
  for (let i = 1; i < at.length; i++) {
    const [a, b] = at[i - 1], [c, e] = at[i], half = (b + e) / 2;
    d += a === c ? 'L' + at[i] : 'C' + a + ',' + half + ' ' + c + ',' + half + ' ' + at[i];
  }
  return d;
}
