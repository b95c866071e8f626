import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOfDescription, findDescriptions, publishDescription } from '../descriptions.ts';
import { NO_ANVIL } from '../devnet/anvil.ts';
import { connect } from '../network.ts';
import { COIN } from '../payments.ts';
import { type LocalChain, startLocalChain } from '../testing/local-chain.ts';
import { DescribedRuns } from './described-runs.ts';
import { postJob } from './requester.ts';

const RUN = `0x${'77'.repeat(32)}` as const;

describe.skipIf(NO_ANVIL !== undefined)(
  `descriptions of a run${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    const junk = Array.from({ length: 17 }, (_, i) => Uint8Array.of(1, i));
    const right = Uint8Array.of(2, 2);

    beforeAll(async () => {
      local = await startLocalChain();
      const { descriptions } = local.network.rollup;
      const queue = local.queue(1);
      for (const description of [...junk, Uint8Array.of(1, 0), right]) {
        await publishDescription({ queue, descriptions, run: RUN, description });
      }
    });
    afterAll(() => local?.stop());

    const wanted = (seen: ReadonlySet<string> = new Set()) =>
      new DescribedRuns({ client: local.client, contracts: local.network.rollup }).find(
        RUN,
        (digest) => !seen.has(digest),
      );

    it('are not hidden behind seventeen that were published before, and each is there once', async () => {
      expect((await wanted()).map(({ bytes }) => bytes)).toEqual([...junk, right]);
      const seen = new Set(junk.map((each) => digestOfDescription(each)));
      expect((await wanted(seen)).map(({ bytes }) => bytes)).toEqual([right]);
    });

    it('are found by digest, whatever else there is', async () => {
      const { client, network } = local;
      const asked = { client, descriptions: network.rollup.descriptions, run: RUN };
      const found = await findDescriptions({ ...asked, digests: [digestOfDescription(right)] });
      expect(found.map(({ bytes }) => bytes)).toEqual([right]);
      const missing = digestOfDescription(Uint8Array.of(3));
      expect(await findDescriptions({ ...asked, digests: [missing] })).toEqual([]);
    });

    it('are the only bytes that are downloaded, and the list is read once', async () => {
      const { descriptions } = local.network.rollup;
      const run = `0x${'79'.repeat(32)}` as const;
      const heavy = Array.from({ length: 12 }, (_, i) => new Uint8Array(16_384).fill(i + 1));
      for (const description of [...heavy, right]) {
        await publishDescription({ queue: local.queue(1), descriptions, run, description });
      }
      let received = 0;
      const client = connect(local.anvil, {
        fetch: async (input, init) => {
          const bytes = await (await fetch(input, init)).arrayBuffer();
          received += bytes.byteLength;
          return new Response(bytes);
        },
      });
      const junkDigests = new Set(heavy.map((each) => digestOfDescription(each)));
      const described = new DescribedRuns({ client, contracts: local.network.rollup });
      for (let look = 0; look < 2; look++) {
        received = 0;
        const found = await described.find(run, (digest) => !junkDigests.has(digest));
        expect(found.map(({ bytes }) => bytes)).toEqual([right]);
        // Thirteen descriptions have 400 KB in hex.
        expect(received).toBeLessThan(20_000);
      }
      received = 0;
      const digests = [digestOfDescription(right)];
      await findDescriptions({ client, descriptions, run, digests });
      expect(received).toBeLessThan(5_000);
    });

    it('come alone where an order names one, until it was looked at', async () => {
      const digest = digestOfDescription(right);
      await postJob({
        queue: local.queue(2),
        jobs: local.network.rollup.jobs,
        order: {
          ...{ terms: RUN, descriptionHash: digest, token: COIN, price: 1000n, bond: 0n },
          ...{ claimSeconds: 60, workSeconds: 60, workerShares: 0, steps: 1 },
        },
      });
      expect((await wanted()).map(({ bytes }) => bytes)).toEqual([right]);
      expect((await wanted(new Set([digest]))).map(({ bytes }) => bytes)).toEqual(junk);
    });
  },
);
