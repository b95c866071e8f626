import { toHex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../protocol/swarm-spec-codec.ts';
import { fullSpec, smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { NO_ANVIL } from './devnet/anvil.ts';
import { participationAbi, swarmsAbi } from './generated/abi.ts';
import { openSwarm, priceOfOpening } from './open-swarm.ts';
import { readRecords } from './records.ts';
import { countMembers } from './swarm-members.ts';
import { countSwarms, listSwarms, readSwarm, type SwarmRecord, specOf } from './swarms.ts';
import { attestationEntry, type LocalChain, startLocalChain } from './testing/local-chain.ts';

describe.skipIf(NO_ANVIL !== undefined)(`swarms${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  let local: LocalChain;
  let swarms: `0x${string}`;
  beforeAll(async () => {
    local = await startLocalChain();
    swarms = local.network.contracts.swarms;
  });
  afterAll(() => local?.stop());

  const specBy = (n: number, spec: SwarmSpec = fullSpec): SwarmSpec => ({
    ...spec,
    startedBy: local.queue(n).address.toLowerCase() as `0x${string}`,
  });
  const sentenceOf = ({ published }: SwarmRecord): string | undefined =>
    published.kind === 'unusable' ? published.sentence : undefined;

  /** Opens a swarm past the client, as anybody may. */
  function open(n: number, bytes: Uint8Array, seconds: readonly [number, number, number] = [8, 5, 7]) {
    return local.queue(n).call({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'open',
      args: [toHex(bytes), ...seconds],
    });
  }

  it('[S-07] opens a swarm for the price that was told, and anybody reads its specification', async () => {
    const spec = specBy(2);
    const price = await priceOfOpening({ client: local.client, swarms, spec });
    const before = await local.client.getBalance({ address: local.queue(2).address });
    const opened = await openSwarm({ queue: local.queue(2), swarms, spec });
    expect(opened.id).toBe(1);
    const paid = before - (await local.client.getBalance({ address: local.queue(2).address }));
    expect(paid).toBeLessThanOrEqual(price.wei);
    expect(Number(opened.gas)).toBeLessThanOrEqual(Number(price.gas) * 1.02);

    const read = await readSwarm(local.client, swarms, 1);
    expect(read).toMatchObject({
      id: 1,
      cid: encodeSwarmSpec(spec).cid,
      starter: spec.startedBy,
      openedIn: opened.block,
    });
    expect(specOf(read)).toEqual(spec);
    expect(read.schedule.seconds).toEqual({ answer: 8, critique: 5, vote: 7 });
    expect(read.schedule.genesisSeed).not.toBe(local.schedule.genesisSeed);
  });

  it('[S-07] does not open a swarm in another account’s name', async () => {
    const opening = openSwarm({ queue: local.queue(3), swarms, spec: specBy(2) });
    await expect(opening).rejects.toThrow('Name the account that pays.');
  });

  it('[S-08] says why a swarm is unusable where chain and specification differ, or it cannot be read', async () => {
    const first = await countSwarms(local.client, swarms);
    const good = encodeSwarmSpec(specBy(2)).bytes;
    await open(3, good);
    await open(2, good, [8, 5, 8]);
    await open(2, Uint8Array.of(1, 2, 3));
    const sentences = [];
    for (let id = first; id < first + 3; id++) {
      const record = await readSwarm(local.client, swarms, id);
      sentences.push(sentenceOf(record));
      expect(() => specOf(record)).toThrow(`Nobody can take part in swarm ${id}`);
    }
    expect(sentences[0]).toContain('names another account');
    expect(sentences[1]).toContain('other stage lengths');
    expect(sentences[2]).toContain('specification is wrong');
    await expect(readSwarm(local.client, swarms, 4_000)).rejects.toThrow('There is no swarm of this number');
  });

  it('lists the newest swarms first, in parts', async () => {
    const count = await countSwarms(local.client, swarms);
    const all = await listSwarms({ client: local.client, swarms });
    expect(all.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, i) => count - 1 - i));
    expect(specOf(all.at(-1) as SwarmRecord).name).toBe(smallSpec.name);
    const part = await listSwarms({ client: local.client, swarms, before: 2, most: 5 });
    expect(part.map(({ id }) => id)).toEqual([1, 0]);
    expect(await listSwarms({ client: local.client, swarms, before: 0 })).toEqual([]);
  });

  it('keeps the records of a device in two swarms apart, and counts members of each', async () => {
    const { participation } = local.network.contracts;
    const { ledger, signer } = local.device(7);
    const clockOf = async (id: number) => (await readSwarm(local.client, swarms, id)).schedule;
    const current = await local.client.readContract({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'currentRound',
      args: [0n],
    });
    const hash = `0x${'77'.repeat(32)}` as const;
    const signed = await ledger.signAttestation({
      round: Number(current),
      checkpointRoot: hash,
      rolloutDigest: hash,
    });
    const post = (swarm: bigint, round: bigint) =>
      local.queue(1).call({
        address: participation,
        abi: participationAbi,
        functionName: 'attestBatch',
        args: [swarm, round, [attestationEntry(signed)]],
      });
    await post(0n, current);
    const there = await local.client.readContract({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'currentRound',
      args: [1n],
    });
    await post(1n, there);
    const count = async (swarm: number) =>
      (await readRecords(local.client, { participation, swarm }, [signer.address]))[0]?.attestations;
    expect([await count(0), await count(1)]).toEqual([1, 0]);
    const members = await countMembers({
      client: local.client,
      participation,
      swarms: [
        { id: 0, schedule: local.schedule },
        { id: 1, schedule: await clockOf(1) },
      ],
    });
    expect([...members]).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});
