import { describe, expect, it } from 'vitest';
import { hashedData, hashedGraph, hashedRoot } from '../testing/hashed-blocks.ts';
import { simulatedAddress } from '../testing/simulated-pipeline.ts';
import { MissedHandoffs } from './missed-handoffs.ts';
import { StepBook } from './step-book.ts';

const graph = hashedGraph({ layers: 2, paths: [[1, 2]] });
const one = simulatedAddress(0);
const other = simulatedAddress(1);
/** Nothing is done yet. */
const book = new StepBook({
  graph,
  data: new Map([...hashedData(graph, 0)].map(([name, bytes]) => [name, hashedRoot(bytes)])),
  state: new Map(),
});
/** The hop after the forward passes over both blocks: the three before it are missing. */
const loss = graph.nodes.findIndex(({ kind }) => kind === 'loss');

describe('handoffs that never came', () => {
  it('[P-156] are asked of whoever sent a hop that reads them, and of all that they read', () => {
    const missed = new MissedHandoffs();
    missed.show(loss, { device: one, at: 50 });
    expect(missed.nextAt).toBe(50);
    expect(missed.due(49, book)).toEqual([]);
    const asked = missed.due(50, book);
    expect(asked.map(({ hop }) => graph.node(hop).kind).sort()).toEqual(['embed', 'forward', 'forward']);
    expect(new Set(asked.map(({ device }) => device))).toEqual(new Set([one]));
    expect(missed.nextAt).toBeUndefined();
  });

  it('[P-156] are asked of one device only, and all of the step where the next one has begun', () => {
    const missed = new MissedHandoffs();
    missed.show(loss, { device: one, at: 50 });
    missed.show(loss, { device: other, at: 10 });
    missed.show('step', { device: other, at: 50 });
    const asked = missed.due(50, book);
    expect(asked.map(({ hop }) => hop).sort((a, b) => a - b)).toEqual(graph.nodes.map(({ index }) => index));
    expect(asked.filter(({ device }) => device === one)).toHaveLength(3);
  });

  it('[P-156] are not asked for once the step has ended', () => {
    const missed = new MissedHandoffs();
    missed.show('step', { device: one, at: 50 });
    missed.clear();
    expect(missed.due(60, book)).toEqual([]);
  });
});
