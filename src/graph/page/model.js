/* The tree that the page shows: groups (modules, calls of functions, named stretches, and stretches
 * of what is too much to be seen at once), operations, and leaves (tensors that nothing makes).
 *
 * An item's faces are what of each part of a step belongs to it: the forward pass itself, what
 * differentiates that, one face for each backward pass, and what updates its parameters. Faces stand
 * at the same place of columns beside each other, so one layout, the forward pass's, is that of all. */

const MOST_CHILDREN = 120;

class Item {
  constructor(kind, parent) {
    this.id = Item.all.push(this) - 1;
    this.kind = kind; /* "group", "op", "leaf", "result" or "rest" */
    this.parent = parent;
    this.faces = {}; /* by column: numbers of nodes; of groups with those below */
    this.open = false;
    this.parameters = this.trainable = this.saved = 0;
    if (kind === 'group') this.children = [];
    if (parent) parent.children.push(this);
  }
}

Item.all = [];

class Model {
  constructor(json) {
    Object.assign(this, json);
    this.groupOf = this.scopes.map(() => null);
    this.itemOf = this.nodes.map(() => null); /* of forward nodes */
    this.leafOf = new Map(); /* by value */
    this.columns = [];
    this.root = new Item('group', null);
    this.root.open = true;
    this.readers = this.values.map(() => []);
    this.nodes.forEach((n, i) => n.inputs.forEach((v) => this.readers[v].push(i)));
    this.placeForward();
    this.splitLarge(this.root);
    this.placeLeaves();
    if (this.result !== undefined) this.end = new Item('result', this.root);
    if (this.end) this.end.value = this.result;
    this.placeOthers();
    this.addUp();
  }

  group(scope) {
    if (scope === undefined) return this.root;
    if (this.groupOf[scope]) return this.groupOf[scope];
    const missing = [];
    for (let s = scope; s !== undefined && !this.groupOf[s]; s = this.scopes[s].parent) missing.push(s);
    let above = this.groupOf[this.scopes[missing[missing.length - 1]].parent] || this.root;
    for (const s of missing.reverse()) {
      above = this.groupOf[s] = new Item('group', above);
      above.scope = s;
    }
    return above;
  }

  placeForward() {
    this.nodes.forEach((n, i) => {
      if (n.part !== 'forward') return;
      const item = (this.itemOf[i] = new Item('op', this.group(n.scope)));
      item.node = i;
      this.addFace(item, 'forward', i);
    });
  }

  /* Groups of neighbours, so that nothing open is too large to be placed or read. */
  splitLarge(top) {
    const todo = [top];
    while (todo.length) {
      const g = todo.pop();
      while (g.children.length > MOST_CHILDREN) {
        const all = g.children;
        g.children = [];
        for (let i = 0; i < all.length; i += MOST_CHILDREN) {
          const part = new Item('group', g);
          part.children = all.slice(i, i + MOST_CHILDREN);
          part.stretch = true;
          for (const c of part.children) c.parent = part;
        }
        g.split = true;
      }
      for (const c of g.children) if (c.kind === 'group') todo.push(c);
    }
  }

  /* A leaf stands in the group that it belongs to, or with what reads it first. */
  placeLeaves() {
    this.values.forEach((v, i) => {
      const reader = this.readers[i].find((n) => this.itemOf[n]);
      if (v.node !== undefined || (reader === undefined && i !== this.result)) return;
      const beside = reader === undefined ? this.root : this.itemOf[reader].parent;
      const step = v.kind === 'input' ? null : this.stepOf(beside);
      const own = step || (v.scope === undefined ? this.root : this.group(v.scope));
      const leaf = new Item('leaf', own.split ? beside : own);
      leaf.value = i;
      this.leafOf.set(i, leaf);
    });
  }

  /* A stretch of the program that is drawn as a whole, as a node of an ONNX model is. */
  isStep(scope) {
    return this.scopes[scope].kind === 'named' && this.scopes[scope].type !== '';
  }
  stepOf(item) {
    while (item && !(item.scope !== undefined && this.isStep(item.scope))) item = item.parent;
    return item;
  }

  addFace(item, column, node) {
    (item.faces[column] = item.faces[column] || []).push(node);
  }

  /* The item that a backward node differentiates: of gradients of gradients the innermost one's. */
  differentiated(i) {
    while (i !== undefined && this.nodes[i].part !== 'forward') i = this.nodes[i].of;
    return i === undefined ? null : this.itemOf[i];
  }

