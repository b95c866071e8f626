/** Steps over rows of logits: log-sum-exp, drawing, top-k and top-p. Rows are long, so their blocks are worked on side by side. */
import { blocksOf } from './plan-dense.ts';
import { dispatch, f32, groupDispatch, type NodeView, type Planner, type Step } from './steps.ts';

/** Row maxima and block sums of exp(mul(x, scale) - maximum). */
function softmaxSums(node: NodeView, scale: number) {
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
    groupDispatch({
      kernel: 'softmax.max',
      workgroups: N,
      params,
      bindings: { 2: blockMaxima, 3: maxima },
    }),
    dispatch({
      kernel: 'softmax.sum',
      items: N * blocks,
      params,
      bindings: { 1: x, 2: maxima, 3: partials },
    }),
  ];
  return { steps, blocks, blockMaxima, maxima, partials };
}

export const SAMPLING = {
  'xent.lse': (node) => {
    const N = node.a('N');
    const { steps, blocks, maxima, partials } = softmaxSums(node, 1);
    return [
      ...steps,
      groupDispatch({
        kernel: 'xent.lse',
        workgroups: N,
        params: [N, blocks],
        bindings: { 1: maxima, 2: partials, 3: node.output(0) },
      }),
    ];
  },
  sample: (node) => {
    const [N, V] = [node.a('N'), node.a('V')];
    const scale = node.a('invTemperature');
    const { steps, blocks, blockMaxima, maxima, partials } = softmaxSums(node, scale);
    return [
      ...steps,
      groupDispatch({
        kernel: 'sample',
        workgroups: N,
        params: [N, V, blocks, node.a('greedy'), f32(scale)],
        bindings: {
          1: node.input(0),
          2: node.input(1),
          3: maxima,
          4: partials,
          5: blockMaxima,
          6: node.output(0),
          7: node.output(1),
        },
      }),
    ];
  },
  'sample.filter': (node) => {
    const [N, V] = [node.a('N'), node.a('V')];
    const blocks = blocksOf(V);
    return [
      groupDispatch({
        kernel: 'sample.filter',
        workgroups: N,
        params: [
          N,
          V,
          blocks,
          Math.min(node.a('topK'), V),
          f32(node.a('topP')),
          f32(node.a('invTemperature')),
        ],
        bindings: {
          1: node.input(0),
          2: node.scratch(N * V),
          3: node.scratch(N * blocks),
          4: node.output(0),
        },
      }),
    ];
  },
} as const satisfies Record<string, Planner>;
