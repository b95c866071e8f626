import { encodePacked, type Hex, keccak256, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anvilWallet, NO_ANVIL } from '../chain/devnet/anvil.ts';
import { participationAbi } from '../chain/generated/abi.ts';
import { readRecords } from '../chain/records.ts';
import { readingAt } from '../chain/schedule.ts';
import { locationOf } from '../chain/swarm-location.ts';
import { attestationEntry, type LocalChain, startLocalChain } from '../chain/testing/local-chain.ts';
import { TransactionQueue, type TransactionQueueOptions } from '../chain/transaction-queue.ts';
import type { Attestation, Signed, Vote } from '../protocol/ledger.ts';
import { UNKNOWN } from '../protocol/standing.ts';
import { Submitter, type SubmitterEvent, type SubmitterOptions } from './submitter.ts';

const hash = (text: string): Hex => keccak256(encodePacked(['string'], [text]));

describe.skipIf(NO_ANVIL !== undefined)(`Submitter${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  let local: LocalChain;
  let round = 0;
  let submitter: Submitter | undefined;
  let events: SubmitterEvent[] = [];

  beforeAll(async () => {
    local = await startLocalChain();
  });
  afterAll(() => local?.stop());
  afterEach(async () => {
    await submitter?.stop();
    submitter = undefined;
    events = [];
  });

  /** Moves the chain five rounds on, past every window, and makes a submitter whose clock stands there. */
  async function begin(options: Partial<SubmitterOptions> = {}): Promise<Submitter> {
    round += 5;
    await local.toRound(round);
    return open(options);
  }

  const queueWith = (options: Partial<TransactionQueueOptions> = {}): TransactionQueue =>
    new TransactionQueue({ client: local.client, wallet: local.wallet(1), ...options });

  function open(options: Partial<SubmitterOptions> = {}): Submitter {
    submitter = new Submitter({
      queue: queueWith(),
      chainId: local.network.chainId,
      location: locationOf(local.network),
      clock: { read: () => readingAt(local.schedule, (local.schedule.genesis + round * 20) * 1000) },
      onEvent: (event) => events.push(event),
      standingOf: async () => UNKNOWN,
      intervalMs: 20,
      ...options,
    });
    return submitter;
  }

  const attestation = (n: number, of: number): Promise<Signed<Attestation>> =>
    local.device(n).ledger.signAttestation({
      round: of,
      checkpointRoot: hash(`root ${n} ${of}`),
      rolloutDigest: hash(`rollouts ${n}`),
    });

  const vote = (n: number, of: number, winners: readonly number[]): Promise<Signed<Vote>> =>
    local
      .device(n)
      .ledger.signVote({ round: of, winners: winners.map((each) => local.device(each).signer.address) });

  async function recordOf(n: number) {
    const { address } = local.device(n).signer;
    const [record] = await readRecords(local.client, locationOf(local.network), [address]);
    return record;
  }

  const happened = (kind: SubmitterEvent['kind'], times = 1): Promise<void> =>
    expect
      .poll(() => events.filter((event) => event.kind === kind).length, { timeout: 60_000, interval: 20 })
      .toBeGreaterThanOrEqual(times);

  it('posts what waits in one batch and says what each entry cost', async () => {
    const poster = await begin();
    for (const n of [1, 2, 3])
      expect(await poster.addAttestation(await attestation(n, round))).toBe('queued');
    poster.start();
    await happened('included', 3);
    const included = events.filter((event) => event.kind === 'included');
    expect(new Set(included.map((event) => event.transaction)).size).toBe(1);
    expect(included[0]).toMatchObject({ what: 'attestation', round, batch: 3 });
    expect(included[0]?.gas).toBeGreaterThan(10_000);
    expect(poster.waiting).toEqual({ attestations: 0, votes: 0 });
    expect(await recordOf(2)).toMatchObject({ attestations: 1, lastRound: round });
  });

  it('takes nothing forged, repeated, stale or early', async () => {
    const poster = await begin();
    const good = await attestation(1, round);
    expect(await poster.addAttestation({ ...good, device: local.device(2).signer.address })).toBe('invalid');
    expect(await poster.addAttestation({ ...good, value: { ...good.value, round: round - 1 } })).toBe(
      'invalid',
    );
    expect(await poster.addAttestation({ ...good, value: { ...good.value, checkpointRoot: '0x12' } })).toBe(
      'invalid',
    );
    expect(await poster.addAttestation({ ...good, signature: '0x' })).toBe('invalid');
    expect(await poster.addAttestation(good)).toBe('queued');
    expect(await poster.addAttestation(good)).toBe('duplicate');
    expect(await poster.addAttestation(await attestation(1, round - 3))).toBe('stale');
    expect(await poster.addAttestation(await attestation(1, round + 2))).toBe('early');
    expect(await poster.addVote(await vote(1, round, []))).toBe('invalid');
    const sorted = await vote(1, round, [1, 2]);
    const swapped = { ...sorted.value, winners: [...sorted.value.winners].reverse() };
    expect(await poster.addVote({ ...sorted, value: swapped })).toBe('invalid');
    expect(poster.waiting).toEqual({ attestations: 1, votes: 0 });
  });

  it('takes no more than its limit', async () => {
    const poster = await begin({ queueLimit: 2 });
    expect(await poster.addAttestation(await attestation(1, round))).toBe('queued');
    expect(await poster.addAttestation(await attestation(2, round))).toBe('queued');
    expect(await poster.addAttestation(await attestation(3, round))).toBe('full');
  });

  it('posts a device’s rounds in order, however they came', async () => {
    const poster = await begin();
    await poster.addAttestation(await attestation(4, round));
    await poster.addAttestation(await attestation(4, round - 1));
    poster.start();
    await happened('included', 2);
    expect(await recordOf(4)).toMatchObject({ attestations: 2, lastRound: round });
  });

  it('posts an earlier round of a device whose later one a stranger posted first', async () => {
    const poster = await begin();
    await poster.addAttestation(await attestation(11, round - 1));
    await poster.addAttestation(await attestation(11, round));
    await local.queue(2).call({
      address: local.network.contracts.participation,
      abi: participationAbi,
      functionName: 'attestBatch',
      args: [0n, BigInt(round), [attestationEntry(await attestation(11, round))]],
    });
    poster.start();
    await happened('included');
    await happened('already');
    expect(await recordOf(11)).toMatchObject({ attestations: 2, lastRound: round });
  });

  it('holds votes until voter and winners are known', async () => {
    const poster = await begin();
    poster.start();
    expect(await poster.addVote(await vote(60, round, [60, 61]))).toBe('queued');
    await poster.addAttestation(await attestation(60, round));
    await happened('included');
    expect(poster.waiting.votes).toBe(1);
    await poster.addAttestation(await attestation(61, round));
    await happened('included', 3);
    expect(await recordOf(60)).toMatchObject({ votesCast: 1, votesReceived: 0 });
    expect(await recordOf(61)).toMatchObject({ votesCast: 0, votesReceived: 1 });
  });

  it('gives up what was never due when its round closes', async () => {
    const poster = await begin();
    await poster.addVote(await vote(70, round, [71]));
    round += 3;
    await local.toRound(round);
    poster.start();
    await happened('refused');
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'refused', what: 'vote', round: round - 3 }),
    );
    expect(poster.waiting.votes).toBe(0);
  });

  it('does not post what another poster or an earlier life has posted', async () => {
    const first = await begin();
    await first.addAttestation(await attestation(5, round));
    first.start();
    await happened('included');
    await first.stop();
    const sent = await local.client.getTransactionCount({
      address: local.wallet(1).account?.address ?? '0x',
    });

    const second = open();
    await second.addAttestation(await attestation(5, round));
    second.start();
    await happened('already');
    expect(second.waiting.attestations).toBe(0);
    expect(
      await local.client.getTransactionCount({ address: local.wallet(1).account?.address ?? '0x' }),
    ).toBe(sent);
  });

  it('keeps what it could not post while the node is away', async () => {
    let away = true;
    const client = new Proxy(local.client, {
      get(target, property, receiver) {
        if (away && property === 'readContract') return () => Promise.reject(new Error('connection refused'));
        return Reflect.get(target, property, receiver) as unknown;
      },
    });
    const poster = await begin({ queue: queueWith({ client }) });
    await poster.addAttestation(await attestation(6, round));
    poster.start();
    await happened('trouble', 2);
    expect(poster.waiting.attestations).toBe(1);
    away = false;
    await happened('included');
  });

  it('sends a dropped transaction again, once', async () => {
    const poster = await begin({ queue: queueWith({ patienceMs: 500 }) });
    const { controls } = local;
    await controls.setAutomine(false);
    try {
      await poster.addAttestation(await attestation(7, round));
      poster.start();
      const pending = async () => (await controls.getTxpoolContent()).pending;
      await expect.poll(async () => Object.keys(await pending()).length, { timeout: 60_000 }).toBe(1);
      for (const transactions of Object.values(await pending())) {
        for (const { hash: dropped } of Object.values(transactions)) {
          await controls.dropTransaction({ hash: dropped });
        }
      }
      await expect.poll(async () => Object.keys(await pending()).length, { timeout: 60_000 }).toBe(1);
      await controls.mine({ blocks: 1 });
      await happened('included');
    } finally {
      await controls.setAutomine(true);
    }
    expect(events.filter((event) => event.kind === 'included')).toHaveLength(1);
    expect(await recordOf(7)).toMatchObject({ attestations: 1 });
  });

  it('replaces a stuck transaction by one that pays more', async () => {
    const poster = await begin({ queue: queueWith({ patienceMs: 500 }) });
    const { controls } = local;
    await controls.setAutomine(false);
    try {
      await poster.addAttestation(await attestation(8, round));
      poster.start();
      const fee = async (): Promise<bigint> => {
        const [own] = Object.values((await controls.getTxpoolContent()).pending);
        const [transaction] = Object.values(own ?? {});
        return BigInt(transaction?.maxFeePerGas ?? 0);
      };
      await expect.poll(fee, { timeout: 60_000 }).toBeGreaterThan(0n);
      const first = await fee();
      await expect.poll(fee, { timeout: 60_000 }).toBeGreaterThan(first);
      await controls.mine({ blocks: 1 });
      await happened('included');
    } finally {
      await controls.setAutomine(true);
    }
    expect(await recordOf(8)).toMatchObject({ attestations: 1 });
  });

  it('says that its account is empty, and goes on when it is filled', async () => {
    const key = generatePrivateKey();
    const poster = await begin({ queue: queueWith({ wallet: anvilWallet(local.anvil, key) }) });
    await poster.addAttestation(await attestation(9, round));
    poster.start();
    await happened('trouble');
    expect(events).toContainEqual({
      kind: 'trouble',
      sentence: 'The account that pays for the transaction has too little coin. Send it some.',
    });
    await local.controls.setBalance({ address: privateKeyToAddress(key), value: parseEther('1') });
    await happened('included');
  });

  it('stops in the middle of a wait and can start again', async () => {
    const poster = await begin();
    poster.start();
    poster.start();
    await poster.stop();
    await poster.addAttestation(await attestation(10, round));
    poster.start();
    await happened('included');
  });
});
