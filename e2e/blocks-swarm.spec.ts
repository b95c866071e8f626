import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { must } from '../protocol/must.ts';
import { blocksSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../training/builtin-models.ts';
import { NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { BlockMember, expectComputing, expectShared, expectSteps, hopsDone } from './support/block-member.ts';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { expectGoodLooks } from './support/looks.ts';
import { expectNoErrors } from './support/page-errors.ts';
import { unzipped } from './support/unzipped.ts';

const execute = promisify(execFile);

/** The nano model: an embedding, and a block for each of its two layers. */
const MODEL = must(BUILTIN_MODELS, 0);
const BLOCKS = 3;
/** Storage that a tab is left with. It gives half to blocks: enough for one layer, and not for two. */
const STORAGE = 5.2e6;

test.describe('A swarm that trains a model in blocks', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', '30'] });
  });
  test.afterAll(async () => devnet?.stop());

  test('has four tabs train it together; one leaves in the middle of a step, one joins, and it is taken along whole', async ({
    browser,
  }) => {
    test.setTimeout(1_200_000);
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

    const members: BlockMember[] = [];
    await test.step('four tabs come in, and each keeps some of the blocks', async () => {
      const visitors = Array.from({ length: 4 }, () => BlockMember.join(browser, link, STORAGE));
      members.push(...(await Promise.all(visitors)));
      for (const member of members) await expectComputing(member);
      await expectShared(members, BLOCKS);
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
      await expect.poll(() => hopsDone(leaving), { timeout: 120_000, intervals: [50] }).toBeGreaterThan(5);
      await leaving.page.context().close();
      members.splice(place, 1);
      members.push(await BlockMember.join(browser, link, STORAGE));
      await expect.poll(() => must(members, 0).step(), { timeout: 180_000 }).toBeGreaterThan(before + 2);
      await expectComputing(must(members, 3));
      await expectSteps(members, 2);
    });

    await test.step('what the tabs attest of the run is on the chain', async () => {
      for (const { page } of members.slice(0, 2)) {
        const statement = page.locator('[data-testid="attested-round"][data-onchain="true"]').first();
        await expect(statement).toBeVisible({ timeout: 120_000 });
      }
    });

    await test.step('whoever computes the run again finds what they attested', async () => {
      const argv = ['tools/run-ts.mjs', '--contracts', 'node/replay.ts', '--swarm', link];
      const { stdout } = await execute(process.execPath, argv, {
        env: { ...process.env, STARLING_HOME: devnet.home },
      });
      expect(stdout).toMatch(/([1-9]\d*) of \1 attestations have the bits that were computed here/);
    });

    await test.step('a tab puts the whole model together, and Models loads it', async () => {
      const { page } = must(members, 0);
      const [download] = await Promise.all([
        page.waitForEvent('download', { timeout: 180_000 }),
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
      await expect(page.getByTestId('model')).toBeVisible({ timeout: 120_000 });
      await page.getByTestId('model-load').click();
      await expect(page.getByTestId('loaded')).toBeVisible({ timeout: 120_000 });
      await page.getByTestId('prompt').fill('2+3=');
      await page.getByText('How it draws').click();
      await page.getByTestId('ask-tokens').fill('4');
      await page.getByTestId('ask-go').click();
      await expect(page.getByTestId('answer')).toHaveAttribute('data-state', 'done', { timeout: 120_000 });
      await expect(page.getByTestId('answer-hash')).toHaveAttribute('data-value', /^0x[0-9a-f]{64}$/);
    });
    for (const { errors } of members) expectNoErrors(errors);
  });
});
