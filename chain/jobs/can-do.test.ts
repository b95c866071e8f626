import { parseEther } from 'viem';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { SLOT_KIND, type Slot, type Terms } from '../../protocol/evidence.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { digestOfDescription } from '../descriptions.ts';
import { OnchainDisputes } from '../disputes/onchain/port.ts';
import { COIN } from '../payments.ts';
import { SCRIPTED_DISPUTES, SCRIPTED_JOBS, scriptedJob } from '../testing/scripted-job.ts';
import { type CanDoOptions, canDo, type DescribedRun, type DoableJob } from './can-do.ts';
import type { Order } from './order.ts';
import { claimJob } from './worker.ts';

const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const SPEC = Uint8Array.of(7);
const TERMS: Terms = {
  ...{ program: hash('01'), data: hash('02'), initial: hash('03') },
  ...{ steps: 10, slots: 9, dataSlots: 2 },
};
const RUN: DescribedRun = { terms: TERMS, program: [], spec: SPEC };
const ORDER: Order = {
  ...{ terms: termsHash(TERMS), descriptionHash: digestOfDescription(SPEC), token: COIN },
  ...{ price: parseEther('0.1'), bond: parseEther('0.01') },
  ...{ claimSeconds: 1_000, workSeconds: 200, workerShares: 0, steps: 10 },
};
/** A program that ends without composing a checkpoint. */
const FLAWED: readonly Slot[] = [
  {
    ...{ kind: SLOT_KIND.output, place: 0, count: 1, name: hash('04'), inputs: [], names: [] },
    node: { op: 0, output: 0, length: 1, attributes: [], lengths: [] },
  },
];

interface Change {
  readonly order?: Partial<Order>;
  readonly balance?: bigint;
  readonly asked?: Partial<Pick<CanDoOptions<DescribedRun>, 'find' | 'measure' | 'acceptedBond'>>;
}

/** A look at job 0 of a scripted node: a job that can be done but for the change. */
function look({ order = {}, balance, asked }: Change) {
  const node = scriptedJob({ ...ORDER, ...order }, balance);
  const { queue } = node;
  const disputes = new OnchainDisputes({ queue, address: SCRIPTED_DISPUTES });
  const options = { queue, jobs: SCRIPTED_JOBS, job: 0n, disputes };
  const look = () => canDo({ ...options, find: async () => RUN, measure: async () => 7, ...asked });
  return { node, look, claim: { queue, jobs: SCRIPTED_JOBS } };
}

describe('canDo', () => {
  it.each<[string, Change]>([
    ['unknown-token', { order: { token: `0x${'da'.repeat(20)}` } }],
    ['bond-over-price', { order: { bond: parseEther('0.45') } }],
    ['bond-over-price', { order: { bond: parseEther('0.45') }, asked: { acceptedBond: parseEther('0.4') } }],
    ['no-funds', { balance: parseEther('0.0099') }],
    // Enough for the bond and the gas, and not for the claim on Disputes.
    ['no-funds', { balance: parseEther('0.014') }],
    ['unknown-run', { asked: { find: async () => undefined } }],
    ['unknown-run', { asked: { find: async () => ({ ...RUN, spec: Uint8Array.of(8) }) } }],
    ['unknown-run', { asked: { find: async () => ({ ...RUN, terms: { ...TERMS, steps: 9 } }) } }],
    ['unjudgeable', { asked: { find: async () => ({ ...RUN, program: FLAWED }) } }],
    ['cannot-begin', { asked: { measure: () => Promise.reject(new Error('no checkpoint')) } }],
    ['too-slow', { asked: { measure: async () => 7.01 } }],
    ['too-slow', { asked: { measure: async () => Number.NaN } }],
    ['too-slow', { order: { workSeconds: 5 }, asked: { measure: async () => 0 } }],
  ])('refuses for the reason %s, and sends nothing', async (reason, change) => {
    const { node, look: looked } = look(change);
    await expect(looked()).rejects.toMatchObject({
      name: 'CannotDoJobError',
      reason,
      message: expect.stringMatching(/\.$|checkpoint$/),
    });
    expect(node.attempted).toEqual([]);
  });

  it('refuses a job that another worker has', async () => {
    const { node, look: looked } = look({});
    node.set('claimed', `0x${'11'.repeat(20)}`);
    await expect(looked()).rejects.toMatchObject({ reason: 'not-open' });
  });

  it('lets a job that can be done be claimed once', async () => {
    const { node, look: looked, claim } = look({});
    const job = await looked();
    await expect(claimJob({ ...claim, job })).rejects.toThrow();
    const attempt = { to: SCRIPTED_JOBS, functionName: 'claim', args: [0n], value: ORDER.bond };
    expect(node.attempted).toEqual([attempt]);
    await expect(claimJob({ ...claim, job })).rejects.toThrow('served a claim already');
    expect(node.attempted).toEqual([attempt]);
  });

  it('lets a bond above the price be laid down that the person has accepted', async () => {
    const bond = parseEther('0.45');
    const { look: looked } = look({ order: { bond }, asked: { acceptedBond: bond } });
    expect(await looked()).toMatchObject({ id: 0n, bond });
  });
});

describe('claimJob', () => {
  it('takes no job that only looks as if it had been looked at', () => {
    type Copied = Pick<DoableJob, 'id' | 'terms' | 'token' | 'bond'>;
    expectTypeOf<DoableJob>().toExtend<Copied>();
    expectTypeOf<Copied>().not.toExtend<DoableJob>();
    expectTypeOf<bigint>().not.toExtend<Parameters<typeof claimJob>[0]['job']>();
  });

  it('refuses a job in another token than the one that was looked at', async () => {
    const { look: looked, claim } = look({});
    const job = await looked();
    const other = scriptedJob({ ...ORDER, token: `0x${'da'.repeat(20)}` });
    await expect(claimJob({ ...claim, queue: other.queue, job })).rejects.toThrow('in another token');
    expect(other.attempted).toEqual([]);
  });
});
