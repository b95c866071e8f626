/** Steps of cross entropy, the policy objective and the optimizer. */
import { blocksOf, combineBlocks, foldRows } from './folds.ts';
import type { Planners } from './node-view.ts';
import { dispatch, type Step } from './steps.ts';

export const LOSS = {
  'xent.logprob': (node) => {
    const { N, V } = node.attributes;
    return [
      dispatch('xent.logprob', {
        items: N,
        params: { N, V },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
  'xent.grad': (node) => {
    const { N, V } = node.attributes;
    return [
      dispatch('xent.grad', {
        items: N * V,
        params: { count: N * V, V },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
  'policy.coefficient': (node) => {
    const { N, clipLow, clipHigh, ratioCap } = node.attributes;
    const { logprob, oldLogprob, advantage, weight } = node.inputs;
    const { coefficient } = node.outputs;
    return [
      dispatch('policy.coefficient', {
        items: N,
        params: { N, clipLow, clipHigh, ratioCap },
        bindings: { logprob, old: oldLogprob, advantage, weight, coefficient },
      }),
    ];
  },
  'loss.weighted': (node) => {
    const { N: length } = node.attributes;
    const { weight, logprob } = node.inputs;
    const blocks = blocksOf(length);
    const partials = node.scratch(blocks);
    return [
      foldRows({
        terms: { kind: 'products', x: weight, y: logprob },
        partials,
        rows: 1,
        length,
      }),
      combineBlocks({
        partials,
        out: node.outputs.loss,
        count: 1,
        blocks,
        itemStride: 0,
        blockStride: 1,
        result: { kind: 'negated' },
      }),
    ];
  },
  'norm.square': (node) => {
    const steps: Step[] = [];
    let length = node.attributes.len;
    let { x } = node.inputs;
    do {
      const sums = blocksOf(length);
      const partials = sums === 1 ? node.outputs.sum : node.scratch(sums);
      const kind = steps.length === 0 ? 'squares' : 'values';
      steps.push(foldRows({ terms: { kind, x }, partials, rows: 1, length }));
      length = sums;
      x = partials;
    } while (length > 1);
    return steps;
  },
  'clip.scale': (node) => {
    const { count, maxNorm } = node.attributes;
    const sums = node.scratch(count);
    return [
      ...node.inputList.map((from, at): Step => ({ kind: 'copy', from, to: sums, at, words: 1 })),
      dispatch('clip.scale', {
        items: 1,
        params: { count, maxNorm },
        bindings: { sums, scale: node.outputs.scale },
      }),
    ];
  },
  adamw: (node) => {
    const { len, ...constants } = node.attributes;
    const { g, scale, hyper } = node.inputs;
    return [
      dispatch('adamw', {
        items: len,
        params: { count: len, ...constants },
        bindings: { ...node.outputs, g, scale, hyper },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
