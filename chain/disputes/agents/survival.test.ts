import { createWalletClient, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import { chainOf, connect, transportOf } from '../../network.ts';
import type { OnchainDisputes } from '../onchain/port.ts';
import { type DisputesChain, startDisputesChain, TIMES } from '../testing/disputes-chain.ts';
import { runsOf } from '../testing/match.ts';
import { SLOT, sampleRun } from '../testing/sample-run.ts';
import { Auditor } from './auditor.ts';
import { claimOnce } from './claim-once.ts';
import { Defender } from './defender.ts';
import type { DisputeEvent } from './dispute-event.ts';

const truth = sampleRun({ steps: 20 });
const faulty = sampleRun({ steps: 20, fault: { step: 17, slot: SLOT.norm, mask: 0x800000 } });

describe.skipIf(NO_ANVIL !== undefined)(
  `What agents survive${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let chain: DisputesChain;
    const running: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      chain = await startDisputesChain();
    });
    afterAll(() => chain?.stop());
    afterEach(async () => {
      await Promise.all(running.splice(0).map((each) => each.stop()));
      await chain.controls.setAutomine(true);
    });

    /** A false claim, and the keys of its author and of the auditor that is to beat it. */
    async function falseClaim(): Promise<{
      readonly author: Hex;
      readonly auditor: Hex;
      readonly claim: number;
    }> {
      const [author, auditor] = [await chain.key(), await chain.key()];
      const made = await claimOnce(chain.playerOf(author), faulty);
      if (made.kind !== 'done' || made.id === undefined) throw new Error('The claim was not made.');
      return { author, auditor, claim: made.id };
    }

    const auditorWith = (port: OnchainDisputes, events: DisputeEvent[] = []): Auditor =>
      new Auditor({ port, runs: runsOf(truth), onEvent: (each) => events.push(each), pollMs: 20 });
    const defenderWith = (port: OnchainDisputes): Defender =>
      new Defender({ port, runs: runsOf(faulty), pollMs: 20 });

    const isLost = async (claim: number): Promise<boolean> =>
      (await (await chain.player()).claim(claim)).lost;

    it('being killed after every move and started again with nothing but the key', async () => {
      const { author, auditor, claim } = await falseClaim();
      let looks = 0;
      for (; looks < 40 && !(await isLost(claim)); looks++) {
        await auditorWith(chain.playerOf(auditor)).tick();
        await defenderWith(chain.playerOf(author)).tick();
      }
      expect(looks).toBeLessThan(40);
      // One claim, one challenge: nothing was done twice.
      const games = await chain.playerOf(auditor).games(0);
      expect(games.filter((game) => game.claim === claim)).toHaveLength(1);
    });

    it('being killed with a transaction under way, which is replaced or counts, once', async () => {
      const { author, auditor, claim } = await falseClaim();
      await chain.controls.setAutomine(false);
      let looks = 0;
      for (; looks < 80 && !(await isLost(claim)); looks++) {
        const killed = new AbortController();
        const ticks = [
          auditorWith(chain.playerOf(auditor)).tick(killed.signal),
          defenderWith(chain.playerOf(author)).tick(killed.signal),
        ];
        await pending(Promise.all(ticks));
        killed.abort();
        // Every third time nothing is mined before the next start, which finds its nonce taken.
        if (looks % 3 !== 2) await chain.controls.mine({ blocks: 1 });
        await Promise.all(ticks);
      }
      expect(looks).toBeLessThan(80);
      const games = await chain.playerOf(auditor).games(0);
      expect(games.filter((game) => game.claim === claim)).toHaveLength(1);
    });

    /** Resolves once a transaction waits for a block, or once everybody is done without one. */
    async function pending(done: Promise<unknown>): Promise<void> {
      let over = false;
      void done.then(() => {
        over = true;
      });
      while (!over && (await chain.controls.getTxpoolStatus()).pending === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    it('a reorganised chain: moves that are gone are made again', async () => {
      const { author, auditor, claim } = await falseClaim();
      const events: DisputeEvent[] = [];
      const players = [auditorWith(chain.playerOf(auditor), events), defenderWith(chain.playerOf(author))];
      await chain.controls.mine({ blocks: 2 });
      let looks = 0;
      for (; looks < 60 && !(await isLost(claim)); looks++) {
        for (const player of players) await player.tick();
        if (looks === 3 || looks === 6) {
          await chain.client.request({ method: 'anvil_reorg', params: [looks === 3 ? 7 : 3, []] } as never);
        }
      }
      expect(looks).toBeLessThan(60);
      // The first reorganisation took the challenge itself: it was made again.
      expect(events.filter(({ kind }) => kind === 'challenged')).toHaveLength(2);
    });

    it('a transaction that the node forgets', async () => {
      const { author, auditor, claim } = await falseClaim();
      const port = chain.playerOf(auditor, { patienceMs: 100 });
      await chain.controls.setAutomine(false);
      const tick = auditorWith(port).tick();
      await pending(tick);
      const { pending: first } = await chain.controls.getTxpoolContent();
      for (const { hash } of Object.values(first).flatMap((each) => Object.values(each))) {
        await chain.controls.dropTransaction({ hash });
      }
      await pending(tick);
      await chain.controls.setAutomine(true);
      await chain.controls.mine({ blocks: 1 });
      await tick;
      const games = (await port.games(0)).filter((game) => game.claim === claim);
      expect(games).toHaveLength(1);
      await defenderWith(chain.playerOf(author)).tick();
      expect((await port.look(games[0]?.game ?? -1)).game.revealed).toBe(true);
    });

    it('[V-63] another challenger that wins first: the bond comes back, with a share of the reward', async () => {
      const { author, auditor, claim } = await falseClaim();
      const events: DisputeEvent[] = [];
      const slow = await chain.player();
      const slowAuditor = auditorWith(slow, events);
      await slowAuditor.tick();
      for (let looks = 0; looks < 40 && !(await isLost(claim)); looks++) {
        await auditorWith(chain.playerOf(auditor)).tick();
        await defenderWith(chain.playerOf(author)).tick();
      }
      for (let looks = 0; looks < 3; looks++) await slowAuditor.tick();
      expect(events.filter((each) => each.kind === 'moved').at(-1)).toMatchObject({
        move: { kind: 'release' },
      });
      expect(events).toContainEqual(expect.objectContaining({ kind: 'over', claim, won: true }));
      expect(await slow.claim(claim)).toMatchObject({ lost: true, liveGames: 0 });
      const game = events.find((each) => each.kind === 'over' && each.claim === claim);
      const { bond } = (await slow.look(game?.kind === 'over' ? game.game : -1)).game;
      const paid = events.find((each) => each.kind === 'withdrew');
      expect(paid?.kind === 'withdrew' ? paid.amount : 0n).toBeGreaterThan(bond);
    });

    it('a node that is down for most of its clock', async () => {
      const { author, auditor, claim } = await falseClaim();
      let down = false;
      const fetcher: typeof fetch = (input, init) =>
        down ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init);
      const client = connect(chain.anvil, { fetch: fetcher });
      const wallet = createWalletClient({
        account: privateKeyToAccount(auditor),
        chain: chainOf(chain.anvil),
        transport: transportOf(chain.anvil, { fetch: fetcher }),
      });
      const events: DisputeEvent[] = [];
      const player = auditorWith(chain.playerOf(auditor, { client, wallet }), events);
      const otherPlayer = defenderWith(chain.playerOf(author));
      running.push(player, otherPlayer);
      player.start();
      otherPlayer.start();
      const until = (what: () => boolean): Promise<void> =>
        expect.poll(what, { timeout: 60_000, interval: 20 }).toBe(true);
      await until(() => events.some((each) => each.kind === 'moved' && each.played.kind === 'done'));
      down = true;
      await until(() => events.some((each) => each.kind === 'trouble'));
      await chain.pass(TIMES.budget - 1800);
      down = false;
      await until(() => events.some((each) => each.kind === 'over'));
      await until(() => events.some((each) => each.kind === 'withdrew'));
      expect(events.find((each) => each.kind === 'over')).toMatchObject({ claim, won: true });
      expect(await isLost(claim)).toBe(true);
    });
  },
);
