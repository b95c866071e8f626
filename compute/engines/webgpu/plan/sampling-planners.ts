/** Steps over rows of logits: log-sum-exp, drawing, top-k and top-p. Rows are long, so their blocks are worked on side by side. */
import { blocksOf } from './dense-planners.ts';
import { dispatch, f32, groupDispatch, type NodeView, type Planner, type Step } from './steps.ts';

/** Row maxima of mul(x, scale), and on the way the maxima of blocks. */
function softmaxMaxima(node: NodeView, scale: number) {
  const [N, V] = [node.a('N'), node.a('V')];
  const blocks = blocksOf(V);
  const params = [N, V, blocks, f32(scale)];
  const blockMaxima = node.scratch(N * blocks);
  const maxima = node.scratch(N);
  const steps: readonly Step[] = [
    dispatch({
      kernel: 'softmax.max',
      entry: 'block',
      items: N * blocks,
      params,
      bindings: { 1: node.input(0), 2: blockMaxima },
    }),
    groupDispatch({
      kernel: 'softmax.max',
      workgroups: N,
      params,
      bindings: { 2: blockMaxima, 3: maxima },
    }),
  ];
  return { steps, params, blocks, blockMaxima, maxima };
}

/** Row maxima and block sums of exp(mul(x, scale) - maximum). */
function softmaxSums(node: NodeView, scale: number) {
  const { steps, params, blocks, blockMaxima, maxima } = softmaxMaxima(node, scale);
  const items = node.a('N') * blocks;
  const partials = node.scratch(items);
  const bindings = { 1: node.input(0), 2: maxima, 3: partials };
  const sums = dispatch({ kernel: 'softmax.sum', items, params, bindings });
  return { steps: [...steps, sums], blocks, blockMaxima, maxima, partials };
}

/** Thresholds that a pass of sample.filter.wgsl tries at once, and the bits that it finds by them. */
const FILTER_TRIES = 16;
const FILTER_BITS = 4;

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
    const [N, V, scale] = [node.a('N'), node.a('V'), node.a('invTemperature')];
    const { steps, blocks, maxima } = softmaxMaxima(node, scale);
    const [topK, topP] = [Math.min(node.a('topK'), V), node.a('topP')];
    const [terms, partials] = [node.scratch(N * V), node.scratch(N * blocks * FILTER_TRIES)];
    const [search, out] = [node.scratch(N * 4), node.output(0)];
    const params = [N, V, blocks, topK, f32(topP), f32(scale)];
    const kernel = 'sample.filter';
    const passes = (weighted: number): Step[] => {
      const result: Step[] = [];
      for (let shift = 32 - FILTER_BITS; shift >= 0; shift -= FILTER_BITS) {
        const pass = { kernel, params: [...params, weighted, shift] };
        result.push(
          dispatch({
            ...pass,
            entry: 'sums',
            items: N * blocks,
            bindings: { 3: terms, 4: partials, 5: search, 6: out },
          }),
          groupDispatch({ ...pass, entry: 'choose', workgroups: N, bindings: { 4: partials, 5: search } }),
        );
      }
      return result;
    };
    const whole = { kernel, items: N * V, params: [...params, 0, 0] };
    return [
      ...steps,
      dispatch({
        ...whole,
        entry: 'prepare',
        bindings: { 1: node.input(0), 2: maxima, 3: terms, 5: search, 6: out },
      }),
      ...(topK > 0 ? passes(0) : []),
      ...(topP < 1 ? passes(1) : []),
      dispatch({ ...whole, entry: 'apply', bindings: { 5: search, 6: out } }),
    ];
  },
} as const satisfies Record<string, Planner>;
