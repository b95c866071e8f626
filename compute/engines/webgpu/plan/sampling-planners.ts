/**
 * Steps over rows of logits: log-sum-exp, drawing, top-k and top-p. Rows are long, so the kernels work on
 * their blocks in parallel.
 */
import { kernelConstants } from '../shader/kernel-interface.ts';
import { blocksOf } from './folds.ts';
import type { NodeView, Planners } from './node-view.ts';
import { dispatch, type Step } from './steps.ts';

type LogitsNode = NodeView<'xent.lse' | 'sample' | 'sample.filter'>;

/** The maximum of each row of mul(logits, scale), and before that the maxima of its blocks. */
function softmaxMaxima(node: LogitsNode, scale: number) {
  const { N, V } = node.attributes;
  const blocks = blocksOf(V);
  const params = { N, V, blocks, scale };
  const blockMaxima = node.scratch(N * blocks);
  const maxima = node.scratch(N);
  const steps: readonly Step[] = [
    dispatch('softmax.max', {
      entry: 'block',
      items: N * blocks,
      params,
      bindings: { x: node.inputs.logits, blockMaxima },
    }),
    dispatch('softmax.max', { workgroups: N, params, bindings: { blockMaxima, maxima } }),
  ];
  return { steps, params, blocks, blockMaxima, maxima };
}

/** As softmaxMaxima, and then the block sums of exp(mul(logits, scale) - maximum). */
function softmaxSums(node: LogitsNode, scale: number) {
  const { steps, params, blocks, blockMaxima, maxima } = softmaxMaxima(node, scale);
  const items = node.attributes.N * blocks;
  const partials = node.scratch(items);
  const { logits: x } = node.inputs;
  const sums = dispatch('softmax.sum', { items, params, bindings: { x, maxima, partials } });
  return { steps: [...steps, sums], blocks, blockMaxima, maxima, partials };
}

/** Thresholds that a pass of sample.filter tries at once; it finds four bits by them. */
const FILTER_TRIES = kernelConstants('sample.filter').TRIES;
const FILTER_BITS = 4;

export const SAMPLING = {
  'xent.lse': (node) => {
    const { N } = node.attributes;
    const { steps, blocks, maxima, partials } = softmaxSums(node, 1);
    return [
      ...steps,
      dispatch('xent.lse', {
        workgroups: N,
        params: { N, blocks },
        bindings: { maxima, partials, ...node.outputs },
      }),
    ];
  },
  sample: (node) => {
    const { N, V, greedy, invTemperature: scale } = node.attributes;
    const { steps, blocks, blockMaxima, maxima, partials } = softmaxSums(node, scale);
    const { logits, uniform: uniforms } = node.inputs;
    return [
      ...steps,
      dispatch('sample', {
        workgroups: N,
        params: { N, V, blocks, greedy, scale },
        bindings: { logits, uniforms, maxima, partials, blockMaxima, ...node.outputs },
      }),
    ];
  },
  'sample.filter': (node) => {
    const { N, V, topP, invTemperature: scale } = node.attributes;
    const topK = Math.min(node.attributes.topK, V);
    const { steps, blocks, maxima } = softmaxMaxima(node, scale);
    const terms = node.scratch(N * V);
    const partials = node.scratch(N * blocks * FILTER_TRIES);
    const search = node.scratch(N * 4);
    const { logits } = node.inputs;
    const { z: out } = node.outputs;
    const whole = { N, V, blocks, topK, topP, scale, weighted: 0, shift: 0 };
    const passes = (weighted: 0 | 1): readonly Step[] => {
      const result: Step[] = [];
      for (let shift = 32 - FILTER_BITS; shift >= 0; shift -= FILTER_BITS) {
        const params = { ...whole, weighted, shift };
        result.push(
          dispatch('sample.filter', {
            entry: 'sums',
            items: N * blocks,
            params,
            bindings: { terms, partials, search, out },
          }),
          dispatch('sample.filter', {
            entry: 'choose',
            workgroups: N,
            params,
            bindings: { partials, search },
          }),
        );
      }
      return result;
    };
    return [
      ...steps,
      dispatch('sample.filter', {
        entry: 'prepare',
        items: N * V,
        params: whole,
        bindings: { logits, maxima, terms, search, out },
      }),
      ...(topK > 0 ? passes(0) : []),
      ...(topP < 1 ? passes(1) : []),
      dispatch('sample.filter', {
        entry: 'apply',
        items: N * V,
        params: whole,
        bindings: { search, out },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
