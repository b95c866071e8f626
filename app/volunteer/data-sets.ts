import { toHex } from '../../protocol/hex.ts';
import { readBytes } from '../../protocol/response-body.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry, SourceFile } from '../../protocol/swarm-spec.ts';
import type { KeptFiles } from './kept-files.ts';

export interface GatherDataSetsOptions {
  readonly dataSets: readonly DataSetEntry[];
  readonly files: Pick<KeptFiles, 'get' | 'put'>;
  /** Asks members for a file. Rejects while nobody has it. */
  readonly fromMembers: (file: SourceFile) => Promise<Uint8Array>;
  readonly fetcher: typeof fetch;
  /** Called with a sentence while nobody gives a file. */
  readonly onWaiting: (sentence: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Time between two rounds of asking, in ms. */
const ASK_AGAIN_MS = 2_000;
/** How long one address may take to give a file, in ms. */
const ADDRESS_MS = 10 * 60_000;

/**
 * The file of each data set by its id: from this device, from one of its addresses, or from members, which it
 * asks until somebody has it. Rejects with the signal's reason once that fires.
 */
export async function gatherDataSets(
  options: GatherDataSetsOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { dataSets, files, signal } = options;
  const gathered = new Map<string, Uint8Array>();
  for (const { id, file } of dataSets) {
    let bytes = checked(file, await files.get(file.sha256));
    while (bytes === undefined) {
      signal.throwIfAborted();
      bytes = await tryFetching(file, options);
      if (bytes === undefined) {
        options.onWaiting(
          `No member who is here now has the questions “${id}”. This device asks again every few seconds.`,
        );
        await options.sleep(ASK_AGAIN_MS);
      }
    }
    // A full disk costs the next visit a fetch, and nothing else.
    await files.put(file.sha256, bytes).catch(() => undefined);
    gathered.set(id, bytes);
  }
  return gathered;
}

async function tryFetching(
  file: SourceFile,
  { fetcher, fromMembers, signal }: GatherDataSetsOptions,
): Promise<Uint8Array | undefined> {
  for (const url of file.urls) {
    const found = await attempt(async () => {
      const ends = AbortSignal.any([signal, AbortSignal.timeout(ADDRESS_MS)]);
      const response = await fetcher(url, { signal: ends });
      return response.ok ? await readBytes(response, { maxBytes: file.size, signal: ends }) : undefined;
    }, signal);
    const right = checked(file, found);
    if (right !== undefined) return right;
  }
  return checked(file, await attempt(() => fromMembers(file), signal));
}

async function attempt(
  work: () => Promise<Uint8Array | undefined>,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await work();
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** The bytes, if they are the named file. */
function checked({ size, sha256 }: SourceFile, bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes?.length === size && toHex(sha256Of(bytes)) === sha256 ? bytes : undefined;
}
