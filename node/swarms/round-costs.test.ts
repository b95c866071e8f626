import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { folderSource } from '../../models/loading/folder-source.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { predictRound, RoundCosts, readCosts } from './round-costs.ts';

const RUN = `31337:0x${'5c'.repeat(20)}:0`;
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-costs-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it('predicts a round by the model’s shape and the measured speed', async () => {
  const model = folderSource(DEFAULT_MODEL);
  const predict = (speed: number | null) => predictRound({ spec: smallSpec, model, speed });
  expect((await predict(null)).seconds).toBeNull();
  const [slow, fast] = [await predict(0.5), await predict(1)];
  expect(slow.seconds).toBeCloseTo(2 * (fast.seconds ?? 0), 6);
  expect(slow.memory).toBeGreaterThan(100e6);
});

it('keeps what rounds took, and begins anew after a file that is no record', async () => {
  const costs = new RoundCosts({ home, run: RUN, predicted: { seconds: 6, memory: 2e8 } });
  expect(await readCosts(home, RUN)).toBeNull();
  await Promise.all([1, 2, 3].map((round) => costs.add(round, 5 + round, null)));
  expect((await readCosts(home, RUN))?.rounds.map(({ seconds }) => seconds)).toEqual([6, 7, 8]);
  expect(await readCosts(home, `${RUN}1`)).toBeNull();
  await writeFile(join(home, 'costs', `31337-0x${'5c'.repeat(20)}-0.json`), 'nothing');
  await costs.add(4, 1, 2);
  expect((await readCosts(home, RUN))?.rounds).toEqual([{ round: 4, seconds: 1, memory: 2 }]);
});
