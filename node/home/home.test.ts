import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stageSeconds } from '../devnet/stages.ts';
import { deviceKeyFile, KeyFileError } from './key-file.ts';
import { NetworkFileError, parseNetworkFile, readNetworkFile } from './network-file.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

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
  const good = {
    page: 'http://localhost:5173/',
    rpc: 'http://127.0.0.1:8545',
    chainId: 31337,
    contracts: { identity: `0x${'1'.repeat(40)}`, participation: `0x${'A'.repeat(40)}` },
    relays: ['/ip4/127.0.0.1/tcp/1/ws/p2p/16Uiu2'],
  };

  it('is read with its addresses in lower case', () => {
    expect(parseNetworkFile({ ...good, more: 1 }).contracts.participation).toBe(`0x${'a'.repeat(40)}`);
  });

  it('has the contracts of paid training or none of them', () => {
    const address = `0x${'B'.repeat(40)}`;
    const rollup = {
      judge: address,
      disputes: address,
      payments: address,
      ownership: address,
      jobs: address,
      crowdfund: address,
      trainingRecord: address,
      descriptions: address,
    };
    expect(parseNetworkFile(good).rollup).toBeUndefined();
    expect(parseNetworkFile({ ...good, rollup }).rollup?.jobs).toBe(`0x${'b'.repeat(40)}`);
    const { jobs: _, ...without } = rollup;
    expect(() => parseNetworkFile({ ...good, rollup: without })).toThrow('no usable rollup.jobs');
  });

  it.each([
    [{ ...good, rpc: 'file:///etc/passwd' }, 'rpc'],
    [{ ...good, chainId: '31337' }, 'chainId'],
    [{ ...good, contracts: { identity: '0x1' } }, 'contracts.identity'],
    [{ ...good, relays: ['localhost'] }, 'relays'],
    [{ ...good, relays: Array(17).fill('/ip4/127.0.0.1') }, 'relays'],
    [null, 'content'],
  ])('names what is wrong: case %#', (file, field) => {
    expect(() => parseNetworkFile(file)).toThrow(`no usable ${field}`);
  });

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
