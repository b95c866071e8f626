import { describe, expect, it } from 'vitest';
import { HopGraph, HopGraphError, type HopGraphNode } from './hop-graph.ts';

const place = { slot: 0, bytes: 4 };
const node = (index: number, more: Partial<HopGraphNode>): HopGraphNode => ({
  index,
  kind: 'forward',
  block: 'a',
  inputs: [],
  state: [],
  outputs: [],
  ...more,
});
const graphOf = (nodes: readonly HopGraphNode[]) =>
  new HopGraph({
    nodes,
    made: new Map(['x', 'y', 'w'].map((name) => [name, place])),
    data: new Map([['tokens', place]]),
    state: new Map([['a', new Map([['w', place]])]]),
  });

describe('the hops of a step', () => {
  it('knows what comes before and after a hop, and what travels', () => {
    const graph = graphOf([
      node(0, { inputs: ['tokens'], outputs: ['x'] }),
      node(1, { inputs: ['x', 'tokens'], state: ['w'], outputs: ['y'] }),
      node(2, { inputs: ['x', 'y'], state: ['w'], outputs: ['w'] }),
    ]);
    expect(graph.before(2)).toEqual([0, 1]);
    expect(graph.after(0)).toEqual([1, 2]);
    expect(graph.travelling(1)).toEqual(['x']);
    expect(graph.producerOf('tokens')).toBeUndefined();
    expect([0, 1, 2].map((hop) => graph.isForEveryKeeper(hop))).toEqual([false, false, true]);
    expect(() => graph.node(3)).toThrow(HopGraphError);
  });

  it('refuses hops out of order, and tensors that nobody gives, or two, or that have no place', () => {
    for (const nodes of [
      [node(1, {})],
      [node(0, { inputs: ['x'] }), node(1, { outputs: ['x'] })],
      [node(0, { outputs: ['x'] }), node(1, { outputs: ['x'] })],
      [node(0, { outputs: ['tokens'] })],
      [node(0, { outputs: ['z'] })],
      [node(0, { state: ['v'] })],
      [node(0, { block: 'b', state: ['w'] })],
    ])
      expect(() => graphOf(nodes)).toThrow(HopGraphError);
  });
});
