import { describe, expect, it } from 'vitest';
import { downloadsOf, refusalsOf, type SpecCapabilities } from './swarm-refusals.ts';
import type { SwarmSpec } from './swarm-spec.ts';
import { fullSpec, smallSpec } from './testing/sample-swarm-specs.ts';

const device: SpecCapabilities = {
  generators: [
    { id: 'chain-sum', version: 1, difficulties: 4 },
    { id: 'base-conversion', version: 2, difficulties: 2 },
  ],
  builtins: [{ name: 'nano', root: `0x${'0b'.repeat(32)}` }],
  modelBytes: 1e9,
  dataBytes: 1e6,
};
const one: SwarmSpec = { ...fullSpec, models: 'one' };
const kinds = (spec: SwarmSpec, change: Partial<SpecCapabilities> = {}) =>
  refusalsOf(spec, { ...device, ...change }).map(({ kind, field }) => `${kind} ${field}`);

describe('refusalsOf', () => {
  it('[S-06] finds nothing where the program knows the tasks and the device holds the model', () => {
    expect(kinds(smallSpec)).toEqual([]);
    expect(kinds(one)).toEqual([]);
    expect(downloadsOf(one)).toEqual({ model: 988_098_483, data: 6 * 4096 + 15 });
  });

  it('[S-06] names a task, a version or a difficulty that the program does not know', () => {
    expect(kinds(one, { generators: [] })).toEqual([
      'unknown-task tasks.generators[0]',
      'unknown-task tasks.generators[1]',
    ]);
    const generators = [
      { id: 'chain-sum', version: 1, difficulties: 3 },
      { id: 'base-conversion', version: 1, difficulties: 2 },
    ];
    expect(kinds(one, { generators })).toHaveLength(2);
  });

  it('[S-06] names a model or data sets that are too large, with both sizes', () => {
    const refusals = refusalsOf(one, { ...device, modelBytes: 5e8, dataBytes: 100 });
    expect(refusals.map(({ kind }) => kind)).toEqual(['large-model', 'large-data']);
    expect(refusals[0]?.sentence).toContain('988.1 MB');
    expect(refusals[0]?.sentence).toContain('500 MB');
  });

  it('[S-06] does not mind the base’s size where members bring their own model', () => {
    expect(kinds(fullSpec, { modelBytes: 0 })).toEqual([]);
  });

  it('[S-06] names a built-in model that is not there, or is another', () => {
    expect(kinds(smallSpec, { builtins: [] })).toEqual(['unknown-model base.name']);
    const builtins = [{ name: 'nano', root: `0x${'0c'.repeat(32)}` as const }];
    expect(kinds(smallSpec, { builtins })).toEqual(['wrong-root base.root']);
  });
});
