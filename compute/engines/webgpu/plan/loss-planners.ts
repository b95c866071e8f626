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
        bindings: {
          logits: node.input(0),
          lse: node.input(1),
          targets: node.input(2),
          logprob: node.output(0),
        },
      }),
    ];
  },
  'xent.grad': (node) => {
    const { N, V } = node.attributes;
    return [
      dispatch('xent.grad', {
        items: N * V,
        params: { count: N * V, V },
        bindings: {
          logits: node.input(0),
          lse: node.input(1),
          targets: node.input(2),
          coefficient: node.input(3),
          dlogits: node.output(0),
        },
      }),
    ];
  },
  'policy.coefficient': (node) => {
    const { N, clipLow, clipHigh, ratioCap } = node.attributes;
    return [
      dispatch('policy.coefficient', {
        items: N,
        params: { N, clipLow, clipHigh, ratioCap },
        bindings: {
          logprob: node.input(0),
          old: node.input(1),
          advantage: node.input(2),
          weight: node.input(3),
          coefficient: node.output(0),
        },
      }),
    ];
  },
  'loss.weighted': (node) => {
    const { N: length } = node.attributes;
    const blocks = blocksOf(length);
    const partials = node.scratch(blocks);
    return [
      foldRows({
        terms: { kind: 'products', x: node.input(0), y: node.input(1) },
        partials,
        rows: 1,
        length,
      }),
      combineBlocks({
        partials,
        out: node.output(0),
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
    let x = node.input(0);
    do {
      const sums = blocksOf(length);
      const partials = sums === 1 ? node.output(0) : node.scratch(sums);
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
      ...node.inputs.map((from, at): Step => ({ kind: 'copy', from, to: sums, at, words: 1 })),
      dispatch('clip.scale', {
        items: 1,
        params: { count, maxNorm },
        bindings: { sums, scale: node.output(0) },
      }),
    ];
  },
  adamw: (node) => {
    const { len, ...constants } = node.attributes;
    return [
      dispatch('adamw', {
        items: len,
        params: { count: len, ...constants },
        bindings: {
          p: node.output(0),
          g: node.input(1),
          m: node.output(1),
          v: node.output(2),
          scale: node.input(4),
          hyper: node.input(5),
        },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
