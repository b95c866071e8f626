import { keccak256, parseEther, toHex } from 'viem';
import { describe, expect, it } from 'vitest';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import type { Order } from '../../chain/jobs/order.ts';
import { COIN } from '../../chain/payments.ts';
import { SCRIPTED_DISPUTES, SCRIPTED_JOBS, scriptedJob } from '../../chain/testing/scripted-job.ts';
import { doJob, type JobPhase } from './do-job.ts';
import { KnownRuns } from './known-runs.ts';

/** Terms of nothing under a bond that takes nearly all that the device has. */
const TRAP: Order = {
  ...{ terms: keccak256(toHex('no program has this hash')), descriptionHash: keccak256(toHex('x')) },
  ...{ token: COIN, price: parseEther('20'), bond: parseEther('0.45') },
  ...{ claimSeconds: 3_600, workSeconds: 86_400, workerShares: 1_000_000, steps: 1 },
};

/** A device with 0.5 ETH and a job, as the page puts them together. */
function deviceWith({ mayClaim }: { readonly mayClaim: boolean }) {
  const node = scriptedJob(TRAP, parseEther('0.5'));
  const { client, queue } = node;
  const known = new KnownRuns({
    client,
    contracts: { jobs: SCRIPTED_JOBS, descriptions: `0x${'c0'.repeat(20)}` },
    model: 'http://localhost/',
    threads: 1,
    runs: () => {
      throw new Error('nothing is computed in this test');
    },
  });
  const phases: JobPhase[] = [];
  const work = (sleep: () => Promise<void> = async () => undefined) =>
    doJob({
      ...{ queue, contracts: { jobs: SCRIPTED_JOBS }, job: 0n, mayClaim, sleep },
      disputes: new OnchainDisputes({ queue, address: SCRIPTED_DISPUTES }),
      commit: async () => undefined,
      find: (order, signal) => known.ordered(order, { signal }),
      measure: (run, signal) => known.secondsAStep(run, signal),
      run: (terms, signal) => known.run(terms, signal),
      onPhase: (phase) => phases.push(phase),
      signal: new AbortController().signal,
    });
  return { node, phases, work };
}

describe('doJob', () => {
  it('lays down nothing for a job that nobody can do', async () => {
    const { node, phases, work } = deviceWith({ mayClaim: true });
    await expect(work()).rejects.toMatchObject({ name: 'CannotDoJobError', reason: 'unknown-run' });
    expect(phases).toEqual(['looking']);
    expect(node.attempted).toEqual([]);
  });

  it('lays down nothing for a job that was lost and opened again while the tab was closed', async () => {
    const { node, phases, work } = deviceWith({ mayClaim: false });
    await expect(work()).rejects.toThrow('no second bond');
    expect(phases).toEqual([]);
    expect(node.attempted).toEqual([]);
  });

  it('lays down no second bond when its job is lost and opened again', async () => {
    const { node, phases, work } = deviceWith({ mayClaim: true });
    node.set('delivered', node.queue.address);
    const lose = async () => node.set('open');
    await expect(work(lose)).rejects.toThrow('no second bond');
    expect(phases).toEqual(['waiting']);
    expect(node.attempted).toEqual([]);
  });
});
