import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { createPublicClient, createTestClient, http, parseAbi, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { identityAbi } from '../chain/generated/abi.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectNoErrors } from './support/page-errors.ts';
import { Tab } from './support/tab.ts';
import { TestWallet } from './support/wallet.ts';

const PASSPHRASE = 'wide river, slow bird';
const IDENTITY = parseAbi(['function ownerOf(address device) view returns (address)']);

test.describe('A wallet', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
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
    await tab.expectFigure('ledger-computed', 1, 180_000);
    expect(wallet.prompts, 'contributing asks no wallet anything').toEqual([]);

    const option = await tab.wallet(wallet.rdns);

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
    expectNoErrors(tab.errors);
    await context.close();
  });

  test('of the local network binds without an extension', async ({ browser }) => {
    const context = await browser.newContext();
    const tab = await Tab.open(context, devnet.network.page, { name: 'developer', engine: 'wasm' });
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 180_000);
    await (await tab.wallet('development')).click();
    await tab.page.getByTestId('wallet-bind').click();
    await expect(tab.page.getByTestId('wallet-status')).toContainText('belongs to your wallet');
    await expect(tab.page.getByTestId('owner')).toBeVisible();
    await context.close();
  });

  test('gets the coin of a key, and a new key takes the place of the old one', async ({ browser }) => {
    const context = await browser.newContext({ acceptDownloads: true });
    const tab = await Tab.open(context, devnet.network.page, { name: 'renewed', engine: 'wasm' });
    const { page } = tab;
    const chain = createPublicClient({ transport: http(devnet.network.rpc) });
    const bindingOf = (device: `0x${string}`) =>
      chain.readContract({
        address: devnet.network.contracts.identity,
        ...{ abi: identityAbi, functionName: 'bindingOf', args: [device] },
      });
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 180_000);
    await (await tab.wallet('development')).click();
    await page.getByTestId('wallet-bind').click();
    await expect(page.getByTestId('wallet-status')).toContainText('belongs to your wallet');
    const before = await tab.deviceAddress();
    const { owner } = await bindingOf(before);
    await createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) }).setBalance({
      address: before,
      value: parseEther('1'),
    });
    await page.getByTestId('stop').click();

    await expect(page.getByTestId('key-coin')).toContainText('1 ETH');
    const held = await chain.getBalance({ address: owner });
    await page.getByTestId('key-sweep').click();
    await expect(page.getByTestId('key-coin')).toContainText(/0(\.0+\d*)? ETH/);
    expect((await chain.getBalance({ address: owner })) - held).toBeGreaterThan(parseEther('0.98'));

    await page.getByTestId('key-backup').click();
    await page.getByTestId('key-passphrase').fill(PASSPHRASE);
    await page.getByTestId('key-passphrase-again').fill(PASSPHRASE);
    const [copy] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('key-save-go').click(),
    ]);
    const saved = await readFile(await copy.path(), 'utf8');
    expect(saved).toContain('starling-device-key-2');

    await page.getByTestId('key-new').click();
    await page.getByTestId('key-renew-go').click();
    await expect(page.getByTestId('key-message')).toContainText('has a new key');
    const after = await tab.deviceAddress();
    expect(after).not.toBe(before);
    await page.getByTestId('wallet-bind').click();
    await expect(page.getByTestId('wallet-status')).toContainText('belongs to your wallet');
    expect(await bindingOf(after)).toMatchObject({ owner, revoked: false });
    expect(await bindingOf(before)).toMatchObject({ owner, revoked: true });

    await page.reload();
    expect(await tab.deviceAddress()).toBe(after);
    await page.getByTestId('key-backup').click();
    await page.getByTestId('key-passphrase').fill(PASSPHRASE);
    await page.getByTestId('key-passphrase-again').fill(PASSPHRASE);
    await page.getByTestId('key-save-go').click();
    await expect(page.getByTestId('key-message')).toContainText('Saved');
    await page.getByTestId('key-file').setInputFiles(await copy.path());
    await page.getByTestId('key-passphrase').fill('not the passphrase');
    await page.getByTestId('key-open-go').click();
    await expect(page.getByTestId('key-message')).toContainText('not the passphrase of this key');
    await page.getByTestId('key-passphrase').fill(PASSPHRASE);
    await page.getByTestId('key-open-go').click();
    await expect(page.getByTestId('key-message')).toContainText('Restored.');
    expect(await tab.deviceAddress()).toBe(before);
    expectNoErrors(tab.errors);
    await context.close();
  });
});
