import { expect, test } from '@playwright/test';
import { createTestClient, createWalletClient, type Hex, http, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { commitRun } from '../audit/commit-run.ts';
import { encodeRunSpec, runSpecOf } from '../audit/run-spec.ts';
import { publishDescription } from '../chain/descriptions.ts';
import { claimOnce } from '../chain/disputes/agents/claim-once.ts';
import { Defender } from '../chain/disputes/agents/defender.ts';
import { OnchainDisputes } from '../chain/disputes/onchain/port.ts';
import { runsOf } from '../chain/disputes/testing/match.ts';
import { chainOf, connect } from '../chain/network.ts';
import { TransactionQueue } from '../chain/transaction-queue.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { faultyRun } from '../node/audit/testing/faults.ts';
import { nanoStart } from '../node/audit/testing/nano.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors, pageErrorsOf } from './support/page-errors.ts';

test.describe('An auditor', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', '20'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('checks claims in the page, and wins against the one with a wrong bit', async ({ browser }) => {
    test.setTimeout(600_000);
    const { rpc, page: url, rollup } = devnet.network;
    const client = connect(devnet.network);
    const controls = createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) });
    const party = async () => {
      const account = privateKeyToAccount(generatePrivateKey());
      await controls.setBalance({ address: account.address, value: parseEther('10') });
      const wallet = createWalletClient({ account, chain: chainOf(devnet.network), transport: http(rpc) });
      const queue = new TransactionQueue({ client, wallet, pollMs: 100 });
      return { queue, port: new OnchainDisputes({ queue, address: rollup.disputes }) };
    };
    const engine = await createWasmEngine({ threads: 1 });
    const start = await nanoStart();
    const spec = runSpecOf({
      start,
      steps: 4,
      seed: `0x${'5e'.repeat(32)}`,
      learningRate: 0.002,
      work: { kind: 'supervised', rows: 2, length: 32 },
    });
    const honest = await commitRun({ engine, start, spec });
    const slot = honest.slotNames.lastIndexOf('gradient.model.layers.1.mlp.down_proj.weight');
    const wrong = await faultyRun({
      engine,
      start,
      spec,
      fault: { kind: 'bit', step: 2, slot, element: 777, bit: 22 },
    });
    const [truthful, liar] = [await party(), await party()];
    const defender = new Defender({ port: liar.port, runs: runsOf(wrong), pollMs: 300 });

    await publishDescription({
      queue: truthful.queue,
      descriptions: rollup.descriptions,
      run: termsHash(honest.terms),
      description: encodeRunSpec(spec),
    });
    expect(await claimOnce(truthful.port, honest)).toMatchObject({ kind: 'done', id: 0 });
    expect(await claimOnce(liar.port, wrong)).toMatchObject({ kind: 'done', id: 1 });
    defender.start();

    const context = await browser.newContext({ reducedMotion: 'reduce' });
    const page = await context.newPage();
    const errors = pageErrorsOf(page);
    try {
      await page.goto(`${url}#/jobs`);
      const device = (await page.getByTestId('payer-device').getAttribute('data-value')) as Hex;
      await controls.setBalance({ address: device, value: parseEther('5') });
      await page.getByTestId('screen-checks').click();

      await test.step('the same run here: one claim has the same bits, the other not', async () => {
        const check = async (claim: number) => {
          await page.getByTestId(`claim-${claim}`).getByTestId('check-claim').click();
          return page.getByTestId(`claim-${claim}`).getByTestId('check');
        };
        await expect(await check(0)).toHaveAttribute('data-check', 'same', { timeout: 120_000 });
        await expect(await check(1)).toHaveAttribute('data-check', 'differs');
      });

      await test.step('auditing challenges the wrong one and plays to the verdict', async () => {
        await page.getByTestId('auditing').check();
        await expect(page.getByTestId('game-0')).toBeVisible({ timeout: 120_000 });
        // Closed and opened again in the middle of the game, it goes on where the chain is.
        await page.reload();
        await expect(page.getByTestId('auditing')).toBeChecked();
        const verdict = page.getByTestId('game-0').getByTestId('verdict');
        await expect(verdict).toHaveAttribute('data-winner', 'challenger', { timeout: 120_000 });
        await expect(page.getByTestId('claim-1')).toHaveAttribute('data-standing', 'lost');
        await expect(page.getByTestId('claim-0')).toHaveAttribute('data-standing', 'open');
      });

      await test.step('a person can follow it from the step to the sum', async () => {
        const level = (name: string) => page.getByTestId('game-0').locator(`[data-level="${name}"]`);
        await expect(level('step')).toContainText('Step 3 of 4');
        await expect(level('slot')).toContainText('gradient.model.layers.1.mlp.down_proj.weight, by matmul');
        await expect(level('element')).toContainText('Number 778');
        await expect(level('chunk')).toContainText('of its sum');
        await expect(page.getByTestId('game-0').getByTestId('verdict')).toContainText('another number');
        // What it won is fetched in a transaction of its own, after the verdict.
        await expect
          .poll(async () => (await client.getBalance({ address: device })) > parseEther('5'), {
            timeout: 120_000,
          })
          .toBe(true);
      });
      await page.getByTestId('game-0').screenshot({ path: 'test-results/dispute.png' });
      await expectGoodLooks(page, 'checks');
      expectNoErrors(errors);
    } finally {
      await defender.stop();
      await engine.stop();
      await context.close();
    }
  });
});
