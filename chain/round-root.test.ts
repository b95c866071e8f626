import { type Hex, keccak256, toHex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from './devnet/anvil.ts';
import { readRecords } from './records.ts';
import { commitToRound, countFromRoot, isIncluded, postRoundRoot } from './round-root.ts';
import { type LocalChain, startLocalChain } from './testing/local-chain.ts';

const hash = (text: string): Hex => keccak256(toHex(text));

describe.skipIf(NO_ANVIL !== undefined)(
  `a round under one root${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    }, 60_000);
    afterAll(() => local?.stop());

    const attested = (count: number, round: number) =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          local.device(n).ledger.signAttestation({
            round,
            checkpointRoot: hash(`root ${n}`),
            rolloutDigest: hash(`rollouts ${n}`),
          }),
        ),
      );

    it('is posted for less than 70,000 gas, and each attestation in it can be shown and counted later', async () => {
      const { participation } = local.network.contracts;
      const parties = { client: local.client, wallet: local.wallet(1), participation };
      for (const [step, count] of [1, 2, 3, 7].entries()) {
        const round = 2 + step;
        await local.toRound(round);
        const commitment = commitToRound(await attested(count, round));
        const { gas } = await postRoundRoot({ ...parties, commitment });
        expect(gas).toBeLessThan(70_000n);
        await local.toRound(round);
        const { root, included } = commitment;
        for (const one of included) {
          expect(await isIncluded(local.client, participation, round, root, one)).toBe(true);
          expect(await isIncluded(local.client, participation, round + 1, root, one)).toBe(false);
        }
        await countFromRoot({ ...parties, round, root, included });
      }
      const records = await readRecords(
        local.client,
        participation,
        [0, 1, 2, 6].map((n) => local.device(n).signer.address),
      );
      expect(records.map(({ attestations }) => attestations)).toEqual([4, 3, 2, 1]);
    });

    it('refuses what makes no round', async () => {
      expect(() => commitToRound([])).toThrow('no attestation');
      const [one] = await attested(1, 3);
      const [other] = await attested(1, 4);
      if (one === undefined || other === undefined) throw new Error('two attestations');
      expect(() => commitToRound([one, other])).toThrow('one round');
      expect(() => commitToRound([{ ...one, signature: `0x${'00'.repeat(65)}` }])).toThrow('Leave it out');
    });
  },
);
