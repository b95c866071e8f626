import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import { connect } from '../../network.ts';
import { playGame } from '../agents/play-game.ts';
import { type DisputesChain, startDisputesChain } from '../testing/disputes-chain.ts';
import { SLOT, sampleRun } from '../testing/sample-run.ts';
import { claimTree } from '../trees.ts';
import { DisputeEventLog } from './event-log.ts';
import type { OnchainDisputes } from './port.ts';

const TRUTH = sampleRun();
const { terms } = TRUTH;
/** The game about this fault leads to a leaf of 4 KiB. */
const FAULTY = sampleRun({ fault: { step: 1, slot: SLOT.sum, element: 3, mask: 0x400000 } });

describe.skipIf(NO_ANVIL !== undefined)(
  `DisputeEventLog${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let chain: DisputesChain;
    let claimant: OnchainDisputes;
    let challenger: OnchainDisputes;
    /** Bytes of logs that a client was sent. */
    let received = 0;
    const counting: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const bytes = await response.arrayBuffer();
      if (String(init?.body).includes('eth_getLogs')) received += bytes.byteLength;
      return new Response(bytes, { status: response.status, headers: response.headers });
    };

    /** A game about a false claim, played to its end. */
    async function play(): Promise<number> {
      const bonds = await claimant.bonds(terms);
      const { root } = claimTree(await FAULTY.stepRoots());
      const claim = await claimant.play({ kind: 'claim', terms, root, bond: bonds.claim });
      if (claim.kind !== 'done' || claim.id === undefined) throw new Error(claim.kind);
      const bond = bonds.challenge;
      const made = await challenger.play({ kind: 'challenge', claim: claim.id, terms, bond });
      if (made.kind !== 'done' || made.id === undefined) throw new Error(made.kind);
      const game = made.id;
      for (let moves = 0; moves < 30; moves++) {
        await playGame({ port: claimant, game, side: 'claimant', evidence: FAULTY });
        const turn = await playGame({ port: challenger, game, side: 'challenger', evidence: TRUTH });
        if (turn.kind === 'over') return game;
      }
      throw new Error('The game does not end.');
    }

    beforeAll(async () => {
      chain = await startDisputesChain();
      claimant = await chain.player();
      challenger = await chain.player();
    });
    afterAll(() => chain?.stop());

    it('keeps nothing of strangers’ moves, and reads those of the game that is asked for', async () => {
      const games: number[] = [];
      for (let i = 0; i < 4; i++) games.push(await play());
      const client = connect(chain.anvil, { fetch: counting });
      const log = new DisputeEventLog(client, chain.address);
      received = 0;
      const tip = await log.sync(0);
      expect(log.games.map(({ game }) => game)).toEqual(games);
      expect(log.keptGames).toBe(0);
      // A listing has some hundred bytes a claim and game. The leaf of one game alone has 8 KiB in hex.
      const listing = received;
      received = 0;
      const [, second = 0] = games;
      const events = await log.eventsOf(second, tip);
      expect(events.map(({ kind }) => kind)).toContain('leaf-opened');
      expect(events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
      expect(log.keptGames).toBe(1);
      expect(received).toBeGreaterThan(8192);
      expect(listing).toBeLessThan(received);
      // What was read is not read again.
      received = 0;
      expect(await log.eventsOf(second, await log.sync(0))).toEqual(events);
      expect(received).toBeLessThan(8192);
    });

    it('keeps the moves of at most 64 games', async () => {
      const client = connect(chain.anvil);
      const log = new DisputeEventLog(client, chain.address);
      const tip = await log.sync(0);
      for (let game = 0; game < 70; game++) await log.eventsOf(game, tip);
      expect(log.keptGames).toBe(64);
    });
  },
);
