import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { MemberMemory } from './member-memory.ts';

const PROBE = new URL('memory-probe.mjs', import.meta.url);
/** Longest time for a busy process to answer, in ms. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 100;

/** What the probe writes of its process, sizes in bytes. */
interface Probed {
  readonly pid: number;
  readonly argv: readonly string[];
  /** How often it was asked. */
  readonly count: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

/** Environment of Node programs whose memory `measureProcesses` measures. `folder` exists, for them alone. */
export function probedEnvironment(folder: string): Readonly<Record<string, string>> {
  const options = [process.env.NODE_OPTIONS, `--import=${PROBE.href}`].filter(Boolean).join(' ');
  return { NODE_OPTIONS: options, STARLING_MEMORY_FOLDER: folder };
}

/**
 * Has every probed process collect its garbage, and resolves with what is left in each. Rejects with
 * MemoryProbeError when one does not answer within a minute. Processes that have ended are left out.
 */
export async function measureProcesses(folder: string): Promise<readonly MemberMemory[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const before = await Promise.all(files.map((name) => readProbed(join(folder, name))));
  const measured: MemberMemory[] = [];
  // One after the other, so that collections do not take the processors from a round all at once.
  for (const each of before) {
    const after = await askProcess(folder, each);
    if (after === undefined) continue;
    const { argv, heapUsed, external, rss } = after;
    measured.push({ name: roleOf(argv), heapBytes: heapUsed + external, residentBytes: rss });
  }
  return measured;
}

/** A process did not say what memory it has. The message says what to do. */
export class MemoryProbeError extends Error {
  override readonly name = 'MemoryProbeError';
}

async function readProbed(file: string): Promise<Probed> {
  return JSON.parse(await readFile(file, 'utf8')) as Probed;
}

async function askProcess(folder: string, { pid, count }: Probed): Promise<Probed | undefined> {
  if (!signalled(pid, 'SIGUSR2')) return undefined;
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const probed = await readProbed(join(folder, `${pid}.json`));
    if (probed.count > count) return probed;
    if (!signalled(pid, 0)) return undefined;
  }
  throw new MemoryProbeError(
    `Process ${pid} did not say within ${PATIENCE_MS / 1000} s what memory it has. Run the soak with fewer members.`,
  );
}

/** Whether the process was there to be told. */
function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A process by what it does, for people: the program's name, and which volunteer it is. */
function roleOf(argv: readonly string[]): string {
  const program = basename(argv[1] ?? 'node').replace(/\.m?[jt]s$/, '');
  const home = argv[argv.indexOf('--home') + 1];
  if (program === 'run-volunteer' && home !== undefined) return `volunteer ${basename(home)}`;
  if (program === 'devnet') return 'archive, submitter and page server';
  if (program === 'relay-process') return 'relay';
  return program;
}
