import { expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { type Handoff, isSigned, signHandoff } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import { checkedHandoffs } from './checked-handoffs.ts';

const domain = { chainId: 31_337, verifyingContract: `0x${'01'.repeat(20)}` } as const;
const root = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const key = deviceKey(new Uint8Array(32).fill(7));
const handoff = signHandoff(key, domain, {
  ...{ run: root(1), step: 2, hop: 3, version: root(4), inputs: root(5) },
  outputs: [{ slot: 6, tensor: 'w', root: root(7) }],
});

function counted() {
  const asked: Handoff[] = [];
  const check = checkedHandoffs((each) => {
    asked.push(each);
    return isSigned(domain, each);
  });
  return { asked, check };
}

it('checks a signature once, however often it comes', () => {
  const { asked, check } = counted();
  for (let n = 0; n < 3; n++) expect(check(structuredClone(handoff))).toBe(true);
  expect(asked).toHaveLength(1);
});

it('takes no other handoff for one that was signed', () => {
  const { check } = counted();
  expect(check(handoff)).toBe(true);
  const changes: Partial<Handoff>[] = [
    { run: root(9) },
    { step: 9 },
    { hop: 9 },
    { version: root(9) },
    { inputs: root(9) },
    { outputs: [{ slot: 9, tensor: 'w', root: root(7) }] },
    { outputs: [{ slot: 6, tensor: 'w', root: root(9) }] },
    { outputs: [] },
    { device: `0x${'09'.repeat(20)}` },
    { signature: `0x${'09'.repeat(65)}` },
  ];
  for (const change of changes) expect(check({ ...handoff, ...change }), JSON.stringify(change)).toBe(false);
});

it('checks again what was not signed', () => {
  const { asked, check } = counted();
  for (let n = 0; n < 2; n++) expect(check({ ...handoff, hop: 4 })).toBe(false);
  expect(asked).toHaveLength(2);
});
