import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkFileError } from '../../protocol/network-file.ts';
import { stageSeconds } from '../devnet/stages.ts';
import { readNetworkFile } from './network-file.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

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
