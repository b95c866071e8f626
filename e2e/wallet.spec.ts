import { expect, test } from '@playwright/test';
import { createPublicClient, createTestClient, http, parseAbi, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { Tab } from './support/tab.ts';
import { TestWallet } from './support/wallet.ts';

const IDENTITY = parseAbi(['function ownerOf(address device) view returns (address)']);

test.describe('A wallet', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(300_000);
    devnet = await startDevnet({ arguments: ['--round', '15'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('refuses, is on the wrong chain, switches, binds once, and is not asked again', async ({
    browser,
  }) => {
    const context = await browser.newContext();
    const wallet = new TestWallet({ network: devnet.network, privateKey: generatePrivateKey(), chainId: 1 });
    await wallet.install(context);
    const client = createPublicClient({ transport: http(devnet.network.rpc) });
    await createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) }).setBalance({
      address: wallet.account.address,
      value: parseEther('1'),
    });

    const tab = await Tab.open(context, devnet.network.page, { name: 'owner', engine: 'wasm' });
    const { page } = tab;
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 90_000);
    expect(wallet.prompts, 'contributing asks no wallet anything').toEqual([]);

    await page.getByTestId('wallet-connect').click();
    const option = page.getByTestId(`wallet-option-${wallet.rdns}`);

    wallet.policy = 'reject';
    await option.click();
    await expect(page.getByTestId('wallet-status')).toContainText('declined');

    wallet.policy = 'approve';
    await option.click();
    await expect(page.getByTestId('wallet-address')).toHaveAttribute('data-value', wallet.account.address);
    await expect(page.getByTestId('wallet-wrong-chain')).toBeVisible();
    await page.getByTestId('wallet-switch').click();
    await expect(page.getByTestId('wallet-wrong-chain')).toBeHidden();

    wallet.policy = 'reject';
    await page.getByTestId('wallet-bind').click();
    await expect(page.getByTestId('wallet-status')).toContainText('declined');
    wallet.policy = 'approve';
    await page.getByTestId('wallet-bind').click();
    await expect(page.getByTestId('wallet-status')).toContainText('belongs to your wallet');

    const device = await tab.deviceAddress();
    const owner = await client.readContract({
      address: devnet.network.contracts.identity,
      abi: IDENTITY,
      functionName: 'ownerOf',
      args: [device],
    });
    expect(owner).toBe(wallet.account.address);

    const asked = wallet.prompts.length;
    const onChain = await tab.figure('ledger-onchain');
    await tab.expectFigure('ledger-onchain', onChain + 2, 120_000);
    expect(wallet.prompts.slice(asked), 'later rounds ask the wallet nothing').toEqual([]);
    expect(tab.errors).toEqual([]);
    await context.close();
  });

  test('of the local network binds without an extension', async ({ browser }) => {
    const context = await browser.newContext();
    const tab = await Tab.open(context, devnet.network.page, { name: 'developer', engine: 'wasm' });
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 90_000);
    await tab.page.getByTestId('wallet-connect').click();
    await tab.page.getByTestId('wallet-option-development').click();
    await tab.page.getByTestId('wallet-bind').click();
    await expect(tab.page.getByTestId('wallet-status')).toContainText('belongs to your wallet');
    await expect(tab.page.getByTestId('owner')).toBeVisible();
    await context.close();
  });
});
