/* Drives the page that test_page.c has saved, by the events that a user's hand makes. Writes "driven
 * well", or what was wrong, into the document. */
{
const wrong = [];
function check(is, what) {
  if (!is) wrong.push(what);
}
const all = (selector) => [...document.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const text = (e) => (e ? e.textContent : '');
const box = (title, column = 'forward') =>
  all('.box, .frame').find((e) => e.dataset.column === column && text(e).includes(title));
function click(e, type = 'click') {
  if (!e) return check(false, 'there is nothing to click');
  e.dispatchEvent(new MouseEvent(type, {bubbles: true, cancelable: true, view: window}));
}
function set(e, value) {
  if (e.type === 'checkbox') return e.click();
  e.value = value;
  e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input', {bubbles: true}));
}
function key(name, on = document.body) {
  on.dispatchEvent(new KeyboardEvent('keydown', {key: name, bubbles: true, cancelable: true}));
}
const toggle = (title) => click(box(title).querySelector('.toggle'));
const place = () => one('#world').getAttribute('transform');

/* Boxes of one column stand apart from each other. */
function checkApart(when) {
  const rects = all('.box').map((e) => ({e, r: e.firstChild.getBoundingClientRect()}));
  const before = (a, b) => a < b - 0.1;
  const meet = (a, b) => before(a.left, b.right) && before(b.left, a.right) &&
    before(a.top, b.bottom) && before(b.top, a.bottom);
  for (const a of rects)
    for (const b of rects)
      if (a !== b && meet(a.r, b.r)) return check(false, when + ': ' + text(a.e) + ' lies over ' + text(b.e));
}

function drive() {
  check(one('#facts').textContent.includes('parameters'), 'the head says nothing');
  check(all('.box').length > 8, 'few boxes: ' + all('.box').length);
  check(all('.edge .line').length > 8, 'few edges');
  checkApart('at first');

  /* collapse and expand */
  key('c');
  const closed = all('.box').length;
  check(!box('Conv2d'), 'a layer shows though all is collapsed');
  toggle('Sequential');
  check(box('Conv2d') && box('Residual'), 'the network does not open');
  toggle('Residual');
  check(text(box('Residual')).includes('\u2212'), 'the block does not open');
  checkApart('opened');
  click(box('Residual'), 'dblclick');
  check(text(box('Residual')).includes('+'), 'a double click does not close the block');
  click(one('#expand'));
  check(all('.box.parameter').length > 3, 'no parameters where all is open');
  checkApart('all open');
  click(one('#constants'));
  check(!all('.box.parameter').length, 'parameters show though they are off');
  click(one('#constants'));
  click(one('#collapse'));
  check(all('.box').length === closed, 'not as collapsed as before');

  /* parts */
  toggle('Sequential');
  for (const part of ['backward', 'update']) {
    const on = one('[data-part=' + part + ']'), before = all('.box').length;
    check(all('.box.' + part).length > 0, 'no ' + part);
    set(on);
    check(!all('.box.' + part).length && all('.box').length < before, part + ' is not off');
    set(on);
    check(all('.box').length === before, part + ' is not on again');
  }
  check(all('.edge.backward').length > 0, 'gradients flow nowhere');
  set(one('#saved'));
  check(all('path.saved').length > 0, 'nothing is saved');

  /* heat */
  set(one('#heat'), 'flops');
  const share = (e) => e.width.baseVal.value / e.parentNode.firstChild.width.baseVal.value;
  const bars = all('rect.bar').sort((a, b) => share(b) - share(a));
  check(bars.length > 3, 'few bars');
  check(/Conv2d|Residual/.test(text(bars[0]?.parentNode)), 'the hottest box is not a convolution');
  check(!one('#key-heat').hidden, 'the legend says nothing of heat');
  set(one('#heat'), 'parameters');
  check(!all('.box.backward rect.bar').length, 'the backward pass has parameters');
  set(one('#heat'), 'none');
  check(!all('rect.bar').length, 'heat is not off');

  /* details */
  click(box('Conv2d'));
  for (const part of ['kernel_size=(3, 3)', 'parameters', 'weight', '3\u00d71\u00d73\u00d73 f32', 'FLOP', 'backward'])
    check(text(one('#details')).includes(part), 'details of a layer without ' + part);
  check(all('.box.chosen').length >= 2 && all('.edge.chosen').length >= 1, 'what was clicked is not marked');
  click(all('#details .link').find((e) => text(e) === 'conv2d'));
  check(text(one('#details h2')) === 'conv2d' && text(one('#details')).includes('padding'), 'a link leads nowhere');
  check(box('conv2d').classList.contains('chosen'), 'the operation of a link is not shown');
  click(one('.edge'));
  check(/^(Tensor|\d+ tensors)$/.test(text(one('#details h2'))), 'an edge has no details');

  /* search */
  const q = one('#search');
  key('c');
  set(q, 'body batch');
  check(all('#found div').length > 0, 'nothing found');
  key('Enter', q);
  check(text(one('#details h2')).includes('BatchNorm') && box('BatchNorm'), 'search does not go there');
  check(!all('#found div').length, 'what was found stays');
  set(q, 'no such thing');
  check(text(one('#found')) === 'nothing found', 'search finds what there is not');
  set(q, '');

  /* zoom and pan */
  const stage = one('#stage svg'), before = place();
  const middle = {clientX: 300, clientY: 300, bubbles: true, cancelable: true};
  stage.dispatchEvent(new WheelEvent('wheel', {deltaY: -200, ...middle}));
  const zoomed = place();
  check(zoomed !== before, 'the wheel does not zoom');
  stage.dispatchEvent(new PointerEvent('pointerdown', middle));
  window.dispatchEvent(new PointerEvent('pointermove', {clientX: 340, clientY: 320}));
  window.dispatchEvent(new PointerEvent('pointerup', {}));
  check(place() !== zoomed, 'dragging does not move');
  click(one('#fit'));
  key('+');

  /* names are text, whatever stands in them */
  key('e');
  for (const name of JSON.parse(text(one('#names')))) {
    set(q, name.trim());
    const row = all('#found div').find((e) => text(e).includes(name));
    check(row, 'not found: ' + JSON.stringify(name));
    if (row) click(row);
    check(text(one('#details')).includes(name), 'not as it is: ' + JSON.stringify(name));
  }
  check(window.broken === undefined, 'a name was run as a script');
  check(document.scripts.length === 3, 'there are ' + document.scripts.length + ' scripts');
  check(!all('img, b, iframe, object').length, 'a name has made elements');
  checkApart('at last');
}

try {
  drive();
} catch (e) {
  wrong.push(String(e.stack));
}
const told = document.createElement('pre');
told.id = 'driven';
told.textContent = wrong.length ? wrong.join('\n') : 'driven well';
document.body.append(told);
}
