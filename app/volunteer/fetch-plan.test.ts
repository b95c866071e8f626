import { expect, it, vi } from 'vitest';
import { must } from '../../protocol/must.ts';
import { fullSpec, partsSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { fetchPlanOf } from './fetch-plan.ts';

vi.stubGlobal('__MODEL_BYTES__', 386_334);

it('knows what a click fetches: nano where no swarm is known, else the swarm’s own model', () => {
  expect(fetchPlanOf(null).modelBytes).toBe(386_334);
  const { name, root, bytes } = must(BUILTIN_MODELS, 1);
  expect(fetchPlanOf({ ...smallSpec, base: { kind: 'builtin', name, root } }).modelBytes).toBe(bytes);
  const large = fetchPlanOf(fullSpec);
  expect(large.modelBytes).toBe(659 + 988_097_824);
  expect(large.memoryBytes).toBeGreaterThan(large.modelBytes);
  expect(large.fetches).toBe('all');
});

it('[S-15] knows that a device in blocks fetches parts where the specification lets it', () => {
  expect(fetchPlanOf(partsSpec)).toMatchObject({
    ...{ modelBytes: 20_000_512, fetches: 'parts', memoryBytes: null },
  });
  const { base } = partsSpec;
  if (base.kind !== 'files') throw new Error('The sample has files.');
  const { frozenRoot: _, ...unnamed } = base;
  expect(fetchPlanOf({ ...partsSpec, base: unnamed }).fetches).toBe('all');
  expect(fetchPlanOf({ ...partsSpec, trained: { kind: 'full' } }).fetches).toBe('all');
  const files = base.files.map(({ manifest: __, ...file }) => file);
  expect(fetchPlanOf({ ...partsSpec, base: { ...base, files } }).fetches).toBe('all');
});
