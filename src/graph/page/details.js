/* The panel beside the picture: what is known of what was clicked. */

const MOST_ROWS = 200;

class Details {
  constructor(model, panel, show) {
    this.model = model;
    this.panel = panel;
    this.show = show; /* called with an item whose link is clicked */
  }

  clear(...children) {
    this.panel.replaceChildren(...children);
  }
  line(...children) {
    this.panel.append(element('p', {}, ...children));
  }
  table(head, rows) {
    rows = rows.filter((r) => r[1] !== '' && r[1] !== undefined && r[1] !== null);
    if (!rows.length) return;
    if (head) this.panel.append(element('h3', {}, head));
    const table = element('table');
    for (const cells of rows.slice(0, MOST_ROWS))
      table.append(element('tr', {}, ...cells.map((c) => element('td', {}, c))));
    this.panel.append(table);
    if (rows.length > MOST_ROWS) this.line('and ' + (rows.length - MOST_ROWS) + ' more');
  }
  link(item, text) {
    const a = element('span', {class: 'link'}, text);
    a.addEventListener('click', () => this.show(item));
    return a;
  }

  /* --- values --- */

  valueText(v) {
    const t = this.model.values[v];
    const words = [shapeText(this.model, v) + ' ' + t.dtype, bytesText(t.bytes)];
    if (t.saved) words.push('saved');
    if (t.view) words.push('view');
    if (t.kind === 'parameter' && !t.needs_grad) words.push('frozen');
    return words.join(', ');
  }
  valueName(v) {
    const t = this.model.values[v];
    const group = t.scope === undefined ? null : this.model.groupOf[t.scope];
    const path = group && t.node === undefined ? pathOf(this.model, group) : '';
    if (t.name) return (path ? path + '.' : '') + t.name;
    return t.node === undefined ? t.kind : this.model.nodes[t.node].op;
  }
  valueRow(v) {
    const from = this.model.source(v);
    return [from ? this.link(from, this.valueName(v)) : this.valueName(v), this.valueText(v)];
  }
  /* What reads a value, as links. */
  readerRows(v) {
    const items = new Set(this.model.readers[v].map((n) => this.model.itemOf[n]).filter(Boolean));
    return [...items].map((i) => [this.link(i, titleOf(this.model, i).type), pathOf(this.model, i)]);
  }

  edge(values) {
    this.clear(element('h2', {}, values.length > 1 ? values.length + ' tensors' : 'Tensor'));
    this.table('', values.map((v) => this.valueRow(v)));
    for (const v of values.slice(0, 20)) {
      this.table('made at', [['', this.model.values[v].where]]);
      this.table('read by', this.readerRows(v));
    }
  }

  /* --- items --- */

  item(item) {
    const title = titleOf(this.model, item), path = pathOf(this.model, item);
    this.clear(element('h2', {}, title.type));
    if (path) this.line(path);
    if (item.value !== undefined) this.leaf(item.value);
    else if (item.kind === 'rest') this.line('Operations that belong to no layer.');
    else if (item.kind === 'op') this.operation(item);
    else this.group(item);
    for (const column of this.model.columns) if (item.kind !== 'op' || column !== 'forward') this.face(item, column);
  }

  leaf(v) {
    const t = this.model.values[v];
    this.table('', [['kind', t.kind], ['tensor', this.valueText(v)], ['made at', t.where],
      ['gradient', t.gradient === undefined ? '' : this.valueText(t.gradient)]]);
    this.table('read by', this.readerRows(v));
  }

  numbers(item) {
    const m = this.model, flops = m.sum(item, 'forward', 'flops'), seconds = m.sum(item, 'forward', 'seconds');
    return [
      ['parameters', item.parameters ? item.parameters.toLocaleString('en') : ''],
      ['trainable', item.parameters !== item.trainable ? item.trainable.toLocaleString('en') : ''],
      ['operations', flopsText(flops)],
      ['bytes moved', bytesText(m.sum(item, 'forward', 'bytes'))],
      ['time', seconds ? timeText(seconds) : ''],
      ['keeps', item.saved ? bytesText(item.saved) + ' for the backward pass' : ''],
    ];
  }

  operation(item) {
    const n = this.model.nodes[item.node], where = this.model.values[n.outputs[0]]?.where;
    this.table('', [...this.numbers(item), ['called at', where]]);
    this.table('options', Object.entries(n.attributes || {}).map(([k, v]) => [k, JSON.stringify(v)]));
    this.table('reads', n.inputs.map((v) => this.valueRow(v)));
    this.table('makes', n.outputs.map((v) => [this.valueName(v), this.valueText(v)]));
    this.table('read by', n.outputs.flatMap((v) => this.readerRows(v)));
  }

  group(item) {
    const m = this.model, s = item.scope === undefined ? null : m.scopes[item.scope];
    const nodes = (item.faces.forward || []).length;
    this.table('', [['arguments', s && s.arguments], ...this.numbers(item), ['made of', nodes + ' operations']]);
    const links = m.links(item);
    this.table('reads', unique(links.filter((l) => !l.from)).map((v) => this.valueRow(v)));
    this.table('makes', unique(links.filter((l) => !l.to)).map((v) => [this.valueName(v), this.valueText(v)]));
    this.table('read by', unique(links.filter((l) => !l.to)).flatMap((v) => this.readersOutside(item, v)));
    const own = item.children.filter((c) => c.kind === 'leaf' && c !== item);
    this.table('tensors of its own', own.map((c) => this.valueRow(c.value)));
    const inside = item.children.filter((c) => c.kind !== 'leaf');
    this.table('in it', inside.map((c) => {
      const t = titleOf(m, c);
      return [this.link(c, t.name || t.type), t.name ? t.type + t.rest : t.rest];
    }));
  }
  readersOutside(group, v) {
    return this.model.readers[v].map((n) => this.model.itemOf[n])
      .filter((i) => i && !this.model.childOf(group, i))
      .map((i) => [this.link(i, titleOf(this.model, i).type), pathOf(this.model, i)]);
  }

  /* Every operation of another part that belongs to the item. */
  face(item, column) {
    const nodes = item.faces[column], m = this.model;
    if (!nodes || column === 'forward') return;
    if (item.kind === 'group') return this.faceInShort(item, column);
    const seconds = m.sum(item, column, 'seconds');
    const total = flopsText(m.sum(item, column, 'flops')) + ', ' + bytesText(m.sum(item, column, 'bytes')) +
      (seconds ? ', ' + timeText(seconds) : '');
    this.table(column + ': ' + total, nodes.map((n) => {
      const node = m.nodes[n], text = attributesText(node);
      return [node.op, node.outputs.map((v) => this.valueText(v)).join('; ') + (text ? ' (' + text + ')' : '')];
    }));
  }
  /* Of a group how many there are of each kind. */
  faceInShort(item, column) {
    const kinds = new Map();
    for (const n of item.faces[column]) {
      const node = this.model.nodes[n], k = kinds.get(node.op) || {n: 0, flops: 0};
      kinds.set(node.op, {n: k.n + 1, flops: k.flops + node.flops});
    }
    const rows = [...kinds].sort((a, b) => b[1].flops - a[1].flops);
    this.table(column + ': ' + flopsText(this.model.sum(item, column, 'flops')),
      rows.map(([op, k]) => [op, '\u00d7 ' + k.n + (k.flops ? ', ' + flopsText(k.flops) : '')]));
  }
}

function unique(links) {
  return [...new Set(links.map((l) => l.value))];
}
