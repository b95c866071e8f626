import { type TransferListItem, Worker } from 'node:worker_threads';

/** The thread starts with the loader of TypeScript, which threads do not inherit. */
const PROGRAM = `
  const { workerData } = require('node:worker_threads');
  import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.program); });
`;

/**
 * Starts a thread that runs a program of the house. Its `workerData` has the given fields, and the program's
 * address.
 *
 * @param program The program's file, as `new URL('./name.worker.ts', import.meta.url)`.
 * @param transferList What of the data moves to the thread, as ports do.
 */
export function startThread(
  program: URL,
  data: Readonly<Record<string, unknown>> = {},
  transferList: TransferListItem[] = [],
): Worker {
  return new Worker(PROGRAM, { eval: true, workerData: { ...data, program: program.href }, transferList });
}
