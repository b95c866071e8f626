/**
 * Loaded before each Node program of a soak (`node --import`). On SIGUSR2 the process collects its garbage
 * and writes what is left into a file of its own in the folder that STARLING_MEMORY_FOLDER names.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const folder = process.env.STARLING_MEMORY_FOLDER;

if (isMainThread && folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  let count = 0;

  const write = () => {
    const { heapUsed, external, rss } = process.memoryUsage();
    const file = join(folder, `${process.pid}.json`);
    const text = JSON.stringify({ pid: process.pid, argv: process.argv, count, heapUsed, external, rss });
    writeFileSync(`${file}.part`, text);
    renameSync(`${file}.part`, file);
  };

  write();
  process.on('SIGUSR2', () => {
    collect();
    // What finalizers let go of is garbage after the next turn.
    setImmediate(() => {
      collect();
      count++;
      write();
    });
  });
}
