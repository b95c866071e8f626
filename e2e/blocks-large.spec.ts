import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, expect, type Page, test } from '@playwright/test';
import type { DecoderConfig } from '../models/decoder/config.ts';
import { writeRandomModel } from '../models/loading/cli/random-model.ts';
import { ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { must } from '../protocol/must.ts';
import type { BaseModel, TrainedPart } from '../protocol/swarm-spec.ts';
import { blocksSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { BlockMember, expectComputing, expectShared, expectSteps, hopsDone } from './support/block-member.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectNoErrors } from './support/page-errors.ts';
import { unzipped } from './support/unzipped.ts';

const execute = promisify(execFile);

const TOKENIZER = wordTokenizerJson();
/** A Qwen2 shape with 10.3 million parameters: its versions have 123 MB, moments included. */
const CONFIG: DecoderConfig = {
  hiddenSize: 320,
  layers: 10,
  heads: 5,
  kvHeads: 1,
  headDim: 64,
  feedForward: 800,
  vocabulary: new ChatTokenizer(TOKENIZER).size,
  context: 256,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
type FilesBase = Extract<BaseModel, { kind: 'files' }>;

interface Case {
  readonly what: string;
  readonly trained: TrainedPart;
  /** Storage that a tab is left with. It gives half to blocks: enough for six layers of ten. */
  readonly storage: number;
  /** Parts that the vocabulary's table is cut into. Defaults to 1: it is whole. */
  readonly vocabularyParts?: number;
}

const CASES: readonly Case[] = [
  { what: 'all weights', trained: { kind: 'full' }, storage: 610e6 },
  {
    what: 'adapters',
    trained: { kind: 'adapters', rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'up_proj'] },
    storage: 33e6,
    vocabularyParts: 2,
  },
];
/** A step takes several seconds where five tabs share two cores. */
const STEPS_MS = 400_000;

test.describe('A model of 10 million parameters in blocks', () => {
  let devnet: Devnet;
  let folder: string;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    folder = await mkdtemp(join(tmpdir(), 'starling-ten-million-'));
    await writeRandomModel({
      path: join(folder, 'ten'),
      config: CONFIG,
      seed: 1,
      endToken: 2,
      tokenizer: new TextEncoder().encode(JSON.stringify(TOKENIZER)),
    });
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => {
    await devnet?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  for (const one of CASES)
    test(`is trained by four tabs of which none can keep it: ${one.what}`, ({ browser }) =>
      journey(browser, one));

  async function journey(browser: Browser, { trained, storage, vocabularyParts }: Case): Promise<void> {
    test.setTimeout(1_500_000);
    const blockCount = CONFIG.layers + (vocabularyParts ?? 1);
    const command = async (...args: readonly string[]) => {
      const all = ['tools/run-ts.mjs', '--contracts', 'node/swarm.ts', ...args, '--json'];
      const env = { ...process.env, STARLING_HOME: devnet.home };
      const { stdout } = await execute(process.execPath, all, { env, maxBuffer: 1 << 24 });
      return JSON.parse(stdout) as unknown;
    };
    const base = (await command('describe', '--model', join(folder, 'ten'))) as FilesBase;
    const { startedBy: _, startedAt: __, ...spec } = blocksSpec;
    const blocks = { layersPerBlock: 1, skipped: 0, fullEvery: 0, microbatches: 2, rows: 2, length: 16 };
    const file = join(devnet.home, 'ten.json');
    await writeFile(
      file,
      JSON.stringify({
        ...spec,
        tasks: NANO_SELECTION,
        base,
        trained,
        blocks: { ...spec.blocks, ...blocks, vocabularyParts },
      }),
    );
    const { link } = (await command('create', file)) as { readonly link: string };
    // Beside adapters the first tab alone has the model's files. The others have parts from one another.
    const keepFolder = async (page: Page) => {
      await page.getByTestId('swarm-folder').setInputFiles(join(folder, 'ten'));
      await expect(page.getByTestId('swarm-folder-kept')).toBeVisible({ timeout: 120_000 });
    };

    const keepNothing = async () => undefined;
    const others = trained.kind === 'full' ? keepFolder : keepNothing;

    const members: BlockMember[] = [];
    await test.step('four tabs come in, and none keeps all of it', async () => {
      for (let n = 0; n < 4; n++)
        members.push(await BlockMember.join(browser, link, storage, n === 0 ? keepFolder : others));
      for (const member of members) await expectComputing(member, STEPS_MS);
      await expectShared(members, blockCount, STEPS_MS);
      await expectSteps(members, 1, STEPS_MS);
    });

    await test.step('a tab is closed in the middle of a step, another one comes, and no step is lost', async () => {
      let place = -1;
      // The second copies of all its blocks may still be on their way.
      const spared = async () => {
        const kept = await Promise.all(members.map((each) => each.here()));
        place = kept.findIndex(
          (_, i) => new Set(kept.filter((_, other) => other !== i).flat()).size === blockCount,
        );
        return place;
      };
      await expect.poll(spared, { timeout: STEPS_MS }).toBeGreaterThanOrEqual(0);
      const leaving = must(members, place);
      const before = await leaving.step();
      await expect.poll(() => hopsDone(leaving), { timeout: STEPS_MS, intervals: [50] }).toBeGreaterThan(5);
      await leaving.page.context().close();
      members.splice(place, 1);
      members.push(await BlockMember.join(browser, link, storage, others));
      await expect.poll(() => must(members, 0).step(), { timeout: STEPS_MS }).toBeGreaterThan(before);
      await expectComputing(must(members, 3), STEPS_MS);
      await expectSteps(members, 1, STEPS_MS);
      if (trained.kind === 'full') return;
      const weights = base.files.filter(({ path }) => path.endsWith('.safetensors'));
      const all = weights.reduce((sum, { size }) => sum + size, 0);
      for (const member of members.slice(-3)) {
        const parts = await member.fetchedParts();
        expect(parts).toBeGreaterThan(all / 16);
        expect(parts).toBeLessThan(all * 0.9);
      }
    });

    await test.step('the model is downloaded whole, and answers under Models', async () => {
      const { page } = must(members, 0);
      const checkpoint = trained.kind === 'full' ? undefined : await checkpointOf(page);
      const [download] = await Promise.all([
        page.waitForEvent('download', { timeout: STEPS_MS }),
        page.getByTestId('take-folder').click(),
      ]);
      const taken = unzipped(new Uint8Array(await readFile(await download.path())));
      await page.getByTestId('screen-models').click();
      const picked = [...taken].map(([name, content]) => fileOf(name, content));
      await page
        .getByTestId('model-files')
        .setInputFiles(checkpoint === undefined ? picked : await baseFiles(folder));
      await expect(page.getByTestId('model')).toBeVisible({ timeout: STEPS_MS });
      await page.getByTestId('model-load').click();
      await expect(page.getByTestId('loaded')).toBeVisible({ timeout: STEPS_MS });
      if (checkpoint !== undefined) {
        const adapter = page.getByTestId('adapter');
        await page
          .getByTestId('adapter-files')
          .setInputFiles(picked.filter(({ name }) => /adapter_/.test(name)));
        await expect(adapter).toBeVisible({ timeout: STEPS_MS });
        await page.getByTestId('adapter-files').setInputFiles(fileOf(checkpoint.name, checkpoint.bytes));
        await expect(adapter).toHaveAttribute('data-steps', String(checkpoint.step), { timeout: STEPS_MS });
        await page.getByTestId('adapter-checkpoint').click();
        const root = (await must(members, 0).roots()).get(checkpoint.step) ?? 'not seen';
        await expect(page.getByTestId('adapter-root')).toHaveAttribute('data-value', root);
      }
      await page.getByTestId('prompt').fill('2+3=');
      await page.getByText('How it draws').click();
      await page.getByTestId('ask-tokens').fill('2');
      await page.getByTestId('ask-go').click();
      await expect(page.getByTestId('answer')).toHaveAttribute('data-state', 'done', { timeout: STEPS_MS });
    });
    for (const { errors } of members) expectNoErrors(errors);
  }
});

/** The run's state as the page saves it. */
async function checkpointOf(page: Page) {
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: STEPS_MS }),
    page.getByTestId('download-checkpoint').click(),
  ]);
  const name = download.suggestedFilename();
  const bytes = new Uint8Array(await readFile(await download.path()));
  return { name, bytes, step: Number(/step-(\d+)/.exec(name)?.[1]) };
}

async function baseFiles(folder: string): Promise<string[]> {
  const path = join(folder, 'ten');
  return (await readdir(path)).map((name) => join(path, name));
}

function fileOf(name: string, content: Uint8Array) {
  return { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) };
}
