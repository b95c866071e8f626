import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { adapterRoot, decodeAdapters } from '../models/decoder/lora/adapter-state.ts';
import { type ModelServer, startModelServer } from '../models/loading/testing/model-server.ts';
import { type BuiltPage, serveBuiltPage } from './support/built-page.ts';
import { answerInNode, littleModel } from './support/little-model.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors, pageErrorsOf } from './support/page-errors.ts';

const files = littleModel();
const LAST_SHARD = 'model-00002-of-00002.safetensors';
const MESSAGE = 'how do birds turn together?';
const LESSON = 'birds turn together because each one looks at seven others. ';
const TOKENS = 40;

test.describe('A published model in the page', () => {
  let built: BuiltPage;
  let server: ModelServer;
  let folder: string;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    built = await serveBuiltPage();
    server = await startModelServer(files);
    server.habits.cors = 'ranges';
    folder = await mkdtemp(join(tmpdir(), 'starling-models-'));
    await mkdir(join(folder, 'little'));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, 'little', name), bytes);
  });
  test.afterAll(async () => {
    await built?.stop();
    await server?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const load = async (page: Page) => {
    await expect(page.getByTestId('fit')).toHaveAttribute('data-level', 'good');
    await page.getByTestId('model-load').click();
    await expect(page.getByTestId('loaded')).toHaveAttribute('data-engine', 'wasm');
  };
  const ask = async (page: Page): Promise<{ readonly text: string; readonly hash: string }> => {
    await page.getByTestId('ask-go').click();
    await expect(page.getByTestId('answer')).toHaveAttribute('data-state', 'done');
    return {
      text: (await page.getByTestId('answer-text').textContent()) ?? '',
      hash: (await page.getByTestId('answer-hash').getAttribute('data-value')) ?? '',
    };
  };
  const setUpQuestion = async (page: Page) => {
    await page.getByTestId('prompt').fill(MESSAGE);
    await page.getByText('How it draws').click();
    await page.getByTestId('ask-tokens').fill(String(TOKENS));
  };
  const number = async (locator: Locator, name: string) => Number(await locator.getAttribute(name));

  test('is downloaded in two goes, answers, learns, and keeps what it learned', async ({ browser }) => {
    const context = await browser.newContext({ reducedMotion: 'reduce', acceptDownloads: true });
    const hosts = new Set<string>();
    context.on('request', (request) => hosts.add(new URL(request.url()).host));
    const page = await context.newPage();
    const errors = pageErrorsOf(page);
    // Leaving with an adapter that was not saved asks first.
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(`${built.url}#/`);
    await page.getByTestId('screen-models').click();

    await test.step('a download is cancelled midway and goes on after a reload, asking for the rest alone', async () => {
      server.habits.holds = { after: 150_000, file: LAST_SHARD };
      await page.getByTestId('model-url').fill(server.url);
      await page.getByTestId('model-download').press('Enter');
      const total = Object.values(files).reduce((sum, { length }) => sum + length, 0);
      const download = page.getByTestId('download');
      await expect.poll(() => number(download, 'data-total')).toBeGreaterThan(0.9 * total);
      await expect(download).toContainText(LAST_SHARD);
      await page.getByTestId('download-cancel').click();
      await expect(page.getByTestId('stored')).toHaveAttribute('data-whole', 'false');
      delete server.habits.holds;

      await page.reload();
      await expect(page.getByTestId('stored')).toHaveAttribute('data-whole', 'false');
      const before = server.requests.length;
      await page.getByTestId('stored-resume').click();
      await expect(page.getByTestId('stored')).toHaveAttribute('data-whole', 'true');
      const asked = server.requests.slice(before);
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatch(new RegExp(`^${LAST_SHARD} bytes=[1-9][0-9]*-$`));
      await expect(page.getByTestId('stored')).toContainText('Nobody vouched');
    });

    await test.step('it is described, fits, and is loaded', async () => {
      await expect(page.getByTestId('model-family')).toContainText('Qwen2, 2 layers');
      await expect(page.getByTestId('model-weights')).toContainText('BF16');
      await expect(page.getByTestId('model-root')).toHaveAttribute(
        'data-value',
        (await page.getByTestId('stored-root').getAttribute('data-value')) ?? 'none',
      );
      await load(page);
    });

    const plain =
      await test.step('the same seed gives the same answer, with the bits that Node has', async () => {
        await setUpQuestion(page);
        await expect(page.getByTestId('ask-temperature')).toHaveValue('0.8');
        const first = await ask(page);
        expect(await ask(page)).toEqual(first);
        expect(first).toEqual(await answerInNode({ files, message: MESSAGE, tokens: TOKENS, seed: 1 }));
        await page.getByTestId('ask-seed').fill('2');
        expect((await ask(page)).hash).not.toBe(first.hash);
        await page.getByTestId('ask-seed').fill('1');
        return first;
      });

    const { adapted, adapterFile } = await test.step('it learns a text, with a pause', async () => {
      await page.getByTestId('train-text').fill(LESSON);
      await page.getByTestId('train-rate').fill('0.02');
      await page.getByTestId('train-length').fill('24');
      await page.getByTestId('train-steps').fill('5000');
      await page.getByTestId('train-go').click();
      await expect(page.getByTestId('train-status')).toContainText('Step ');
      await page.getByTestId('train-pause').click();
      await expect(page.getByTestId('train-go')).toBeEnabled();
      // A look at another screen loses nothing.
      await page.getByTestId('screen-contribute').click();
      await page.getByTestId('screen-models').click();
      await expect(page.getByTestId('train-text')).toHaveValue(LESSON);
      const paused = await number(page.getByTestId('adapter'), 'data-steps');
      expect(paused).toBeGreaterThan(0);
      await page.getByTestId('train-steps').fill('15');
      await page.getByTestId('train-go').click();
      await expect(page.getByTestId('adapter')).toHaveAttribute('data-steps', String(paused + 15));
      const losses = page.getByTestId('losses');
      expect(await number(losses, 'data-last')).toBeLessThan(await number(losses, 'data-first'));

      const taught = await ask(page);
      expect(taught.hash).not.toBe(plain.hash);
      await page.getByTestId('ask-adapter').uncheck();
      expect(await ask(page)).toEqual(plain);
      await page.getByTestId('ask-adapter').check();
      await expectGoodLooks(page, 'models');

      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByTestId('adapter-checkpoint').click(),
      ]);
      const bytes = new Uint8Array(await readFile(await download.path()));
      await expect(page.getByTestId('adapter-root')).toHaveAttribute(
        'data-value',
        adapterRoot(decodeAdapters(bytes)),
      );
      const inNode = { files, message: MESSAGE, tokens: TOKENS, seed: 1, adapter: bytes };
      expect(await answerInNode(inNode)).toEqual(taught);
      const path = join(folder, download.suggestedFilename());
      await writeFile(path, bytes);
      return { adapted: taught, adapterFile: path };
    });

    await test.step('after a reload, the model and its adapter answer as before', async () => {
      const before = server.requests.length;
      await page.reload();
      await page.getByTestId('stored-use').click();
      await load(page);
      await page.getByTestId('adapter-files').setInputFiles(adapterFile);
      await expect(page.getByTestId('adapter')).not.toHaveAttribute('data-steps', '');
      await setUpQuestion(page);
      expect(await ask(page)).toEqual(adapted);
      await page.getByTestId('adapter-files').setInputFiles(join(folder, 'little', 'config.json'));
      await expect(page.getByTestId('failure-adapter')).not.toBeEmpty();
      expect(await ask(page), 'a file that is no adapter changes nothing').toEqual(adapted);
      expect(server.requests).toHaveLength(before);
    });

    await test.step('it is deleted when told twice', async () => {
      await page.getByTestId('model-close').click();
      await page.getByTestId('stored-delete').click();
      await expect(page.getByTestId('stored')).toBeVisible();
      await page.getByTestId('stored-delete').click();
      await expect(page.getByTestId('stored')).toHaveCount(0);
    });
    expect([...hosts].sort()).toEqual([new URL(built.url).host, new URL(server.url).host].sort());
    expectNoErrors(errors);
    await context.close();
  });

  test('is picked from a folder or as files, and what is no model is refused', async ({ browser }) => {
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`${built.url}#/models`);

    await test.step('a folder answers like the download', async () => {
      await page.getByTestId('model-folder').setInputFiles(join(folder, 'little'));
      await expect(page.getByTestId('model')).toContainText('little');
      await load(page);
      await setUpQuestion(page);
      expect(await ask(page)).toEqual(
        await answerInNode({ files, message: MESSAGE, tokens: TOKENS, seed: 1 }),
      );
    });

    await test.step('an answer can be stopped and a prompt that is too long is refused', async () => {
      await page.getByTestId('prompt').fill('many words '.repeat(30));
      await page.getByTestId('ask-go').click();
      await expect(page.getByTestId('failure-ask')).toContainText('load the model with more');
    });

    const failure = page.getByTestId('failure-choose');
    const all = Object.keys(files).map((name) => join(folder, 'little', name));
    await test.step('files without config.json, and cut ones', async () => {
      await page
        .getByTestId('model-files')
        .setInputFiles(all.filter((path) => !path.endsWith('/config.json')));
      await expect(failure).toContainText('no config.json');
      const cut = join(folder, LAST_SHARD);
      await writeFile(cut, (files[LAST_SHARD] ?? new Uint8Array()).subarray(0, 10_000));
      await page
        .getByTestId('model-files')
        .setInputFiles([...all.filter((path) => !path.endsWith(LAST_SHARD)), cut]);
      await expect(failure).toContainText(/safetensors|file/);
      await expect(failure).not.toContainText('no config.json');
      // The model from before is still there.
      await expect(page.getByTestId('loaded')).toBeVisible();
      const transfer = await page.evaluateHandle(
        (given) => {
          const data = new DataTransfer();
          for (const [name, text] of given) {
            data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
          }
          return data;
        },
        Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const),
      );
      await page.getByTestId('drop').dispatchEvent('drop', { dataTransfer: transfer });
      await expect(failure).toBeEmpty();
      await expect(page.getByTestId('model-load')).toBeVisible();
    });

    await test.step('more than can be held is refused before anything is allocated', async () => {
      await page.getByTestId('model-load').click();
      await page.getByTestId('train-rows').fill('256');
      await page.getByTestId('train-length').fill('256');
      await expect(page.getByTestId('teach').getByTestId('fit')).toHaveAttribute('data-level', /tight|stop/);
    });

    await test.step('an address with other bytes than the list of hashes says', async () => {
      const wrong = Object.keys(files).map((name) => `${'0'.repeat(64)}  ${name}`);
      await page.getByTestId('model-url').fill(server.url);
      await page.getByText('Check against SHA-256 hashes').click();
      await page.getByTestId('model-hashes').fill(wrong.join('\n'));
      await page.getByTestId('model-download').click();
      await expect(page.getByTestId('failure-download')).toContainText('has SHA-256');
      await expect(page.getByTestId('stored')).toHaveAttribute('data-whole', 'false');
      await page.getByTestId('model-url').fill('http://example.com/model');
      await page.getByTestId('model-download').click();
      await expect(page.getByTestId('failure-download')).toContainText('not an https address');
    });
    await expectGoodLooks(page, 'models-refused');
    await context.close();
  });
});
