import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkFileError } from '../../protocol/network-file.ts';
import { stageSeconds } from '../devnet/stages.ts';
import { deviceKeyFile, KeyFileError } from './key-file.ts';
import { readNetworkFile } from './network-file.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

describe('a key file', () => {
  it('is made once, kept, and for its owner only', async () => {
    const path = join(home, 'deep', 'device.key');
    const key = await deviceKeyFile(path);
    expect((await deviceKeyFile(path)).address).toBe(key.address);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it.each(['', 'hello', `0x${'0'.repeat(63)}`, `0x${'g'.repeat(64)}`])(
    'is not overwritten when it holds "%s"',
    async (content) => {
      const path = join(home, 'device.key');
      await writeFile(path, content);
      await expect(deviceKeyFile(path)).rejects.toThrow(KeyFileError);
    },
  );
});

describe('a network file', () => {
  it('says how to get one when there is none', async () => {
    await expect(readNetworkFile(join(home, 'devnet.json'))).rejects.toThrow(/npm start/);
    await writeFile(join(home, 'devnet.json'), '{');
    await expect(readNetworkFile(join(home, 'devnet.json'))).rejects.toThrow(NetworkFileError);
  });
});

describe('the stages of a local round', () => {
  it('are 8, 5 and 7 of 20 seconds, and add up for every length', () => {
    expect(stageSeconds(20)).toEqual({ answer: 8, critique: 5, vote: 7 });
    for (let round = 3; round <= 200; round++) {
      const { answer, critique, vote } = stageSeconds(round);
      expect(answer + critique + vote).toBe(round);
      expect(Math.min(answer, critique, vote)).toBeGreaterThanOrEqual(1);
    }
  });
});
