import { describe, expect, it } from 'vitest';
import { downloadsOf, refusalsOf, type SpecCapabilities, unobtainableFiles } from './swarm-refusals.ts';
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

  it('[S-10] names a large file that nobody could get, unless the device has it', () => {
    const [small, large] = one.base.kind === 'files' ? one.base.files : [];
    if (small === undefined || large === undefined) throw new Error('The sample has two files.');
    const { manifest, ...bare } = large;
    const spec: SwarmSpec = {
      ...one,
      base: { ...one.base, kind: 'files', files: [{ ...small, urls: [] }, bare] },
    };
    expect(manifest).toMatch(/^bafk/);
    expect(kinds(spec, { hasModel: false })).toEqual(['no-source base.files[1]']);
    expect(kinds(spec)).toEqual([]);
    expect(refusalsOf(spec, { ...device, hasModel: false })[0]?.sentence).toMatch(
      /weights\/model\.safetensors.*988\.1 MB.*its folder/,
    );
    expect(kinds(spec, { hasModel: true })).toEqual([]);
    expect(unobtainableFiles(spec).map(({ field }) => field)).toEqual(['base.files[1]']);
    // Members bring their own models there. Whoever has none needs the base.
    const any: SwarmSpec = { ...spec, models: 'any' };
    expect([unobtainableFiles(any), kinds(any, { hasModel: false })]).toEqual([
      [],
      ['no-source base.files[1]'],
    ]);
    const addressed = { ...bare, urls: ['https://example.org/model.safetensors'] };
    expect(
      unobtainableFiles({ ...spec, base: { ...one.base, kind: 'files', files: [small, addressed] } }),
    ).toEqual([]);

    const [set] = one.tasks.dataSets;
    if (set === undefined) throw new Error('The sample has data sets.');
    const file = { ...set.file, size: 2 ** 20 + 1, urls: [] };
    const asked: SwarmSpec = { ...one, tasks: { ...one.tasks, dataSets: [{ ...set, file }] } };
    expect(kinds(asked, { dataBytes: 2 ** 21, hasData: false })).toEqual([
      'no-source tasks.dataSets[0].file',
    ]);
    expect(kinds(asked, { dataBytes: 2 ** 21, hasData: true })).toEqual([]);
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
