import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { must } from '../protocol/must.ts';
import { blocksSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../training/builtin-models.ts';
import { NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { landing } from './support/tab.ts';
import { unzipped } from './support/unzipped.ts';

const execute = promisify(execFile);

/** The nano model: an embedding, and a block for each of its two layers. */
const MODEL = must(BUILTIN_MODELS, 0);
const BLOCKS = 3;
/** Storage that a tab is left with. It gives half to blocks: enough for one layer, and not for two. */
const STORAGE = 5.2e6;

interface Root {
  readonly root: string;
  readonly step: number;
}

/** A tab of a person of its own, with little storage. It notes each root that it shows. */
class Member {
  readonly page: Page;
  readonly roots = new Map<number, string>();
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.message));
  }

  static async join(browser: Browser, link: string): Promise<Member> {
    const context = await browser.newContext({ acceptDownloads: true, reducedMotion: 'reduce' });
    await context.addInitScript((quota) => {
      StorageManager.prototype.estimate = async () => ({ quota, usage: 0 });
    }, STORAGE);
    const member = new Member(await landing(context, link));
    await member.page.getByTestId('swarm-contribute').click({ timeout: 60_000 });
    return member;
  }

  async step(): Promise<number> {
    return Number(await this.page.getByTestId('pipeline-step').textContent());
  }

  /** Blocks that it computes hops of. */
  async here(): Promise<readonly string[]> {
    const cards = this.page.locator('[data-testid="pipeline-block"][data-here="true"]');
    return cards.evaluateAll((found) => found.map((card) => card.getAttribute('data-block') ?? ''));
  }

  /** The root that it shows now, which is noted. */
  async root(): Promise<Root | undefined> {
    // Both are read at once: the page may draw the next step between two questions.
    const { root, text } = await this.page
      .getByTestId('pipeline-root')
      .evaluate(
        (shown) => ({
          root: shown.querySelector('code')?.getAttribute('data-value') ?? null,
          text: shown.textContent ?? '',
        }),
        undefined,
        { timeout: 1000 },
      )
      .catch(() => ({ root: null, text: '' }));
    const step = /after (\d+) steps?$/.exec(text)?.[1];
    if (root === null || step === undefined) return undefined;
    this.roots.set(Number(step), root);
    return { root, step: Number(step) };
  }
}

test.describe('A swarm that trains a model in blocks', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(300_000);
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('has four tabs train it together; one leaves in the middle of a step, one joins, and it is taken along whole', async ({
    browser,
  }) => {
    test.setTimeout(600_000);
    const { startedBy: _, startedAt: __, ...spec } = blocksSpec;
    const file = join(devnet.home, 'blocks.json');
    await writeFile(
      file,
      JSON.stringify({
        ...spec,
        tasks: NANO_SELECTION,
        base: { kind: 'builtin', name: MODEL.name, root: MODEL.root },
        blocks: { ...spec.blocks, skipped: 0, fullEvery: 0, microbatches: 4, rows: 4, length: 32 },
      }),
    );
    const args = ['tools/run-ts.mjs', '--contracts', 'node/swarm.ts', 'create', file, '--json'];
    const { stdout } = await execute(process.execPath, args, {
      env: { ...process.env, STARLING_HOME: devnet.home },
    });
    const { link } = JSON.parse(stdout) as { readonly link: string };

    const members: Member[] = [];
    await test.step('four tabs come in, and each keeps some of the blocks', async () => {
      const visitors = Array.from({ length: 4 }, () => Member.join(browser, link));
      members.push(...(await Promise.all(visitors)));
      for (const member of members) await expectComputing(member);
      await expect
        .poll(async () => (await Promise.all(members.map((each) => each.here()))).map((ids) => ids.length), {
          timeout: 60_000,
        })
        .not.toContain(0);
      const kept = await Promise.all(members.map((each) => each.here()));
      expect(Math.min(...kept.map((ids) => ids.length)), JSON.stringify(kept)).toBeLessThan(BLOCKS);
      expect(new Set(kept.flat()).size).toBe(BLOCKS);
    });

    await test.step('steps go on, and all have the root of one model', async () => {
      await expectSteps(members, 3);
      await expectGoodLooks(must(members, 0).page, 'pipeline');
    });

    await test.step('a tab is closed in the middle of a step, another one comes, and no step is lost', async () => {
      const kept = await Promise.all(members.map((each) => each.here()));
      // A version that nobody else has is lost with its tab, whatever the others do.
      const place = kept.findIndex(
        (_, i) => new Set(kept.filter((_, other) => other !== i).flat()).size === BLOCKS,
      );
      const leaving = must(members, place);
      const before = await leaving.step();
      await expect.poll(() => hopsDone(leaving), { timeout: 60_000, intervals: [50] }).toBeGreaterThan(5);
      await leaving.page.context().close();
      members.splice(place, 1);
      members.push(await Member.join(browser, link));
      await expect.poll(() => must(members, 0).step(), { timeout: 90_000 }).toBeGreaterThan(before + 2);
      await expectComputing(must(members, 3));
      await expectSteps(members, 2);
    });

    await test.step('a tab puts the whole model together, and Models loads it', async () => {
      const { page } = must(members, 0);
      const [download] = await Promise.all([
        page.waitForEvent('download', { timeout: 90_000 }),
        page.getByTestId('take-folder').click(),
      ]);
      const folder = unzipped(new Uint8Array(await readFile(await download.path())));
      expect([...folder.keys()].sort()).toEqual([
        ...['README.md', 'config.json', 'model.safetensors', 'tokenizer.json'],
      ]);
      await page.getByTestId('screen-models').click();
      await page.getByTestId('model-files').setInputFiles(
        [...folder].map(([name, content]) => ({
          name,
          mimeType: 'application/octet-stream',
          buffer: Buffer.from(content),
        })),
      );
      await expect(page.getByTestId('model')).toBeVisible({ timeout: 60_000 });
      await page.getByTestId('model-load').click();
      await expect(page.getByTestId('loaded')).toBeVisible({ timeout: 120_000 });
    });
    for (const { errors } of members) expect(errors).toEqual([]);
  });
});

async function expectComputing({ page }: Member): Promise<void> {
  await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-state', 'computing', {
    timeout: 120_000,
  });
}

async function hopsDone({ page }: Member): Promise<number> {
  const text = (await page.getByTestId('pipeline-hops').textContent()) ?? '';
  return Number(/^\d+/.exec(text)?.[0] ?? 0);
}

/** So many steps more have a root that all of them showed, and nobody showed another one. */
async function expectSteps(members: readonly Member[], steps: number): Promise<void> {
  for (const { roots } of members) roots.clear();
  const agreed = async () => {
    await Promise.all(members.map((member) => member.root()));
    const seen = [...new Set(members.flatMap(({ roots }) => [...roots.keys()]))];
    return seen.filter((step) => members.every(({ roots }) => roots.has(step))).length;
  };
  await expect.poll(agreed, { timeout: 120_000, intervals: [200] }).toBeGreaterThanOrEqual(steps);
  for (const step of must(members, 0).roots.keys()) {
    const roots = members.flatMap((member) => member.roots.get(step) ?? []);
    expect(new Set(roots).size, `one root of step ${step}`).toBeLessThanOrEqual(1);
  }
}