  /* The item whose tensor an update changes: a parameter, or what made a gradient. */
  updated(n) {
    let v = n.inputs[0];
    while (v !== undefined && this.values[v].before !== undefined) v = this.values[v].before;
    if (v === undefined) return null;
    if (this.leafOf.has(v)) return this.leafOf.get(v);
    const maker = this.values[v].node;
    return maker === undefined ? null : this.differentiated(maker);
  }

  placeOthers() {
    const rest = {};
    this.nodes.forEach((n, i) => {
      if (n.part === 'forward') return;
      const column = this.columnOf(n);
      let item = n.part === 'update' ? this.updated(n) : this.differentiated(i);
      if (!item) item = rest[column] = rest[column] || new Item('rest', this.root);
      this.addFace(item, column, i);
    });
    const others = new Set(this.nodes.filter((n) => n.part === 'backward').map((n) => this.columnOf(n)));
    if (this.nodes.some((n) => n.part === 'update')) others.add('update');
    this.columns = ['forward', ...others];
  }
  columnOf(n) {
    return n.part === 'backward' && n.pass > 1 ? 'backward ' + n.pass : n.part;
  }

  /* Whether a gradient passes an item that has no operation for it, as it passes an addition. */
  passes(item, column) {
    if (!column.startsWith('backward') || item.faces[column] || !item.parent?.faces[column]) return false;
    if (item.kind === 'result') return this.values[item.value].needs_grad;
    if (item.kind === 'group') return item.children.some((c) => c.kind === 'op' && this.needsGradient(c));
    return item.kind === 'op' && this.needsGradient(item);
  }
  needsGradient(op) {
    return this.nodes[op.node].outputs.some((v) => this.values[v].needs_grad && this.values[v].before === undefined);
  }

  /* Of all groups, those below first. */
  addUp() {
    const order = [this.root];
    for (let i = 0; i < order.length; i++)
      for (const c of order[i].children) {
        if (c.kind === 'group') order.push(c);
        this.sumOwn(c);
      }
    for (const g of order.reverse()) {
      for (const c of g.children) {
        for (const k of ['parameters', 'trainable', 'saved']) g[k] += c[k];
        for (const column in c.faces) {
          const to = (g.faces[column] = g.faces[column] || []);
          for (const n of c.faces[column]) to.push(n);
        }
      }
    }
  }

  sumOwn(item) {
    if (item.kind === 'leaf') {
      const v = this.values[item.value];
      if (v.kind !== 'parameter') return;
      item.parameters = v.shape.reduce((a, b) => a * b, 1);
      item.trainable = v.needs_grad ? item.parameters : 0;
    } else if (item.kind === 'op') {
      for (const v of this.nodes[item.node].outputs)
        if (this.values[v].saved && !this.values[v].view) item.saved += this.values[v].bytes;
    }
  }

  sum(item, column, what) {
    const sums = (item.sums = item.sums || {}), key = column + ' ' + what;
    if (sums[key] === undefined) {
      sums[key] = 0;
      for (const n of item.faces[column] || []) sums[key] += this.nodes[n][what] || 0;
    }
    return sums[key];
  }

  /* The child of a group that an item lies in; null: it lies outside. */
  childOf(group, item) {
    while (item && item.parent !== group) item = item.parent;
    return item;
  }

  source(v) {
    const maker = this.values[v].node;
    return maker === undefined ? this.leafOf.get(v) : this.itemOf[maker];
  }

  /* What leads where among the children of a group: {from, to, value}; null stands for the outside.
   * What changes a tensor in place is read where the tensor is. */
  links(group) {
    if (group.links) return group.links;
    const seen = new Set(), links = [];
    const number = new Map(group.children.map((c, i) => [c, i + 1]));
    const add = (from, to, value) => {
      const key = (number.get(from) || 0) + ' ' + (number.get(to) || 0) + ' ' + value;
      if (from === to || seen.has(key)) return;
      seen.add(key);
      links.push({from, to, value});
    };
    for (const n of group.faces.forward || []) {
      const to = this.childOf(group, this.itemOf[n]);
      for (const v of this.nodes[n].inputs) {
        const from = this.source(v);
        if (from) add(this.childOf(group, from), to, v);
      }
      for (const v of this.nodes[n].outputs) if (this.leaves(group, v)) add(to, null, v);
    }
    const last = this.end && group === this.root && this.source(this.result);
    if (last) add(this.childOf(group, last), this.end, this.result);
    return (group.links = links);
  }

  /* Whether a value made in a group is read outside of it. */
  leaves(group, v) {
    if (group === this.root) return false;
    if (v === this.result) return true;
    return this.readers[v].some((n) => this.itemOf[n] && !this.childOf(group, this.itemOf[n]));
  }
}
