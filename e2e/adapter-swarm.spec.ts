import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { createTestClient, http, parseEther } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import { readPeft } from '../models/decoder/lora/peft.ts';
import { ANSWERING } from '../training/chat-format.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';
import { chatModel } from './support/chat-model.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { answerInNode } from './support/little-model.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors } from './support/page-errors.ts';
import { landing, Tab } from './support/tab.ts';
import { unzipped } from './support/unzipped.ts';
import { connectPayer, TestWallet } from './support/wallet.ts';

const files = chatModel();
const TOKENS = 12;
const ROUND_MS = 24_000;
/** In characters that nano reads too. */
const QUESTION = '7+5';
/** A random model says a digit now and then, so that it has something to learn. */
const JSONL = Array.from({ length: 20 }, (_, n) => ({ prompt: `${n + 3}+${(n * 7) % 10}` }))
  .map(({ prompt }) => `${JSON.stringify({ prompt, answer: '(.|\\n)*[0-9](.|\\n)*' })}\n`)
  .join('');

test.describe('A swarm that trains adapters of a model of one’s own', () => {
  let devnet: Devnet;
  let folder: string;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    folder = await mkdtemp(join(tmpdir(), 'starling-adapter-swarm-'));
    await mkdir(join(folder, 'parrot'));
    await mkdir(join(folder, 'other'));
    for (const [name, bytes] of Object.entries(files)) {
      await writeFile(join(folder, 'parrot', name), bytes);
      await writeFile(
        join(folder, 'other', name),
        name.endsWith('.json') ? bytes : bytes.map((byte) => byte ^ 1),
      );
    }
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => {
    await devnet?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test('is started from a folder, joined by a stranger who gets the model from a member, and left with the adapter', async ({
    browser,
  }) => {
    test.setTimeout(1_200_000);
    const wallet = new TestWallet({ network: devnet.network, privateKey: generatePrivateKey() });
    const controls = createTestClient({ mode: 'anvil', transport: http(devnet.nodeRpc) });
    await controls.setBalance({ address: wallet.account.address, value: parseEther('1') });
    const first = await browser.newContext({ acceptDownloads: true, reducedMotion: 'reduce' });
    await wallet.install(first);
    const starter = await Tab.open(first, devnet.network.page, { name: 'starter', engine: 'wasm' });
    const { page } = starter;
    let link = '';

    await test.step('a person starts it with a folder', async () => {
      await page.getByTestId('screen-swarms').click();
      await page.getByTestId('start-swarm').click();
      await page.getByTestId('start-name').fill('Digits');
      await page.getByTestId('start-description').fill('A random model learns to say digits.');
      await page.getByTestId('start-base').selectOption('folder');
      await page.getByTestId('start-folder').setInputFiles(join(folder, 'parrot'));
      await expect(page.getByTestId('start-base-known')).toContainText('first from this device');
      await expect(page.getByTestId('start-trained')).toHaveValue('adapters');
      await page.getByTestId('start-rank').fill('4');
      await page.getByTestId('start-any').check();
      await page.getByTestId('start-file').setInputFiles({
        name: 'digits.jsonl',
        mimeType: 'application/jsonl',
        buffer: Buffer.from(JSONL),
      });
      await page.getByTestId('start-checker').selectOption('pattern');
      await page.getByText('Look at them, and change them').click();
      for (const [name, value] of [
        ['itemsPerRound', '8'],
        ['samplesPerItem', '4'],
        ['answerTokens', String(TOKENS)],
        ['critiqueTokens', '8'],
        ['heldOutItems', '4'],
        ['warmupSteps', '0'],
        ['learningRate', '0.01'],
        ['answerSeconds', '9'],
        ['critiqueSeconds', '5'],
        ['voteSeconds', '10'],
      ] as const) {
        await page.getByTestId(`start-${name}`).fill(value);
      }
      await expect(page.getByTestId('swarm-cost').first()).toContainText('of memory');
      await connectPayer(page, wallet);
      await expect(page.getByTestId('start-price')).toContainText('ETH', { timeout: 120_000 });
      await expectGoodLooks(page, 'start-adapters');
      await page.getByTestId('start-open').click();
      await expect(page.getByTestId('start-done')).toBeVisible({ timeout: 120_000 });
      link = (await page.getByTestId('swarm-link').getAttribute('data-value')) ?? '';
      await page.getByTestId('start-visit').click();
      await page.getByTestId('swarm-contribute').click();
    });

    const second = await browser.newContext({ reducedMotion: 'reduce' });
    const joiner = await landing(second, link);
    await test.step('a stranger’s other folder is refused; the model comes from a member', async () => {
      const chosen = joiner.getByTestId('swarm-folder');
      await expect(joiner.getByTestId('swarm-landing')).toContainText('adapters of rank 4 beside frozen');
      await chosen.setInputFiles(join(folder, 'other'));
      await expect(joiner.getByTestId('swarm-folder-failure')).toContainText(
        'not the file that the swarm names',
      );
      // Its tokenizer travels in chunks, by the manifest that the specification names.
      await expect(joiner.getByTestId('model-without-address')).toContainText('members pass them on');
      await expectGoodLooks(joiner, 'swarm-landing-adapters');
      await joiner.getByTestId('swarm-contribute').click();
      await starter.expectFigure('peers', 1, 120_000);
      await starter.expectFigure('ledger-computed', 2, 12 * ROUND_MS);
      await expect
        .poll(async () => Number(await joiner.getByTestId('ledger-computed').textContent()), {
          timeout: 12 * ROUND_MS,
        })
        .toBeGreaterThanOrEqual(1);
      await second.close();
    });

    await test.step('two others bring nano and micro: three models finish rounds together', async () => {
      const bringing = await Promise.all(
        ['nano', 'micro'].map(async (name) => {
          const context = await browser.newContext({ reducedMotion: 'reduce' });
          const tab = await landing(context, link);
          await tab.getByTestId('own-model').selectOption(`builtin:${name}`);
          if (name === 'nano') await expectGoodLooks(tab, 'swarm-landing-any');
          await tab.getByTestId('swarm-contribute').click();
          const address = tab.getByTestId('device-address');
          await expect(address).toHaveAttribute('data-value', /^0x/, { timeout: 120_000 });
          return { context, tab, device: (await address.getAttribute('data-value'))?.toLowerCase() ?? '' };
        }),
      );
      for (const { tab } of bringing) {
        await expect
          .poll(async () => Number(await tab.getByTestId('ledger-accepted').textContent()), {
            timeout: 16 * ROUND_MS,
          })
          .toBeGreaterThanOrEqual(1);
      }
      // The starter reads the answers of both.
      const seen = new Set<string>();
      const unheard = async () => {
        const authors = await page
          .getByTestId('feed-answer')
          .locator('span[title]')
          .evaluateAll((found) => found.map((each) => each.getAttribute('title') ?? ''));
        for (const author of authors) seen.add(author.toLowerCase());
        return bringing.filter(({ device }) => !seen.has(device)).length;
      };
      await expect.poll(unheard, { timeout: 6 * ROUND_MS }).toBe(0);
      for (const { context } of bringing) await context.close();
    });

    const asked = await test.step('the paused model answers a question, before and now', async () => {
      await page.getByTestId('pause').click();
      await expect(page.getByTestId('status')).toHaveAttribute('data-phase', 'paused', { timeout: ROUND_MS });
      await page.getByTestId('own-question').fill(QUESTION);
      await page.getByTestId('own-ask').click();
      const text = async (testId: string) => (await page.getByTestId(testId).textContent()) ?? '';
      await expect(page.getByTestId('own-now')).toBeVisible();
      return { before: await text('own-before'), now: await text('own-now') };
    });
    expect(asked.now).not.toBe(asked.before);

    const taken =
      await test.step('it leaves as PEFT’s files, whose bits are the checkpoint’s, and merged', async () => {
        await page.getByTestId('stop').click();
        await expect(page.getByTestId('contribute')).toBeVisible();
        const { root, bytes } = await starter.downloadCheckpoint();
        await expect(page.getByTestId('checkpoint-root')).toHaveAttribute('data-value', root);
        await expectGoodLooks(page, 'take-adapter');
        const checkpoint = readCheckpoint(bytes);
        if (checkpoint.kind !== 'adapters') throw new Error('The checkpoint has no adapters.');
        const adapter = await download(page, 'take-folder');
        expect([...adapter.keys()].sort()).toEqual([
          'README.md',
          'adapter_config.json',
          'adapter_model.safetensors',
        ]);
        const peft = {
          'adapter_model.safetensors': adapter.get('adapter_model.safetensors') ?? new Uint8Array(),
          'adapter_config.json': adapter.get('adapter_config.json') ?? new Uint8Array(),
        };
        const read = readPeft(checkpoint.config, peft);
        for (const [name, values] of checkpoint.state.adapters)
          expect(read.adapters.get(name), name).toEqual(values);
        const merged = await download(page, 'take-merged');
        expect([...merged.keys()].sort()).toEqual(['README.md', ...Object.keys(files)].sort());
        const whole = parseSafetensors(merged.get('model.safetensors') ?? new Uint8Array());
        expect(whole.tensors.get('model.norm.weight')?.dtype).toBe('F32');
        return { peft, checkpoint };
      });

    await test.step('Models loads base and adapter, and answers with the swarm’s tokens, bit for bit', async () => {
      await page.getByTestId('screen-models').click();
      await expect(page.getByTestId('stored')).toContainText(
        'Every file has the SHA-256 that its swarm names',
      );
      await page.getByTestId('stored-use').click();
      await page.getByTestId('model-load').click();
      await expect(page.getByTestId('loaded')).toBeVisible();
      const adapterFiles = (of: Readonly<Record<string, Uint8Array>>) =>
        page.getByTestId('adapter-files').setInputFiles(
          Object.entries(of).map(([name, bytes]) => {
            return { name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) };
          }),
        );
      await adapterFiles({
        ...taken.peft,
        'adapter_config.json': withRank(taken.peft['adapter_config.json'], 8),
      });
      await expect(page.getByTestId('failure-adapter')).toContainText('use an adapter of this model');
      await adapterFiles(taken.peft);
      await expect(page.getByTestId('adapter')).toBeVisible();
      // As the card says: the template has no place for instructions.
      const message = `${ANSWERING}\n\n${QUESTION}`;
      await page.getByTestId('prompt').fill(message);
      await page.getByText('How it draws').click();
      await page.getByTestId('ask-sample').uncheck();
      await page.getByTestId('ask-tokens').fill(String(TOKENS));
      const answer = await ask(page);
      expect(answer.text.trim()).toBe(asked.now.trim());
      const inNode = { files, message, tokens: TOKENS, seed: 1, greedy: true };
      expect(answer.hash).toBe((await answerInNode({ ...inNode, adapter: taken.checkpoint })).hash);
      await page.getByTestId('ask-adapter').uncheck();
      expect((await ask(page)).text.trim()).toBe(asked.before.trim());
    });

    await test.step('once the base is deleted, merging says so', async () => {
      await page.getByTestId('model-close').click();
      await page.getByTestId('stored-delete').click();
      await page.getByTestId('stored-delete').click();
      await expect(page.getByTestId('stored')).toHaveCount(0);
      await page.getByTestId('screen-contribute').click();
      await page.getByTestId('take-merged').click();
      await expect(page.getByTestId('download-status')).toContainText('no longer on this device');
    });
    expectNoErrors(starter.errors);
  });
});

/** The files of a folder that the page gives. */
async function download(page: Page, button: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const [given] = await Promise.all([page.waitForEvent('download'), page.getByTestId(button).click()]);
  return unzipped(new Uint8Array(await readFile(await given.path())));
}

async function ask(page: Page): Promise<{ readonly text: string; readonly hash: string }> {
  await page.getByTestId('ask-go').click();
  await expect(page.getByTestId('answer')).toHaveAttribute('data-state', 'done');
  return {
    text: (await page.getByTestId('answer-text').textContent()) ?? '',
    hash: (await page.getByTestId('answer-hash').getAttribute('data-value')) ?? '',
  };
}

function withRank(settings: Uint8Array, rank: number): Uint8Array {
  const json = JSON.parse(new TextDecoder().decode(settings)) as object;
  return new TextEncoder().encode(JSON.stringify({ ...json, r: rank }));
}
