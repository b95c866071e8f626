import { createWalletClient, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Evidence } from '../../../protocol/evidence.ts';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import { chainOf, connect, transportOf } from '../../network.ts';
import type { OnchainDisputes } from '../onchain/port.ts';
import { type Arena, startArena, TIMES } from '../testing/disputes-chain.ts';
import { SLOT, worldEvidence } from '../testing/sample-run.ts';
import { Auditor } from './auditor.ts';
import { claimOnce, Defender } from './defender.ts';
import type { Happening } from './dispute-event.ts';

const truth = worldEvidence({ steps: 20 });
const lie = worldEvidence({ steps: 20, lie: { step: 17, slot: SLOT.norm, mask: 0x800000 } });

describe.skipIf(NO_ANVIL !== undefined)(
  `What players survive${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let arena: Arena;
    const running: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      arena = await startArena();
    }, 60_000);
    afterAll(() => arena?.stop());
    afterEach(async () => {
      await Promise.all(running.splice(0).map((each) => each.stop()));
      await arena.controls.setAutomine(true);
    });

    /** A false claim, and the keys of who made it and of who is to beat it. */
    async function falseClaim(): Promise<{
      readonly liar: Hex;
      readonly auditor: Hex;
      readonly claim: number;
    }> {
      const [liar, auditor] = [await arena.key(), await arena.key()];
      const made = await claimOnce(arena.partyOf(liar), lie);
      if (made.kind !== 'done' || made.id === undefined) throw new Error('The claim was not made.');
      return { liar, auditor, claim: made.id };
    }

    const auditorWith = (port: OnchainDisputes, said: Happening[] = []): Auditor =>
      new Auditor({ port, evidence: only(truth), onHappening: (each) => said.push(each), pollMs: 20 });
    const defenderWith = (port: OnchainDisputes): Defender =>
      new Defender({ port, evidence: only(lie), pollMs: 20 });

    const isLost = async (claim: number): Promise<boolean> => (await (await arena.party()).claim(claim)).lost;

    it('being killed after every move and started again with nothing but the key', async () => {
      const { liar, auditor, claim } = await falseClaim();
      let looks = 0;
      for (; looks < 40 && !(await isLost(claim)); looks++) {
        await auditorWith(arena.partyOf(auditor)).tick();
        await defenderWith(arena.partyOf(liar)).tick();
      }
      expect(looks).toBeLessThan(40);
      // One claim, one challenge: nothing was done twice.
      const games = await arena.partyOf(auditor).games(0);
      expect(games.filter((game) => game.claim === claim)).toHaveLength(1);
    });

    it('being killed with a transaction under way, which is replaced or counts, once', async () => {
      const { liar, auditor, claim } = await falseClaim();
      await arena.controls.setAutomine(false);
      let looks = 0;
      for (; looks < 80 && !(await isLost(claim)); looks++) {
        const killed = new AbortController();
        const ticks = [
          auditorWith(arena.partyOf(auditor)).tick(killed.signal),
          defenderWith(arena.partyOf(liar)).tick(killed.signal),
        ];
        await pending(Promise.all(ticks));
        killed.abort();
        // Every third time nothing is mined before the next start, which finds its nonce taken.
        if (looks % 3 !== 2) await arena.controls.mine({ blocks: 1 });
        await Promise.all(ticks);
      }
      expect(looks).toBeLessThan(80);
      const games = await arena.partyOf(auditor).games(0);
      expect(games.filter((game) => game.claim === claim)).toHaveLength(1);
    });

    /** Waits until a transaction waits for its block, or everybody is done without one. */
    async function pending(done: Promise<unknown>): Promise<void> {
      let over = false;
      void done.then(() => {
        over = true;
      });
      while (!over && (await arena.controls.getTxpoolStatus()).pending === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    it('a reorganised chain: moves that are gone are made again', async () => {
      const { liar, auditor, claim } = await falseClaim();
      const said: Happening[] = [];
      const players = [auditorWith(arena.partyOf(auditor), said), defenderWith(arena.partyOf(liar))];
      await arena.controls.mine({ blocks: 2 });
      let looks = 0;
      for (; looks < 60 && !(await isLost(claim)); looks++) {
        for (const player of players) await player.tick();
        if (looks === 3 || looks === 6) {
          await arena.client.request({ method: 'anvil_reorg', params: [looks === 3 ? 7 : 3, []] } as never);
        }
      }
      expect(looks).toBeLessThan(60);
      // The first reorganisation took the challenge itself: it was made again.
      expect(said.filter(({ kind }) => kind === 'challenged')).toHaveLength(2);
    });

    it('a transaction that the node forgets', async () => {
      const { liar, auditor, claim } = await falseClaim();
      const port = arena.partyOf(auditor, { patienceMs: 100 });
      await arena.controls.setAutomine(false);
      const tick = auditorWith(port).tick();
      await pending(tick);
      const { pending: first } = await arena.controls.getTxpoolContent();
      for (const { hash } of Object.values(first).flatMap((each) => Object.values(each))) {
        await arena.controls.dropTransaction({ hash });
      }
      await pending(tick);
      await arena.controls.setAutomine(true);
      await arena.controls.mine({ blocks: 1 });
      await tick;
      const games = (await port.games(0)).filter((game) => game.claim === claim);
      expect(games).toHaveLength(1);
      await defenderWith(arena.partyOf(liar)).tick();
      expect((await port.look(games[0]?.game ?? -1)).game.revealed).toBe(true);
    });

    it('another challenger that wins first: the bond comes back, with a share of the reward', async () => {
      const { liar, auditor, claim } = await falseClaim();
      const said: Happening[] = [];
      const slow = await arena.party();
      const slowAuditor = auditorWith(slow, said);
      await slowAuditor.tick();
      for (let looks = 0; looks < 40 && !(await isLost(claim)); looks++) {
        await auditorWith(arena.partyOf(auditor)).tick();
        await defenderWith(arena.partyOf(liar)).tick();
      }
      for (let looks = 0; looks < 3; looks++) await slowAuditor.tick();
      expect(said.filter((each) => each.kind === 'moved').at(-1)).toMatchObject({
        move: { kind: 'release' },
      });
      expect(said).toContainEqual(expect.objectContaining({ kind: 'over', claim, won: true }));
      expect(await slow.claim(claim)).toMatchObject({ lost: true, liveGames: 0 });
      const game = said.find((each) => each.kind === 'over' && each.claim === claim);
      const { bond } = (await slow.look(game?.kind === 'over' ? game.game : -1)).game;
      const paid = said.find((each) => each.kind === 'withdrew');
      expect(paid?.kind === 'withdrew' ? paid.amount : 0n).toBeGreaterThan(bond);
    });

    it('a node that is down for most of its clock', async () => {
      const { liar, auditor, claim } = await falseClaim();
      let down = false;
      const fetcher: typeof fetch = (input, init) =>
        down ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init);
      const client = connect(arena.anvil, { fetch: fetcher });
      const wallet = createWalletClient({
        account: privateKeyToAccount(auditor),
        chain: chainOf(arena.anvil),
        transport: transportOf(arena.anvil, { fetch: fetcher }),
      });
      const said: Happening[] = [];
      const player = auditorWith(arena.partyOf(auditor, { client, wallet }), said);
      const liarPlayer = defenderWith(arena.partyOf(liar));
      running.push(player, liarPlayer);
      player.start();
      liarPlayer.start();
      const until = (what: () => boolean): Promise<void> =>
        expect.poll(what, { timeout: 60_000, interval: 20 }).toBe(true);
      await until(() => said.some((each) => each.kind === 'moved' && each.played.kind === 'done'));
      down = true;
      await until(() => said.some((each) => each.kind === 'trouble'));
      await arena.pass(TIMES.budget - 1800);
      down = false;
      await until(() => said.some((each) => each.kind === 'over'));
      await until(() => said.some((each) => each.kind === 'withdrew'));
      expect(said.find((each) => each.kind === 'over')).toMatchObject({ claim, won: true });
      expect(await isLost(claim)).toBe(true);
    });
  },
);

/** The evidence of whoever knows one run. */
function only(evidence: Evidence): () => Promise<Evidence> {
  return () => Promise.resolve(evidence);
}
