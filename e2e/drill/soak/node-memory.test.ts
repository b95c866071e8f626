import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureProcesses, probedEnvironment } from './node-memory.ts';

const MIB = 2 ** 20;
/** Holds 64 MiB until it reads a line, and garbage of the same size from the beginning. */
const PROGRAM = `
  let held = Buffer.alloc(64 * 2 ** 20, 1);
  Buffer.alloc(64 * 2 ** 20, 1);
  process.stdin.once('data', () => { held = undefined; console.log('released'); });
  setInterval(() => held?.length, 1000);
  console.log('ready');
`;

describe('measureProcesses', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling memory '));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('counts what a process holds and not its garbage, and leaves out one that has ended', async () => {
    const child = spawn(process.execPath, ['-e', PROGRAM], {
      env: { ...process.env, ...probedEnvironment(folder) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const line = (): Promise<unknown> => new Promise((resolve) => child.stdout.once('data', resolve));
    try {
      await line();
      const [holding] = await measureProcesses(folder);
      const released = line();
      child.stdin.write('\n');
      await released;
      const [after] = await measureProcesses(folder);
      expect(holding?.heapBytes).toBeGreaterThan(64 * MIB);
      expect(holding?.heapBytes).toBeLessThan(100 * MIB);
      expect(after?.heapBytes).toBeLessThan(40 * MIB);
      expect(after?.residentBytes).toBeGreaterThan(0);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    expect(await measureProcesses(folder)).toEqual([]);
  });
});
