/** Steps of cross entropy, the policy objective, sampling and the optimizer. */
import { FOLD_BLOCK } from '../../repops/arithmetic.ts';
import { blocksOf, combine, foldBlocks } from './plan-dense.ts';
import { dispatch, f32, type NodeView, type Operand, type Planner, type Step } from './steps.ts';

/** Row maxima and block sums of exp(x * scale - maximum); `terms` also keeps the exponentials. */
function softmaxSums(node: NodeView, scale: number, terms?: Operand) {
  const [N, V] = [node.a('N'), node.a('V')];
  const blocks = blocksOf(V);
  const params = [N, V, blocks, f32(scale)];
  const blockMaxima = node.scratch(N * blocks);
  const maxima = node.scratch(N);
  const partials = node.scratch(N * blocks);
  const x = node.input(0);
  const steps: readonly Step[] = [
    dispatch({
      kernel: 'softmax.max',
      entry: 'block',
      items: N * blocks,
      params,
      bindings: { 1: x, 2: blockMaxima },
    }),
    dispatch({ kernel: 'softmax.max', items: N, params, bindings: { 2: blockMaxima, 3: maxima } }),
    dispatch({
      kernel: 'softmax.sum',
      entry: terms === undefined ? 'main' : 'keep',
      items: N * blocks,
      params,
      bindings: { 1: x, 2: maxima, 3: partials, 4: terms },
    }),
  ];
  return { steps, blocks, maxima, partials };
}

export const LOSS = {
  'xent.lse': (node) => {
    const N = node.a('N');
    const { steps, blocks, maxima, partials } = softmaxSums(node, 1);
    return [
      ...steps,
      dispatch({
        kernel: 'xent.lse',
        items: N,
        params: [N, blocks],
        bindings: { 1: maxima, 2: partials, 3: node.output(0) },
      }),
    ];
  },
  'xent.logprob': (node) => [
    dispatch({
      kernel: 'xent.logprob',
      items: node.a('N'),
      params: [node.a('N'), node.a('V')],
      bindings: { 1: node.input(0), 2: node.input(1), 3: node.input(2), 4: node.output(0) },
    }),
  ],
  'xent.grad': (node) => {
    const count = node.a('N') * node.a('V');
    return [
      dispatch({
        kernel: 'xent.grad',
        items: count,
        params: [count, node.a('V')],
        bindings: {
          1: node.input(0),
          2: node.input(1),
          3: node.input(2),
          4: node.input(3),
          5: node.output(0),
        },
      }),
    ];
  },
  'policy.coefficient': (node) => [
    dispatch({
      kernel: 'policy.coefficient',
      items: node.a('N'),
      params: [node.a('N'), f32(node.a('clipLow')), f32(node.a('clipHigh')), f32(node.a('ratioCap'))],
      bindings: { 1: node.input(0), 2: node.input(1), 3: node.input(2), 4: node.input(3), 5: node.output(0) },
    }),
  ],
  'loss.weighted': (node) => {
    const length = node.a('N');
    const blocks = blocksOf(length);
    const partials = node.scratch(blocks);
    return [
      foldBlocks({ entry: 'products', x: node.input(0), y: node.input(1), partials, rows: 1, length }),
      combine({
        partials,
        out: node.output(0),
        count: 1,
        blocks,
        itemStride: 0,
        blockStride: 1,
        finish: { entry: 'negated' },
      }),
    ];
  },
  'norm.square': (node) => {
    const steps: Step[] = [];
    let length = node.a('len');
    let x = node.input(0);
    do {
      const sums = Math.ceil(length / FOLD_BLOCK);
      const partials = sums === 1 ? node.output(0) : node.scratch(sums);
      steps.push(
        foldBlocks({ entry: steps.length === 0 ? 'squares' : 'main', x, partials, rows: 1, length }),
      );
      length = sums;
      x = partials;
    } while (length > 1);
    return steps;
  },
  'clip.scale': (node) => {
    const count = node.a('count');
    const sums = node.scratch(count);
    return [
      ...node.inputs.map((from, at): Step => ({ kind: 'copy', from, to: sums, at, words: 1 })),
      dispatch({
        kernel: 'clip.scale',
        items: 1,
        params: [count, f32(node.a('maxNorm'))],
        bindings: { 1: sums, 2: node.output(0) },
      }),
    ];
  },
  adamw: (node) => {
    const constants = ['beta1', 'oneMinusBeta1', 'beta2', 'oneMinusBeta2', 'eps', 'weightDecay'];
    return [
      dispatch({
        kernel: 'adamw',
        items: node.a('len'),
        params: [node.a('len'), ...constants.map((name) => f32(node.a(name)))],
        bindings: {
          1: node.output(0),
          2: node.input(1),
          3: node.output(1),
          4: node.output(2),
          5: node.input(4),
          6: node.input(5),
        },
      }),
    ];
  },
  sample: (node) => {
    const [N, V] = [node.a('N'), node.a('V')];
    const scale = node.a('invTemperature');
    const terms = node.scratch(N * V);
    const { steps, blocks, maxima, partials } = softmaxSums(node, scale, terms);
    return [
      ...steps,
      dispatch({
        kernel: 'sample',
        items: N,
        params: [N, V, blocks, node.a('greedy'), f32(scale)],
        bindings: {
          1: node.input(0),
          2: node.input(1),
          3: maxima,
          4: partials,
          5: terms,
          6: node.output(0),
          7: node.output(1),
        },
      }),
    ];
  },
} as const satisfies Record<string, Planner>;
