import { expect, it } from 'vitest';
import { must } from '../../protocol/must.ts';
import { fullSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { whyNotHere } from './why-not-here.ts';

const { name, root } = must(BUILTIN_MODELS, 0);

it('says why a tab cannot train in a swarm, and where one can', () => {
  const own = { ...smallSpec, base: { kind: 'builtin', name, root } } as const;
  expect(whyNotHere(own)).toBeNull();
  expect(whyNotHere(smallSpec)).toMatch(/^This page has no model nano of this swarm/);
  expect(whyNotHere(fullSpec)).toMatch(/not Qwen.*npm run volunteer/);
  expect(whyNotHere({ ...own, trained: fullSpec.trained })).toMatch(/all weights.*npm run volunteer/);
});
