import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, type Page, test } from '@playwright/test';
import { createTestClient, http, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors } from './support/page-errors.ts';
import { landing, Tab } from './support/tab.ts';
import { unzipped } from './support/unzipped.ts';
import { connectPayer, TestWallet } from './support/wallet.ts';

const execute = promisify(execFile);

const ROUND_SECONDS = 30;
const ROUND_MS = 1000 * ROUND_SECONDS;

/** Twenty questions such as `7+5`. */
const QUESTIONS = Array.from({ length: 20 }, (_, n) => ({ prompt: `${n + 3}+${(n * 7) % 10}`, n })).map(
  ({ prompt, n }) => ({ prompt, answer: String(n + 3 + ((n * 7) % 10)) }),
);
const JSONL = QUESTIONS.map((row) => `${JSON.stringify(row)}\n`).join('');

test.describe('An open swarm', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('is started with a file of questions, joined by its link, and left with its model', async ({
    browser,
  }) => {
    test.setTimeout(900_000);
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
      await expect(starter.page.getByTestId('swarm-0')).toBeVisible({ timeout: 120_000 });
      await starter.page.getByTestId('start-swarm').click();
      await starter.page.getByTestId('start-name').fill('Twenty sums');
      await starter.page.getByTestId('start-description').fill('Twenty sums of my own.');
      // Another class of model takes other numbers, so it is chosen before them.
      await starter.page.getByTestId('start-base').selectOption('micro');
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
      await connectPayer(starter.page, wallet);
      await expect(starter.page.getByTestId('start-price')).toContainText('ETH', { timeout: 120_000 });
      expect(wallet.prompts).not.toContain('eth_sendTransaction');
      await starter.page.getByTestId('start-open').click();
      await expect(starter.page.getByTestId('start-done')).toBeVisible({ timeout: 120_000 });
      expect(wallet.prompts.filter((each) => each === 'eth_sendTransaction')).toHaveLength(1);
      link = (await starter.page.getByTestId('swarm-link').getAttribute('data-value')) ?? '';
      expect(link).toMatch(new RegExp(`#/swarm/${chainId}/1$`));
      await expectGoodLooks(starter.page, 'start-swarm');
    });

    const second = await browser.newContext({ reducedMotion: 'reduce' });
    const joiner = await landing(second, link);
    await test.step('a stranger sees what it trains before joining; an unknown link is refused', async () => {
      await expect(joiner.getByTestId('swarm-landing')).toContainText('Twenty sums of my own.', {
        timeout: 120_000,
      });
      await expect(joiner.getByTestId('swarm-cost')).toContainText('of memory');
      await expectGoodLooks(joiner, 'swarm-landing');
      const lost = await landing(second, link.replace(/1$/, '99'));
      await expect(lost.getByTestId('swarm-not-here')).toBeVisible({ timeout: 120_000 });
      await lost.close();
    });

    await test.step('both join, the second with the questions of the first, and finish three rounds', async () => {
      await starter.page.getByTestId('start-visit').click();
      await starter.page.getByTestId('swarm-contribute').click();
      await joiner.getByTestId('swarm-contribute').click();
      await starter.expectFigure('peers', 1, 120_000);
      await starter.expectFigure('ledger-computed', 3, 16 * ROUND_MS);
      await expect
        .poll(() => figure(joiner, 'ledger-computed'), { timeout: 16 * ROUND_MS })
        .toBeGreaterThanOrEqual(3);
      await expect
        .poll(() => figure(joiner, 'ledger-onchain'), { timeout: 16 * ROUND_MS })
        .toBeGreaterThanOrEqual(1);
    });

    await test.step('only questions of the file are asked, and those held out never', async () => {
      const samples = await starter.page.locator('table tbody th[scope="row"]').allTextContents();
      const heldOut = samples.filter((text) => QUESTIONS.some(({ prompt }) => prompt === text));
      expect(heldOut.length).toBeGreaterThan(0);
      const asked = await starter.page.getByTestId('feed-item').locator('p.font-mono').allTextContents();
      expect(asked.length).toBeGreaterThan(0);
      for (const text of asked) {
        expect(QUESTIONS.map(({ prompt }) => prompt)).toContain(text.trim());
        expect(heldOut).not.toContain(text.trim());
      }
      await starter.page.getByTestId('own-question').fill('7+5');
      await starter.page.getByTestId('own-ask').click();
      await expect(starter.page.getByTestId('own-now')).toBeVisible({ timeout: 8 * ROUND_MS });
    });

    await test.step('the first leaves with its model, which Models loads with the same bits', async () => {
      const device = await starter.deviceAddress();
      const records = join(devnet.home, 'archives', '1', 'records');
      // Nobody can fetch the weights of a tab that has left, so the archive gets them before.
      const isArchived = async () => {
        const round = await starter.lastRound();
        const name = `${String(round).padStart(13, '0')}-${device}.json`;
        return round < 0 || (await readdir(records)).includes(name);
      };
      for (;;) {
        await expect.poll(isArchived, { timeout: 16 * ROUND_MS }).toBe(true);
        await starter.page.getByTestId('stop').click();
        await expect(starter.page.getByTestId('contribute')).toBeVisible({ timeout: 120_000 });
        // On a busy machine one more round may have ended before the click.
        if (await isArchived()) break;
        await starter.contribute();
      }
      // The archive had them from the tab's storage. It keeps the first, every 10th and the last.
      await expect(starter.page.getByTestId('kept-checkpoints')).toContainText(/keeps [2-9] checkpoints, /);
      await starter.page.getByTestId('screen-swarms').click();
      await expect(starter.page.getByTestId('swarm-took')).toContainText(
        /^Predicted: about \d+ MB of memory a round\. The last \d+ rounds here took [^.]+\.?\d* s \(.+\) of computing and at most \d+ MB of memory\.$/,
      );
      await starter.page.getByTestId('screen-contribute').click();
      const { root, bytes } = await starter.downloadCheckpoint();
      await expect(starter.page.getByTestId('checkpoint-root')).toHaveAttribute('data-value', root);
      const [download] = await Promise.all([
        starter.page.waitForEvent('download'),
        starter.page.getByTestId('take-folder').click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/^twenty-sums-round-\d+\.zip$/);
      const folder = unzipped(new Uint8Array(await readFile(await download.path())));
      expect([...folder.keys()].sort()).toEqual([
        'README.md',
        'config.json',
        'model.safetensors',
        'tokenizer.json',
      ]);
      const trained = parseSafetensors(folder.get('model.safetensors') ?? new Uint8Array()).tensors;
      const stored = parseSafetensors(bytes).tensors;
      for (const [name, { data }] of trained) expect(data, name).toEqual(stored.get(name)?.data);

      const card = new TextDecoder().decode(folder.get('README.md'));
      expect(await replayed(card, devnet.home), devnet.output()).toContain('same bits');

      await starter.page.getByTestId('screen-models').click();
      await starter.page.getByTestId('model-files').setInputFiles(
        [...folder].map(([name, content]) => ({
          name,
          mimeType: 'application/octet-stream',
          buffer: Buffer.from(content),
        })),
      );
      await expect(starter.page.getByTestId('model')).toBeVisible({ timeout: 120_000 });
      await starter.page.getByTestId('model-load').click();
      await expect(starter.page.getByTestId('loaded')).toBeVisible({ timeout: 120_000 });
      expectNoErrors(starter.errors);
    });
  });
});

async function upload(page: Page, name: string, text: string): Promise<void> {
  const file = { name, mimeType: 'application/jsonl', buffer: Buffer.from(text) };
  await page.getByTestId('start-file').setInputFiles(file);
}

/** Runs the command of the model's card, with its folders filled in. */
async function replayed(card: string, home: string): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'starling-questions-'));
  try {
    await writeFile(join(data, 'sums.jsonl'), JSONL);
    const command = /^npm run replay -- (.*)$/m.exec(card)?.[1] ?? '';
    const given = command
      .replace('--archive DIR', `--archive ${join(home, 'archives', '1')}`)
      .replace('--data DIR', `--data ${data}`);
    const args = ['tools/run-ts.mjs', '--contracts', 'node/replay.ts', ...given.split(' ')];
    const { stdout, stderr } = await execute(process.execPath, args, {
      env: { ...process.env, STARLING_HOME: home },
    }).catch((error: { readonly stdout: string; readonly stderr: string }) => error);
    return stdout + stderr;
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function figure(page: Page, testId: string): Promise<number> {
  const text = (await page.getByTestId(testId).textContent()) ?? '';
  return Number(/\d+/.exec(text)?.[0] ?? 0);
}
