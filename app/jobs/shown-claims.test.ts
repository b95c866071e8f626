import { type Address, zeroHash } from 'viem';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DisputesPort, Settings } from '../../chain/disputes/port.ts';
import { ReferenceDisputes } from '../../chain/disputes/reference-game/reference-disputes.ts';
import { ReferencePort } from '../../chain/disputes/reference-game/reference-port.ts';
import type { Terms } from '../../protocol/evidence.ts';
import { ShownClaims } from './shown-claims.ts';

const SETTINGS: Settings = { window: 120, stepSeconds: 1, budget: 600, extension: 60, moveBond: 1n };
const TERMS: Terms = {
  ...{ program: zeroHash, data: zeroHash, initial: zeroHash },
  ...{ steps: 3, slots: 9, dataSlots: 2 },
};
const OWN: Address = `0x${'11'.repeat(20)}`;
const STRANGER: Address = `0x${'22'.repeat(20)}`;
const NOW = 1_000;

describe('ShownClaims', () => {
  let disputes: ReferenceDisputes;
  let own: DisputesPort;
  let stranger: DisputesPort;
  const portOf = (me: Address) => new ReferencePort({ disputes, me, clock: () => NOW });
  beforeEach(() => {
    disputes = new ReferenceDisputes({
      settings: SETTINGS,
      judge: {
        ...{ folds: () => false, element: () => undefined, chunkOf: () => undefined },
        ...{ total: () => 0, chunkLimit: () => 0 },
      },
    });
    own = portOf(OWN);
    stranger = portOf(STRANGER);
  });

  async function claim(port: DisputesPort): Promise<number> {
    const { claim: bond } = await port.bonds(TERMS);
    const played = await port.play({ kind: 'claim', terms: TERMS, root: zeroHash, bond });
    if (played.kind !== 'done' || played.id === undefined) throw new Error(played.kind);
    return played.id;
  }

  async function challenge(port: DisputesPort, id: number): Promise<number> {
    const { challenge: bond } = await port.bonds(TERMS);
    const played = await port.play({ kind: 'challenge', claim: id, terms: TERMS, bond });
    if (played.kind !== 'done' || played.id === undefined) throw new Error(played.kind);
    return played.id;
  }

  /** The device's port, and the games that were looked at through it. */
  function counted() {
    const looked: number[] = [];
    const port = new Proxy(own, {
      get(target, name) {
        if (name === 'look') {
          return (game: number) => {
            looked.push(game);
            return target.look(game);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return { shown: new ShownClaims(port), looked };
  }

  it('shows one’s own claims and disputes behind any number of strangers’', async () => {
    const mine = await claim(own);
    const attack = await challenge(stranger, mine);
    const challenged = await claim(stranger);
    const game = await challenge(own, challenged);
    const wanted = await claim(stranger);
    for (let i = 0; i < 100; i++) await claim(stranger);
    const { shown } = counted();
    const views = await shown.read(SETTINGS, NOW, [BigInt(wanted)]);
    expect(views.map(({ claim: id }) => id)).toEqual([
      ...Array.from({ length: 32 }, (_, i) => wanted + 100 - i),
      ...[wanted, challenged, mine],
    ]);
    expect(views.at(-1)?.games.map((each) => each.game.game)).toEqual([attack]);
    expect(views.at(-2)?.games.map((each) => each.game.game)).toEqual([game]);
  });

  it('looks at a few disputes at a time, and at each in its turn', async () => {
    const claims: number[] = [];
    for (let i = 0; i < 8; i++) claims.push(await claim(stranger));
    for (const id of claims) for (let i = 0; i < 20; i++) await challenge(stranger, id);
    const { shown, looked } = counted();
    for (let look = 0; look < 8; look++) {
      looked.length = 0;
      await shown.read(SETTINGS, NOW, []);
      expect(looked.length).toBeLessThanOrEqual(4);
    }
    const views = await shown.read(SETTINGS, NOW, []);
    expect(views.flatMap(({ games }) => games)).toHaveLength(16);
  });

  it('reads a dispute that is over once', async () => {
    const id = await claim(stranger);
    const game = await challenge(own, id);
    disputes.games[game] = { ...disputes.gameAt(game), phase: 'over' };
    const { shown, looked } = counted();
    for (let look = 0; look < 3; look++) await shown.read(SETTINGS, NOW, []);
    expect(looked).toEqual([game]);
  });
});
