import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A process of its own, because the simulation takes over its timers. */
it('a swarm with kills and 30 % hostile members loses no finished round and cuts every cheat off', async () => {
  const argv = ['--import', 'tsx', 'e2e/chaos.ts', '--simulated', '--minutes', '2', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root });
  const lines = stdout.trim().split('\n');
  const last = JSON.parse(lines.at(-1) ?? '') as Record<string, number>;
  expect(last).toMatchObject({ members: 12, hostile: 4, roundsLost: 0 });
  expect(last.roundsFinished).toBeGreaterThan(20);
  const kinds = lines
    .slice(0, 6)
    .map((line) => JSON.parse(line) as { kind: string; tried: number; cut: number });
  expect(kinds.map(({ kind }) => kind)).toEqual(['garbage', 'replay', 'flood', 'copy', 'equivocate', 'lie']);
  for (const { kind, tried, cut } of kinds) expect([kind, tried > 0, cut]).toEqual([kind, true, tried]);
});
