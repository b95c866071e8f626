import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportToFile } from '../../models/onnx/export-command.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { openTasks } from '../../training/tasks/task-source.ts';
import { DEFAULT_MODEL, modelInFolder } from './model-folder.ts';
import { openCritic } from './open-critic.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'critic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the exported model of the network is a critic, which repeats itself', async () => {
  const onnx = join(folder, 'critic.onnx');
  await exportToFile({ source: { model: DEFAULT_MODEL }, out: onnx, arithmetic: 'f32', json: false });
  const { critic, close } = await openCritic(onnx, modelInFolder(DEFAULT_MODEL));
  const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
  const questions = tasks.heldOutItems(3).map((item) => ({ item, shown: '12' }));
  const critiques = await critic.critique(questions);
  expect(critiques).toHaveLength(3);
  expect(await critic.critique(questions)).toEqual(critiques);
  await close();
});

test('a critic that cannot be read: a sentence', async () => {
  const missing = openCritic(join(folder, 'none.onnx'), modelInFolder(DEFAULT_MODEL));
  await expect(missing).rejects.toThrow(/none\.onnx cannot be read .*check --critic/);
});
