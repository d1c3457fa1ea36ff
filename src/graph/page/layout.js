/* A layered layout: from top to bottom, with few crossings and straight lines.
 *
 * Nodes are {w, h, first, last}; first and last ones stand on the upper and the lower rim. Edges are
 * {a, b, ax, bx}: nodes, and where an edge touches them, from their left. Afterwards nodes have
 * {x, y} and edges `points`, stretches [x, y] from rim to rim, and `turned` where they lead up. */

const GAP = 16, LAYER_GAP = 26;

/* Edges that lead back in the order of the nodes are turned round, so there are no circles. */
function turnEdges(nodes, edges) {
  nodes.forEach((n, i) => Object.assign(n, {index: i, up: [], down: [], layer: 0}));
  for (const e of edges) {
    e.turned = e.a.last || e.b.first || (!e.b.last && !e.a.first && e.a.index > e.b.index);
    [e.upper, e.lower] = e.turned ? [e.b, e.a] : [e.a, e.b];
    [e.ux, e.lx] = e.turned ? [e.bx, e.ax] : [e.ax, e.bx];
    e.upper.down.push(e);
    e.lower.up.push(e);
  }
}

/* The longest way from above; what nothing leads to stands right above its readers. */
function setLayers(nodes) {
  const order = [...nodes].sort((a, b) => rimOrder(a) - rimOrder(b) || a.index - b.index);
  let last = 0;
  for (const n of order) {
    for (const e of n.down) e.lower.layer = Math.max(e.lower.layer, n.layer + 1);
    last = Math.max(last, n.layer);
  }
  for (const n of order.reverse()) {
    if (n.last) n.layer = last;
    else if (!n.first && !n.up.length && n.down.length)
      n.layer = Math.min(...n.down.map((e) => e.lower.layer)) - 1;
  }
  return last + 1;
}
function rimOrder(n) {
  return n.first ? -1 : n.last ? 1 : 0;
}

/* Long edges get a bend in each layer that they cross. */
function bendEdges(edges, layers) {
  for (const e of edges) {
    e.chain = [{n: e.upper, at: e.ux}];
    for (let l = e.upper.layer + 1; l < e.lower.layer; l++) {
      const bend = {w: 6, h: 0, bend: true, layer: l, up: [], down: []};
      layers[l].push(bend);
      e.chain.push({n: bend, at: 3});
    }
    e.chain.push({n: e.lower, at: e.lx});
  }
  for (const layer of layers) for (const n of layer) n.near = {up: [], down: []};
  for (const e of edges)
    for (let i = 1; i < e.chain.length; i++) {
      const a = e.chain[i - 1], b = e.chain[i], weight = edgeWeight(a.n, b.n);
      a.n.near.down.push({n: b.n, mine: a.at, its: b.at, weight});
      b.n.near.up.push({n: a.n, mine: b.at, its: a.at, weight});
    }
}

/* What is long, and what is a chain, is straight first. */
function edgeWeight(a, b) {
  if (a.bend && b.bend) return 8;
  if (a.bend || b.bend) return 2;
  return a.down.length === 1 && b.up.length === 1 ? 4 : 1;
}

/* --- order --- */

function number(layers) {
  for (const layer of layers) layer.forEach((n, i) => (n.place = i));
}

function crossings(layers) {
  let total = 0;
  for (const layer of layers) {
    const ends = [];
    for (const n of layer) {
      const sorted = n.near.down.map((o) => o.n.place + o.its / (o.n.w + 1)).sort((a, b) => a - b);
      for (const end of sorted) {
        for (let i = ends.length; i-- > 0 && ends[i] > end; ) total++;
        let at = ends.length;
        while (at > 0 && ends[at - 1] > end) at--;
        ends.splice(at, 0, end);
      }
    }
  }
  return total;
}

function sweep(layers, side) {
  const order = side === 'up' ? layers : [...layers].reverse();
  for (const layer of order) {
    for (const n of layer) {
      const near = n.near[side];
      n.key = near.length
        ? near.reduce((s, o) => s + o.n.place + o.its / (o.n.w + 1), 0) / near.length
        : n.place;
    }
    layer.sort((a, b) => a.key - b.key || a.place - b.place);
    layer.forEach((n, i) => (n.place = i));
  }
}

