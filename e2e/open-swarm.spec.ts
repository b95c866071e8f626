import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { createTestClient, http, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { Tab } from './support/tab.ts';
import { TestWallet } from './support/wallet.ts';

/** Twenty questions in the words of the built-in model: `7+5` and the like. */
const QUESTIONS = Array.from({ length: 20 }, (_, n) => ({ prompt: `${n + 3}+${(n * 7) % 10}`, n })).map(
  ({ prompt, n }) => ({ prompt, answer: String(n + 3 + ((n * 7) % 10)) }),
);
const JSONL = QUESTIONS.map((row) => `${JSON.stringify(row)}\n`).join('');

test.describe('An open swarm', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(300_000);
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('is started with a file of questions, and its link says what it trains', async ({ browser }) => {
    test.setTimeout(420_000);
    const { page: url, rpc, chainId } = devnet.network;
    const controls = createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) });
    const wallet = new TestWallet({ network: devnet.network, privateKey: generatePrivateKey() });
    await controls.setBalance({ address: wallet.account.address, value: parseEther('1') });
    expect(rpc).not.toBe(devnet.nodeRpc);

    const first = await browser.newContext({ acceptDownloads: true, reducedMotion: 'reduce' });
    await wallet.install(first);
    const starter = await Tab.open(first, url, { name: 'starter', engine: 'wasm' });
    let link = '';

    await test.step('a person starts it: every mistake is named, and the price stands before the wallet is asked', async () => {
      await starter.page.getByTestId('screen-swarms').click();
      await expect(starter.page.getByTestId('swarm-0')).toBeVisible({ timeout: 60_000 });
      await starter.page.getByTestId('start-swarm').click();
      await starter.page.getByTestId('start-name').fill('Twenty sums');
      await starter.page.getByTestId('start-description').fill('Twenty sums of my own.');
      await upload(starter.page, 'sums.jsonl', `${JSONL}no question\n`);
      await expect(starter.page.getByTestId('start-mistakes')).toContainText('Line 21');
      await upload(starter.page, 'sums.jsonl', JSONL);
      await expect(starter.page.getByTestId('start-questions')).toContainText('held out');
      await starter.page.getByText('Look at them, and change them').click();
      for (const [name, value] of [
        ['itemsPerRound', '12'],
        ['itemsAnswered', '6'],
        ['heldOutItems', '16'],
        ['answerSeconds', '12'],
        ['critiqueSeconds', '6'],
        ['voteSeconds', '12'],
      ] as const) {
        await starter.page.getByTestId(`start-${name}`).fill(value);
      }
      await starter.page.getByTestId(`wallet-option-${wallet.rdns}`).click();
      await expect(starter.page.getByTestId('start-price')).toContainText('ETH', { timeout: 60_000 });
      expect(wallet.prompts).not.toContain('eth_sendTransaction');
      await starter.page.getByTestId('start-open').click();
      await expect(starter.page.getByTestId('start-done')).toBeVisible({ timeout: 60_000 });
      expect(wallet.prompts.filter((each) => each === 'eth_sendTransaction')).toHaveLength(1);
      link = (await starter.page.getByTestId('swarm-link').getAttribute('data-value')) ?? '';
      expect(link).toMatch(new RegExp(`#/swarm/${chainId}/1$`));
      await expectGoodLooks(starter.page, 'start-swarm');
    });

    const second = await browser.newContext({ reducedMotion: 'reduce' });
    const joiner = await landing(second, link);
    await test.step('a stranger sees what it trains before joining; an unknown link is refused', async () => {
      await expect(joiner.getByTestId('swarm-landing')).toContainText('Twenty sums of my own.', {
        timeout: 60_000,
      });
      await expect(joiner.getByTestId('swarm-cost')).toContainText('of memory');
      await expectGoodLooks(joiner, 'swarm-landing');
      const lost = await landing(second, link.replace(/1$/, '99'));
      await expect(lost.getByTestId('swarm-not-here')).toBeVisible({ timeout: 60_000 });
      await lost.close();
    });
    expect(starter.errors).toEqual([]);
  });
});

async function upload(page: Page, name: string, text: string): Promise<void> {
  const file = { name, mimeType: 'application/jsonl', buffer: Buffer.from(text) };
  await page.getByTestId('start-file').setInputFiles(file);
}

async function landing(context: BrowserContext, link: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(link.replace('#', '?engine=wasm#'));
  return page;
}
