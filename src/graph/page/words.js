/* Texts: names, shapes, numbers. */

const UNITS = ['', 'K', 'M', 'G', 'T'];

function scaled(n, units) {
  let i = 0;
  for (; n >= 999.5 && i < units.length - 1; i++) n /= 1000;
  const digits = i === 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return n.toFixed(digits) + (units[i] ? '\u00a0' + units[i] : '');
}
function countText(n) {
  return n < 99999.5 ? Math.round(n).toLocaleString('en') : scaled(n, UNITS);
}
function bytesText(n) {
  return scaled(n, ['B', 'kB', 'MB', 'GB', 'TB']);
}
function flopsText(n) {
  const text = countText(n);
  return text + (/[KMGT]$/.test(text) ? '' : '\u00a0') + 'FLOP';
}
function timeText(seconds) {
  return seconds < 1e-3 ? scaled(seconds * 1e9, ['ns', '\u00b5s']) : scaled(seconds * 1e3, ['ms', 's']);
}

/* "n\u00d76\u00d728\u00d728": a dimension that grows with the batch is symbolic. */
function shapeText(model, value) {
  const v = model.values[value];
  if (!v.shape.length) return 'scalar';
  return v.shape
    .map((d, i) => {
      const grows = v.growth ? v.growth[i] : 0;
      if (!grows) return String(d);
      const fixed = d - grows * model.batch;
      return (grows === 1 ? '' : grows) + 'n' + (fixed > 0 ? '+' + fixed : fixed < 0 ? fixed : '');
    })
    .join('\u00d7');
}

/* Without what goes without saying: "1, 6, 5, padding=2". */
function briefArguments(text) {
  return text
    .replace(/\((-?\w+), \1\)/g, '$1')
    .replace(/\b(stride|dilation|groups)=1\b(, )?|\b(output_)?padding=0\b(, )?/g, '')
    .replace(/\b(bias|affine|track_running_stats|elementwise_affine|count_include_pad)=True\b(, )?/g, '')
    .replace(/\b(ceil_mode|inplace)=False\b(, )?|\beps=1e-05\b(, )?|\bmomentum=0\.1\b(, )?/g, '')
    .replace(/\bbias=False\b/g, 'no bias')
    .replace(/\b(kernel_size|in_features|out_features|output_size|num_parameters|p)=/g, '')
    .replace(/, *$/, '');
}

function attributesText(node) {
  const text = Object.entries(node.attributes || {})
    .map(([k, v]) => k + '=' + (Array.isArray(v) ? '(' + v.join(', ') + ')' : v))
    .join(', ');
  return briefArguments(text.replace(/\b\w+=(false|0)\b(, )?/g, ''));
}

/* {name, type, rest}: "conv1", "Conv2d", "(1, 6, 5)". */
function titleOf(model, item) {
  if (item.kind === 'rest') return {name: '', type: 'of no layer', rest: ''};
  if (item.kind === 'result') return {name: '', type: 'result', rest: ''};
  if (item.kind === 'op') {
    const n = model.nodes[item.node], text = attributesText(n);
    return {name: model.values[n.outputs[0]]?.name || '', type: n.op, rest: text ? '(' + text + ')' : ''};
  }
  if (item.kind === 'leaf') {
    const v = model.values[item.value];
    return {name: v.name ? v.kind : '', type: v.name || v.kind, rest: ''};
  }
  if (item.stretch) return {name: '', type: countText((item.faces.forward || []).length) + ' operations', rest: ''};
  if (item.scope === undefined) return {name: '', type: 'graph', rest: ''};
  const s = model.scopes[item.scope], rest = briefArguments(s.arguments);
  return {name: s.type && s.name !== s.type ? s.name : '', type: s.type || s.name || '?', rest: rest ? '(' + rest + ')' : ''};
}

/* "layer1.0.conv1" */
function pathOf(model, item) {
  const names = [];
  for (let i = item; i; i = i.parent)
    if (i.scope !== undefined && model.scopes[i.scope].name) names.push(model.scopes[i.scope].name);
  return names.reverse().join('.');
}

/* The tensor that a box shows: what of it is read elsewhere, else its last one. */
function shownValue(model, item) {
  if (item.value !== undefined) return item.value;
  const nodes = item.faces.forward || [];
  const group = item.kind === 'group' ? item : null;
  for (let i = nodes.length; i-- > 0; )
    for (const v of model.nodes[nodes[i]].outputs)
      if (v === model.result || (group && model.leaves(group, v))) return v;
  return nodes.length ? model.nodes[nodes[nodes.length - 1]].outputs[0] : undefined;
}

function cut(text, most) {
  const characters = Array.from(text);
  return characters.length <= most ? text : characters.slice(0, most - 1).join('') + '\u2026';
}
