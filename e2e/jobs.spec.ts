import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { createPublicClient, createTestClient, type Hex, http, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { readJob } from '../chain/jobs/job.ts';
import { readHolding } from '../chain/model-registry/ownership.ts';
import { readCheckpoint } from '../chain/model-registry/training-record.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors, pageErrorsOf } from './support/page-errors.ts';
import { connectPayer, TestWallet } from './support/wallet.ts';

/** A person with a wallet, looking at the jobs. */
interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly address: Hex;
  readonly errors: readonly string[];
}

test.describe('A task', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', '20'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('is funded by two wallets, trained, delivered, paid and owned; or the money goes back', async ({
    browser,
  }) => {
    test.setTimeout(720_000);
    const { rpc, page: url, rollup } = devnet.network;
    const client = createPublicClient({ transport: http(rpc) });
    const controls = createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) });
    const pass = async (seconds: number) => {
      await controls.increaseTime({ seconds });
      await controls.mine({ blocks: 1 });
    };
    const person = async (): Promise<Person> => {
      const context = await browser.newContext({ reducedMotion: 'reduce' });
      const wallet = new TestWallet({ network: devnet.network, privateKey: generatePrivateKey() });
      await wallet.install(context);
      await controls.setBalance({ address: wallet.account.address, value: parseEther('10') });
      const page = await context.newPage();
      const errors = pageErrorsOf(page);
      await page.goto(`${url}#/jobs`);
      await connectPayer(page, wallet);
      await expect(page.getByTestId('payer')).toHaveAttribute(
        'data-value',
        wallet.account.address.toLowerCase(),
      );
      return { context, page, address: wallet.account.address, errors };
    };
    const [ann, ben] = [await person(), await person()];
    const task = (who: Person, id: number) => who.page.getByTestId(`task-${id}`);
    const propose = async (who: Person, price: string, steps: number) => {
      await who.page.getByTestId('new-task').click();
      await who.page.getByTestId('propose-steps').fill(String(steps));
      await who.page.getByTestId('propose-price').fill(price);
      await who.page.getByTestId('propose').click();
    };
    const pledge = async (who: Person, id: number, amount: string) => {
      await task(who, id).getByTestId('pledge-amount').fill(amount);
      await task(who, id).getByTestId('pledge').click();
    };

    await test.step('two wallets reach the goal, and one posts the job', async () => {
      await propose(ann, '0.04', 4);
      await expect(task(ann, 0)).toHaveAttribute('data-state', 'raising', { timeout: 120_000 });
      await pledge(ann, 0, '0.01');
      await expect(task(ann, 0).getByTestId('pledge-0')).toContainText('0.01');
      await pledge(ben, 0, '5');
      await expect(task(ben, 0)).toHaveAttribute('data-state', 'reached');
      await task(ben, 0).getByTestId('hand-over').click();
      await expect(task(ann, 0)).toHaveAttribute('data-state', 'open');
    });

    await test.step('a device trains it and delivers', async () => {
      await ben.page.getByTestId('fund-device').click();
      await expect(ben.page.getByTestId('device-balance')).toHaveText('0.5 ETH');
      await task(ben, 0).getByTestId('work').click();
      await expect(task(ann, 0)).toHaveAttribute('data-state', 'delivered', { timeout: 180_000 });
    });

    await test.step('the window passes; the worker is paid and the shares are made', async () => {
      await expect(task(ben, 0).getByTestId('working')).toHaveAttribute('data-phase', 'waiting');
      await pass(200);
      await expect(task(ann, 0)).toHaveAttribute('data-state', 'accepted', { timeout: 120_000 });
      const device = (await ben.page.getByTestId('payer-device').getAttribute('data-value')) as Hex;
      await task(ann, 0).getByTestId('collect').click();
      await task(ben, 0).getByTestId('collect').click();
      await expect(task(ben, 0).getByTestId('pledge-1')).toHaveAttribute('data-settled', 'true');
      await expect(task(ann, 0).getByTestId('pledge-0')).toHaveAttribute('data-settled', 'true');
      const { model } = await readJob(client, rollup.jobs, 0n);
      const shares = async (owner: Hex) => (await readHolding(client, rollup.ownership, model, owner)).shares;
      expect([await shares(ann.address), await shares(ben.address), await shares(device)]).toEqual([
        175_000, 525_000, 300_000,
      ]);
      // Price and bonds are drawn, less what the transactions cost.
      await expect
        .poll(() => client.getBalance({ address: device }), { timeout: 30_000 })
        .toBeGreaterThan(parseEther('0.53'));
    });

    await test.step('the device is recorded as the one who claimed it', async () => {
      const device = (await ben.page.getByTestId('payer-device').getAttribute('data-value')) as Hex;
      const { order } = await readJob(client, rollup.jobs, 0n);
      await expect
        .poll(async () => {
          const last = order.steps - 1;
          return (await readCheckpoint(client, rollup.trainingRecord, order.terms, last))?.contributor;
        })
        .toBe(device.toLowerCase());
    });

    await test.step('a missed goal gives the pledge back', async () => {
      await propose(ann, '3', 4);
      await expect(task(ann, 1)).toHaveAttribute('data-state', 'raising', { timeout: 120_000 });
      await pledge(ann, 1, '1');
      await expect(task(ann, 1).getByTestId('pledge-2')).toBeVisible();
      const before = await client.getBalance({ address: ann.address });
      await pass(86_401);
      await expect(task(ann, 1)).toHaveAttribute('data-state', 'failed');
      await task(ann, 1).getByTestId('refund').click();
      await expect(task(ann, 1).getByTestId('pledge-2')).toContainText('returned');
      await expect
        .poll(() => client.getBalance({ address: ann.address }))
        .toBeGreaterThan(before + parseEther('0.99'));
    });

    await test.step('a job that nobody does gives the pledge back', async () => {
      await propose(ben, '0.5', 4);
      await expect(task(ben, 2)).toHaveAttribute('data-state', 'raising', { timeout: 120_000 });
      await pledge(ben, 2, '0.5');
      await task(ben, 2).getByTestId('hand-over').click();
      await expect(task(ben, 2)).toHaveAttribute('data-state', 'open');
      const before = await client.getBalance({ address: ben.address });
      await pass(7 * 86_400 + 1);
      await task(ben, 2).getByTestId('expire').click();
      await expect(task(ben, 2)).toHaveAttribute('data-state', 'expired');
      await task(ben, 2).getByTestId('collect').click();
      await expect
        .poll(() => client.getBalance({ address: ben.address }))
        .toBeGreaterThan(before + parseEther('0.49'));
    });
    await ann.page.getByTestId('new-task').click();
    await expectGoodLooks(ann.page, 'jobs');
    expectNoErrors([...ann.errors, ...ben.errors]);
    await ann.context.close();
    await ben.context.close();
  });
});
