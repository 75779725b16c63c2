// Trees of calls from a capture's nodes and samples: summed up, reversed, or as they happened. Pure: it touches no page.
//
// A tree is { name, frame, value, own, samples, start, lines, children, parent }: value is the time with all it calls,
// own the time in itself, lines the time at each of its lines. The root stands for the whole capture; frame is null there.

const made = (frame, name, parent, start = null) =>
  ({ frame, name, value: 0, own: 0, samples: 0, start, lines: new Map(), children: [], parent });

// Nodes that a browser still draws and searches at once. What would be more is cut off: the callers of the lightest when
// reversed, the deepest calls over time; root.cut says how many stacks.
const MOST_NODES = 10_000;

const add = (map, key, value) => map.set(key, (map.get(key) ?? 0) + value);

const frameOf = ([name, file, line, owner, isTemplate]) => ({ name, file, line, owner, isTemplate });

// One object for each frame, so that equal frames are the same.
export const framesOf = ({ frames }) => frames.map(frameOf);

const heaviestFirst = (tree) => {
  const todo = [tree];
  while (todo.length) {
    const node = todo.pop();
    node.children.sort((one, other) => other.value - one.value);
    for (const child of node.children) todo.push(child);
  }
  return tree;
};

// Stacks that are equal function by function are one, whatever lines they were at.
export function summed({ nodes }, frames, name) {
  const root = made(null, name, null);
  const known = new Map([[root, new Map()]]);
  const place = nodes.map(() => null);
  const whole = nodes.map(([, , , own]) => own);
  const samples = nodes.map(([, , , , count]) => count);
  for (let at = nodes.length - 1; at >= 0; at--) {
    const parent = nodes[at][0];
    if (parent < 0) continue;
    whole[parent] += whole[at];
    samples[parent] += samples[at];
  }
  nodes.forEach(([parent, frame, line, own], at) => {
    const above = parent < 0 ? root : place[parent];
    let node = known.get(above).get(frame);
    if (!node) {
      node = made(frames[frame], frames[frame].name, above);
      above.children.push(node);
      known.get(above).set(frame, node);
      known.set(node, new Map());
    }
    place[at] = node;
    node.own += own;
    node.value += whole[at];
    node.samples += samples[at];
    add(node.lines, line, whole[at]);
    if (parent < 0) {
      root.value += whole[at];
      root.samples += samples[at];
    }
  });
  return heaviestFirst(root);
}

// Each function in which time was spent is a root, and below it stand its callers.
export function reversed({ nodes }, frames, name) {
  const root = { ...made(null, name, null), cut: 0 };
  const known = new Map([[root, new Map()]]);
  const heaviest = nodes.filter(([, , , own, samples]) => own || samples).sort((one, other) => other[3] - one[3]);
  for (const [parent, frame, line, own, samples] of heaviest) {
    root.value += own;
    root.samples += samples;
    let above = root;
    for (let [up, at, on] = [parent, frame, line]; ; [up, at, on] = nodes[up]) {
      let node = known.get(above).get(at);
      if (!node && known.size > MOST_NODES && above !== root) {
        root.cut += 1;
        break;
      }
      if (!node) {
        node = made(frames[at], frames[at].name, above);
        above.children.push(node);
        known.get(above).set(at, node);
        known.set(node, new Map());
      }
      node.value += own;
      node.samples += samples;
      if (above === root) node.own += own;
      add(node.lines, on, own);
      above = node;
      if (up < 0) break;
    }
  }
  return heaviestFirst(root);
}

// Shorter stretches without a sample are the clock's; over a longer one than so much of the whole no frame is drawn on.
const LEAST_GAP_MS = 0.05;
const LONG_GAP = 0.05;

function stackOf(nodes, node) {
  const stack = [];
  for (let up = node; up >= 0; up = nodes[up][0]) stack.push(nodes[up]);
  return stack.reverse();
}

// How deep stacks may be drawn over time, so that all bars together are not too many.
function depthFor(nodes, samples) {
  const bars = [];
  let before = [];
  for (const [, , node] of samples) {
    const stack = stackOf(nodes, node);
    let depth = 0;
    while (depth < before.length && depth < stack.length && before[depth][1] === stack[depth][1]) depth++;
    for (; depth < stack.length; depth++) bars[depth] = (bars[depth] ?? 0) + 1;
    before = stack;
  }
  let all = 0;
  const tooMany = bars.findIndex((count) => (all += count) > MOST_NODES);
  return tooMany < 0 ? Infinity : Math.max(tooMany, 1);
}

// What ran when: neighbors with the same callers stand below one bar. A gap is a child without a frame: it has a width
// (v), and its time counts for nobody, so that a bar may be wider than its time.
export function ordered({ nodes, samples }, frames, name, durationMs) {
  const deepest = depthFor(nodes, samples);
  const root = { ...made(null, name, null, 0), v: 0, cut: 0 };
  let open = [root];
  let end = 0;
  const gap = (above, width) => above.children.push({ ...made(null, "", above, end), v: width, isGap: true });
  for (const [at, took, node] of samples) {
    let stack = stackOf(nodes, node);
    if (stack.length > deepest) {
      stack = stack.slice(0, deepest);
      root.cut += 1;
    }
    const wait = at - end > LEAST_GAP_MS ? at - end : 0;
    let depth = 1;
    if (wait > durationMs * LONG_GAP) open = [root];
    while (depth < open.length && depth <= stack.length && open[depth].frame === frames[stack[depth - 1][1]]) depth++;
    open = open.slice(0, depth);
    if (wait) gap(open.at(-1), wait);
    for (const each of open.slice(1)) each.v += wait;
    for (; depth <= stack.length; depth++) {
      const frame = frames[stack[depth - 1][1]];
      const child = { ...made(frame, frame.name, open[depth - 1], at), v: 0 };
      open[depth - 1].children.push(child);
      open.push(child);
    }
    open.slice(1).forEach((each, place) => {
      each.v += took;
      each.value += took;
      add(each.lines, stack[place][2], took);
    });
    open.at(-1).own += took;
    end = Math.max(at, end) + took;
  }
  root.value = root.v = Math.max(durationMs, end);
  if (root.v - end > LEAST_GAP_MS) gap(root, root.v - end);
  return root;
}

// Every node of a tree but gaps and the root, callers first.
export function* descendants(tree) {
  const todo = [...tree.children].reverse();
  while (todo.length) {
    const node = todo.pop();
    if (node.isGap) continue;
    yield node;
    for (let at = node.children.length - 1; at >= 0; at--) todo.push(node.children[at]);
  }
}

// What a search finds: the nodes, and their time, each stack once.
export function matching(tree, text) {
  const wanted = text.trim().toLowerCase();
  const found = new Set();
  let time = 0;
  let all = 0;
  for (const node of descendants(tree)) {
    all += 1;
    if (!wanted || !`${node.frame.name}\n${node.frame.file}`.toLowerCase().includes(wanted)) continue;
    found.add(node);
    let above = node.parent;
    while (above && !found.has(above)) above = above.parent;
    if (!above) time += node.value;
  }
  return { found, time, all };
}
