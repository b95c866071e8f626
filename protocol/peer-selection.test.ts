import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceKey } from './device-key.ts';
import { type DeviceAddress, fromHex, type Hex, toHex } from './hex.ts';
import {
  type Candidate,
  narrowPeers,
  PEERS_PER_ROUND,
  type SelectionPurpose,
  selectionSecret,
  selectPeers,
} from './peer-selection.ts';
import { sha256Of } from './sha256-of.ts';
import { accountOf, type Standing, UNKNOWN } from './standing.ts';

const NETWORK = '31337:0xaa';
const bytes = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
const standings: fc.Arbitrary<Standing> = fc.oneof(
  fc.constantFrom<Standing>(UNKNOWN, { kind: 'known' }),
  fc.nat(3).map((owner): Standing => ({ kind: 'bound', owner: `0x${String(owner).repeat(40)}` })),
);
const crowds: fc.Arbitrary<readonly Candidate[]> = fc.uniqueArray(
  fc.record({ author: bytes(20), standing: standings }),
  { maxLength: 24, selector: ({ author }) => author },
);
const purposes = fc.constantFrom<SelectionPurpose>('critique', 'train');
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ME: DeviceAddress = `0x${'01'.repeat(20)}`;

const isTrusted = ({ standing }: Candidate): boolean => standing.kind !== 'unknown';

describe('selectPeers', () => {
  it('[P-76] gives every other place to a device with an owner or a record, and each account one', () => {
    fc.assert(
      fc.property(purposes, crowds, fc.nat(12), secrets, (purpose, crowd, count, secret) => {
        const selected = selectPeers(crowd, { purpose, count, device: ME, secret });
        const accounts = new Set(crowd.map(({ author, standing }) => accountOf(author, standing)));
        const trusted = new Set(
          crowd.filter(isTrusted).map(({ author, standing }) => accountOf(author, standing)),
        );
        expect(selected.length).toBe(Math.min(count, accounts.size));
        expect(new Set(selected.map(({ author, standing }) => accountOf(author, standing))).size).toBe(
          selected.length,
        );
        for (let n = 1; n <= selected.length; n++) {
          const first = selected.slice(0, n).filter(isTrusted).length;
          expect(first).toBeGreaterThanOrEqual(Math.min(Math.ceil(n / 2), trusted.size));
        }
      }),
    );
  });

  it('[P-76] gives the other places to the smallest sha2-256 of purpose, secret and author', () => {
    fc.assert(
      fc.property(
        purposes,
        fc.uniqueArray(bytes(20), { maxLength: 24 }),
        secrets,
        (purpose, authors, secret) => {
          const crowd = authors.map((author): Candidate => ({ author, standing: UNKNOWN }));
          const label = new TextEncoder().encode(`starling/selection-rank/1\n${purpose}\n`);
          const rank = (author: Hex): string => toHex(sha256Of(label, secret, fromHex(author)));
          const best = [...authors].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, 8);
          const selected = selectPeers(crowd, { purpose, count: 8, device: ME, secret });
          expect(selected.map(({ author }) => author)).toEqual(best);
        },
      ),
    );
  });

  it('[P-76] does not depend on the order of arrival, but on purpose and secret, and never on its own device', () => {
    const crowd = Array.from(
      { length: 20 },
      (_, i): Candidate => ({ author: `0x${i.toString(16).padStart(40, '0')}`, standing: UNKNOWN }),
    );
    const options = { purpose: 'train', count: 4, device: ME, secret: new Uint8Array(32) } as const;
    const selected = selectPeers(crowd, options);
    expect(selectPeers(crowd.toReversed(), options)).toEqual(selected);
    expect(selectPeers(crowd, { ...options, purpose: 'critique' })).not.toEqual(selected);
    expect(selectPeers(crowd, { ...options, secret: new Uint8Array(32).fill(1) })).not.toEqual(selected);
    const self: Candidate = { author: ME, standing: { kind: 'known' } };
    expect(selectPeers([self, ...crowd], options)).toEqual(selected);
  });

  it('[P-76] narrows to the first ones without changing what a replay of those used gives', () => {
    fc.assert(
      fc.property(purposes, crowds, secrets, fc.nat(8), (purpose, crowd, secret, used) => {
        const count = PEERS_PER_ROUND[purpose];
        const peers = selectPeers(crowd, { purpose, count, device: ME, secret });
        const narrowed = narrowPeers(purpose, peers, used, ME);
        expect(new Set(narrowed)).toEqual(new Set(peers.slice(0, used)));
        expect(narrowPeers(purpose, narrowed, used, ME)).toEqual(narrowed);
        const again = narrowPeers('train', narrowed, used, ME);
        expect(narrowPeers('train', narrowed.toReversed(), used, ME)).toEqual(again);
      }),
    );
  });
});

describe('selectionSecret', () => {
  const key = deviceKey(new Uint8Array(32).fill(3));
  const context = { round: 77, seed: toHex(new Uint8Array(32).fill(5)) };

  it('[P-82] is the hash of the device’s signature over network, round and seed, and so comes again', () => {
    const statement = new TextEncoder().encode(`starling/selection/1\n${NETWORK}\n77\n`);
    const signature = key.sign(sha256Of(statement, fromHex(context.seed)));
    expect(selectionSecret(key, NETWORK, context)).toEqual(sha256Of(signature));
    expect(selectionSecret(key, NETWORK, context)).toEqual(selectionSecret(key, NETWORK, context));
    for (const other of [
      selectionSecret(key, 'other:1', context),
      selectionSecret(key, NETWORK, { ...context, round: 78 }),
      selectionSecret(key, NETWORK, { ...context, seed: toHex(new Uint8Array(32)) }),
      selectionSecret(deviceKey(new Uint8Array(32).fill(4)), NETWORK, context),
    ])
      expect(other).not.toEqual(selectionSecret(key, NETWORK, context));
  });

  it('[P-76] leaves strangers at most half of the places, however many keys they make', () => {
    // What an attacker could grind before: everything in the rank but the secret was public.
    const device = key.address;
    const known = Array.from({ length: 20 }, (_, n): Candidate => candidate('known', n, { kind: 'known' }));
    const honest = Array.from({ length: 80 }, (_, n): Candidate => candidate('honest', n, UNKNOWN));
    const ground = Array.from({ length: 1250 }, (_, n): Candidate => candidate('ground', n, UNKNOWN));
    const isGround = new Set(ground);
    let taken = 0;
    const rounds = 40;
    for (let round = 0; round < rounds; round++) {
      const secret = selectionSecret(key, NETWORK, { ...context, round });
      const selected = selectPeers([...ground, ...honest, ...known], {
        purpose: 'train',
        count: PEERS_PER_ROUND.train,
        device,
        secret,
      });
      const attackers = selected.filter((peer) => isGround.has(peer)).length;
      expect(attackers).toBeLessThanOrEqual(4);
      taken += attackers;
    }
    // With the key ground to the front of the old public order it was 8 of 8.
    expect(taken / rounds).toBeLessThan(4);
    expect(taken / rounds).toBeGreaterThan(3);
  });
});

function candidate(name: string, n: number, standing: Standing): Candidate {
  const author = toHex(sha256Of(new TextEncoder().encode(`${name} ${n}`)).subarray(0, 20));
  return { author, standing };
}
