import { expect, it } from 'vitest';
import { bringable, ownModelMemory } from './own-model.ts';

const ID = 'ab'.repeat(16);
const model = {
  id: ID,
  name: 'parrot',
  url: null,
  root: null,
  verifiedBy: null,
  bytes: 1,
  total: 1,
  files: [],
};

it('lists the models of the page, and those that are whole on this device', () => {
  const whole = { ...model, id: 'cd'.repeat(16), root: `0x${'00'.repeat(32)}` } as const;
  expect(bringable([model, whole], ({ name }) => `${name}!`)).toEqual([
    { kind: 'builtin', name: 'nano' },
    { kind: 'builtin', name: 'micro' },
    { kind: 'stored', id: whole.id, name: 'parrot!' },
  ]);
});

it('remembers what a person brings to each swarm, and nothing that is no model', () => {
  let kept: string | null = null;
  const text = {
    get: () => kept,
    set: (next: string | null) => {
      kept = next;
    },
  };
  const memory = ownModelMemory(text);
  const here = { chainId: 31_337, swarm: 4 };
  const brought = { kind: 'stored', id: ID, name: 'parrot' } as const;
  expect(memory.get(here)).toBeNull();
  memory.set(here, brought);
  memory.set({ ...here, swarm: 5 }, { kind: 'builtin', name: 'micro' });
  expect(memory.get(here)).toEqual(brought);
  memory.set(here, null);
  expect(memory.get(here)).toBeNull();
  expect(memory.get({ ...here, swarm: 5 })).toEqual({ kind: 'builtin', name: 'micro' });
  for (const bad of [
    'no JSON',
    '[]',
    JSON.stringify({ '31337/4': { kind: 'stored', id: '../x', name: 'a' } }),
  ]) {
    kept = bad;
    expect(memory.get(here)).toBeNull();
  }
  for (let swarm = 0; swarm < 100; swarm++) memory.set({ ...here, swarm }, brought);
  expect(Object.keys(JSON.parse(kept ?? '{}') as object)).toHaveLength(64);
});