function orderLayers(layers) {
  number(layers);
  let best = layers.map((l) => [...l]), least = crossings(layers);
  for (let round = 0; round < 16 && least > 0; round++) {
    sweep(layers, round % 2 ? 'down' : 'up');
    const now = crossings(layers);
    if (now >= least) continue;
    least = now;
    best = layers.map((l) => [...l]);
  }
  best.forEach((l, i) => (layers[i] = l));
  number(layers);
}

/* --- places --- */

/* The places nearest to those wanted that keep their distances: neighbours that would overlap are
 * pooled and stand at their mean. */
function settle(layer) {
  let offset = 0;
  const pools = [];
  layer.forEach((n, i) => {
    if (i) offset += layer[i - 1].w + (n.bend && layer[i - 1].bend ? 4 : GAP);
    n.offset = offset;
    let pool = {sum: (n.want - offset) * n.pull, pull: n.pull, nodes: [n]};
    while (pools.length && pools[pools.length - 1].sum / pools[pools.length - 1].pull > pool.sum / pool.pull) {
      const before = pools.pop();
      pool = {sum: before.sum + pool.sum, pull: before.pull + pool.pull, nodes: before.nodes.concat(pool.nodes)};
    }
    pools.push(pool);
  });
  for (const p of pools) for (const n of p.nodes) n.x = p.sum / p.pull + n.offset;
}

/* Edges that are nearly straight pull harder, so that they become so. */
function wish(n, sides, hard) {
  let sum = 0, pull = 0;
  for (const side of sides)
    for (const o of n.near[side]) {
      const want = o.n.x + o.its - o.mine;
      const weight = hard ? o.weight / (Math.abs(want - n.x) + 6) : o.weight;
      sum += want * weight;
      pull += weight;
    }
  n.want = pull ? sum / pull : n.x;
  n.pull = pull || 1e-3;
}

function setPlaces(layers) {
  for (const layer of layers) {
    let x = 0;
    for (const n of layer) {
      n.x = x;
      x += n.w + GAP;
    }
  }
  for (let round = 0; round < 40; round++) {
    const order = round % 2 ? [...layers].reverse() : layers;
    const sides = round < 8 ? [round % 2 ? 'down' : 'up'] : ['up', 'down'];
    for (const layer of order) {
      for (const n of layer) wish(n, sides, round >= 16);
      settle(layer);
    }
  }
}

function setHeights(layers, head) {
  let y = head;
  layers.forEach((layer, i) => {
    const h = Math.max(0, ...layer.map((n) => n.h));
    const rim = layer.every((n) => n.first || n.last || n.bend);
    for (const n of layer) {
      n.top = n.first ? 0 : y;
      n.bottom = y + h;
      n.y = n.first ? 0 : n.last ? n.bottom : y + (h - n.h) / 2;
    }
    y += h + (i + 1 === layers.length ? 0 : rim && h === 0 ? LAYER_GAP / 2 : LAYER_GAP);
  });
  return y;
}

function route(e) {
  const points = [];
  e.chain.forEach(({n, at}, i) => {
    const x = n.x + at, below = n.first ? 0 : n.y + n.h;
    if (i === 0) {
      points.push([x, below]);
      if (n.bottom > below) points.push([x, n.bottom]);
    } else if (i + 1 === e.chain.length) {
      if (n.top < n.y) points.push([x, n.top]);
      points.push([x, n.y]);
    } else points.push([x, n.top], [x, n.bottom]);
  });
  e.points = points;
}

/* Returns the size of the whole; `head` is left free above. */
function layOut(nodes, edges, head, side) {
  turnEdges(nodes, edges);
  const layers = Array.from({length: nodes.length ? setLayers(nodes) : 0}, () => []);
  for (const n of nodes) layers[n.layer].push(n);
  bendEdges(edges, layers);
  orderLayers(layers);
  setPlaces(layers);
  const all = layers.flat();
  const least = Math.min(...all.map((n) => n.x));
  for (const n of all) n.x += side - least;
  const h = setHeights(layers, head);
  for (const e of edges) route(e);
  const rim = nodes.some((n) => n.last);
  return {w: Math.max(0, ...all.map((n) => n.x + n.w)) + side, h: h + (rim ? 0 : side)};
}
