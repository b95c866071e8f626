/**
 * Where specifications of runs and the checkpoints they start from are to be had. None is trusted: what comes
 * is checked against hashes.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicClient } from 'viem';
import { DescribedRuns } from '../../chain/jobs/described-runs.ts';
import type { Hex } from '../../protocol/hex.ts';
import { ResponseTooLongError, readBytes } from '../../protocol/response-body.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';

export interface RunSource {
  /** Encoded specifications that are said to have these terms, or some of them. */
  specs(terms: Hex, options: SpecsOptions): Promise<readonly Uint8Array[]>;
  /** The checkpoint said to have this root, as safetensors. */
  checkpoint(root: Hex, signal?: AbortSignal): Promise<Uint8Array | undefined>;
}

export interface SpecsOptions {
  /** Whether the reader still has to see the specification with this sha2-256 digest. */
  readonly wants: (digest: Hex) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of a specification, and of a checkpoint: that of the nano model with its optimizer has 1.3 MB. */
const SPEC_LIMIT = 16_384;
const CHECKPOINT_LIMIT = 64 * 1024 * 1024;

/** What was asked for is there and cannot be used. */
export class RunSourceError extends Error {
  override readonly name = 'RunSourceError';
}

/** A folder, or an http(s) address, that holds `<terms hash>.json` (or .cbor) and `<root>.safetensors`. */
export function runsAt(where: string, fetcher: typeof fetch = fetch): RunSource {
  const get = /^https?:/.test(where)
    ? (name: string, limit: number, signal?: AbortSignal) => download(fetcher, where, name, limit, signal)
    : (name: string, limit: number) => readUpTo(join(where, name), limit);
  return {
    async specs(terms, { signal }) {
      const found = [
        await get(`${terms}.json`, SPEC_LIMIT, signal),
        await get(`${terms}.cbor`, SPEC_LIMIT, signal),
      ];
      return found.filter((each) => each !== undefined);
    },
    checkpoint: (root, signal) => get(`${root}.safetensors`, CHECKPOINT_LIMIT, signal),
  };
}

export interface ChainRunsOptions {
  readonly client: PublicClient;
  readonly contracts: Pick<RollupContracts, 'descriptions' | 'jobs'>;
}

/** The chain's own log of descriptions. It has no checkpoints. */
export function runsOnChain({ client, contracts }: ChainRunsOptions): RunSource {
  const described = new DescribedRuns({ client, contracts });
  return {
    specs: async (run, { wants }) => (await described.find(run, wants)).map(({ bytes }) => bytes),
    checkpoint: () => Promise.resolve(undefined),
  };
}

async function readUpTo(path: string, limit: number): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new RunSourceError(`${path} cannot be read. Check its permissions.`, { cause: error });
  });
  if (file === undefined) return undefined;
  try {
    if ((await file.stat()).size > limit) {
      throw new RunSourceError(`${path} has more than ${limit} bytes. It is not what its name says.`);
    }
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}

async function download(
  fetcher: typeof fetch,
  base: string,
  name: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const url = new URL(name, base.endsWith('/') ? base : `${base}/`).href;
  const timeout = AbortSignal.timeout(60_000);
  const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  const response = await fetcher(url, { signal: ends }).catch((error: unknown) => {
    throw new RunSourceError(`${url} cannot be reached. Check --runs, or try again later.`, { cause: error });
  });
  if (response.status === 404) return undefined;
  if (!response.ok) {
    throw new RunSourceError(`${url} answers ${response.status}. Check --runs, or try again later.`);
  }
  return readBytes(response, { maxBytes: limit, signal: ends }).catch((error: unknown) => {
    signal?.throwIfAborted();
    const what = error instanceof ResponseTooLongError ? `has more than ${limit} bytes` : 'broke off';
    throw new RunSourceError(`${url} ${what}. Check --runs, or try again later.`, { cause: error });
  });
}
