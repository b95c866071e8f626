/** Steps of what blocks hand to each other. The kernels are in shaders/. */
import type { Planners } from './node-view.ts';
import { dispatch } from './steps.ts';

export const BOUNDARY = {
  'round.bf16': (node) => {
    const { len } = node.attributes;
    return [
      dispatch('round.bf16', {
        items: len,
        params: { count: len },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
  'quant.int8': (node) => {
    const { N, D } = node.attributes;
    const params = { N, words: D / 4 };
    const { x } = node.inputs;
    const { q, scale } = node.outputs;
    return [
      dispatch('quant.int8', { entry: 'scales', workgroups: N, params, bindings: { x, scale } }),
      dispatch('quant.int8', { items: (N * D) / 4, params, bindings: { x, q, scale } }),
    ];
  },
  'dequant.int8': (node) => {
    const { N, D } = node.attributes;
    return [
      dispatch('dequant.int8', {
        items: N * D,
        params: { count: N * D, D },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
