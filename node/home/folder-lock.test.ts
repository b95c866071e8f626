import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import { parseNetwork } from '../../protocol/network-file.ts';
import { startVolunteer } from '../volunteer.ts';
import { FolderInUseError, lockFolder } from './folder-lock.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-lock-'));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

/** A lock as another process makes it. */
const lockOf = (pid: number) => writeFile(join(home, 'in-use'), `${pid}\n`);

describe('a folder’s lock', () => {
  it('keeps a second holder out until it is released', async () => {
    const release = await lockFolder(home);
    await expect(lockFolder(join(home, '.'))).rejects.toThrow(FolderInUseError);
    await release();
    await release();
    expect(existsSync(join(home, 'in-use'))).toBe(false);
    await (await lockFolder(home))();
  });

  it('names the living process that holds the folder, and what helps', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    try {
      await lockOf(child.pid ?? 0);
      await expect(lockFolder(home)).rejects.toThrow(`in use by process ${child.pid}. Stop that one`);
      await expect(lockFolder(home)).rejects.toThrow('with --home');
    } finally {
      child.kill();
    }
  });

  it('is taken over from a process that was killed', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await lockOf(pid);
    await (await lockFolder(home))();
  });

  it.each(['', 'no number', '-1', '0'])('is taken over when the file says %j', async (text) => {
    await writeFile(join(home, 'in-use'), text);
    await (await lockFolder(home))();
  });

  it('lets one of two have it that come at once', async () => {
    const results = await Promise.allSettled([lockFolder(home), lockFolder(home)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('stops a volunteer before it reads or makes a key', async () => {
    const release = await lockFolder(home);
    const address: Hex = `0x${'11'.repeat(20)}`;
    const network = parseNetwork({
      rpc: 'http://127.0.0.1:1',
      chainId: 31_337,
      contracts: { identity: address, swarms: address, participation: address },
      relays: [],
    });
    await expect(startVolunteer({ network, home })).rejects.toThrow(FolderInUseError);
    expect(existsSync(join(home, 'device.key'))).toBe(false);
    await release();
  });

  it('makes the folder when there is none', async () => {
    await (await lockFolder(join(home, 'new', 'one')))();
    expect(existsSync(join(home, 'new', 'one'))).toBe(true);
  });
});
