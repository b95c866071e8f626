import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, type Hex, toHex } from './hex.ts';
import { narrowPeers, PEERS_PER_ROUND, type SelectionPurpose, selectPeers } from './peer-selection.ts';
import { RandomStream } from './philox.ts';
import { sha256Of } from './sha256-of.ts';
import type { RoundContext } from './trainer.ts';

interface Peer {
  readonly author: Hex;
}

const bytes = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
const contexts: fc.Arbitrary<RoundContext> = fc.record({
  round: fc.nat(1_000_000),
  seed: bytes(32),
  device: bytes(20),
});
const crowds: fc.Arbitrary<readonly Peer[]> = fc
  .uniqueArray(bytes(20), { maxLength: 24 })
  .map((authors) => authors.map((author) => ({ author })));
const purposes = fc.constantFrom<SelectionPurpose>('critique', 'train');

/** The two draws, written out: the swarm's, and then the trainer's from what the swarm hands it. */
function composition(
  purpose: SelectionPurpose,
  crowd: readonly Peer[],
  selected: number,
  used: number,
  context: RoundContext,
): readonly Peer[] {
  const rank = ({ author }: Peer): string =>
    toHex(
      sha256Of(
        new TextEncoder().encode(`starling/choose/1\n${purpose}\n`),
        fromHex(context.seed),
        fromHex(context.device),
        fromHex(author),
      ),
    );
  const handed = [...crowd].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, selected);
  const sorted = [...handed].sort((a, b) => (a.author < b.author ? -1 : 1));
  const others = sorted.filter(({ author }) => author !== context.device);
  const stream = (name: 'critique' | 'selection') =>
    RandomStream.named({ ...context, seed: fromHex(context.seed), purpose: name });
  if (purpose === 'critique') return stream('critique').sequence(0).shuffle(others).slice(0, used);
  if (others.length <= used) return others;
  const drawn = stream('selection').sequence(0, 1).shuffle(others).slice(0, used);
  return [...drawn].sort((a, b) => (a.author < b.author ? -1 : 1));
}

describe('selectPeers', () => {
  it('[P-76] followed by the trainer’s narrowing is the swarm’s draw followed by the trainer’s', () => {
    fc.assert(
      fc.property(
        purposes,
        crowds,
        fc.nat(12),
        fc.nat(12),
        contexts,
        fc.boolean(),
        (purpose, crowd, selected, used, context, withSelf) => {
          const candidates = withSelf ? [...crowd, { author: context.device }] : crowd;
          const peers = selectPeers(purpose, candidates, selected, context);
          expect(narrowPeers(purpose, peers, used, context)).toEqual(
            composition(purpose, candidates, selected, used, context),
          );
        },
      ),
    );
  });

  it('[P-76] gives the trainer what it uses: with one count, narrowing changes nothing', () => {
    fc.assert(
      fc.property(purposes, crowds, contexts, (purpose, crowd, context) => {
        const count = PEERS_PER_ROUND[purpose];
        const peers = selectPeers(purpose, crowd, count, context);
        expect(peers.length).toBe(Math.min(count, crowd.length));
        expect(narrowPeers(purpose, peers, count, context)).toEqual(peers);
        expect(narrowPeers(purpose, peers.toReversed(), count, context)).toEqual(peers);
      }),
    );
  });

  it('[P-76] does not depend on the order of arrival, but on purpose and device', () => {
    const device: Hex = `0x${'01'.repeat(20)}`;
    const context: RoundContext = { round: 7, seed: `0x${'ab'.repeat(32)}`, device };
    const crowd = Array.from(
      { length: 20 },
      (_, i): Peer => ({ author: `0x${i.toString(16).padStart(40, '0')}` }),
    );
    const selected = selectPeers('train', crowd, 4, context);
    expect(selectPeers('train', crowd.toReversed(), 4, context)).toEqual(selected);
    expect(selectPeers('critique', crowd, 4, context)).not.toEqual(selected);
    const otherDevice = { ...context, device: `0x${'02'.repeat(20)}` } as const;
    expect(selectPeers('train', crowd, 4, otherDevice)).not.toEqual(selected);
  });
});
