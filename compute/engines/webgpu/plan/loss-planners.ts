/** Steps of cross entropy, the policy objective and the optimizer. */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { blocksOf, combine, foldBlocks } from './dense-planners.ts';
import { dispatch, f32, type Planner, type Step } from './steps.ts';

export const LOSS = {
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
} as const satisfies Record<string, Planner>;
