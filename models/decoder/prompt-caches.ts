/** Fills the key/value caches of the rows that decode with their prompts. */
import { must } from '../../protocol/must.ts';
import type { DecoderConfig } from './config.ts';
import { prefillProgram, spreadProgram } from './decoder.ts';
import type { CacheName, WeightPlan } from './forward.ts';
import { type BatchSizes, prefillLengths, prefixSizes } from './generate-sizes.ts';
import type { TensorStore } from './tensor-store.ts';

export interface FillOptions {
  readonly config: DecoderConfig;
  readonly store: TensorStore;
  readonly prompts: readonly (readonly number[])[];
  readonly sizes: BatchSizes;
  readonly plan: WeightPlan | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs all tokens of the prompts but their last ones. Equal prompts run once, and the rows that continue them
 * get copies. Returns false, having done nothing, for prompts so short that decoding runs them as fast.
 */
export async function fillCaches(options: FillOptions): Promise<boolean> {
  const { prompts, sizes } = options;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  if (prefillLengths(longest, sizes.cacheLength).length === 0) return false;
  const distinct = distinctPrompts(prompts);
  if (distinct.prompts.length === prompts.length) {
    await prefill(options, { ...sizes, cache: 'cache', prompts });
    return true;
  }
  const prefix = prefixSizes(distinct.prompts.length, longest, sizes.cacheLength);
  await prefill(options, { ...prefix, cache: 'prefix', prompts: distinct.prompts });
  await spread(options, prefix, distinct.ofRow);
  return true;
}

/** The different prompts in order of appearance, and which of them each row continues. */
export function distinctPrompts(prompts: readonly (readonly number[])[]): {
  readonly prompts: readonly (readonly number[])[];
  readonly ofRow: readonly number[];
} {
  const known = new Map<string, number>();
  const distinct: (readonly number[])[] = [];
  const ofRow = prompts.map((prompt) => {
    const key = prompt.join();
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, distinct.length);
    distinct.push(prompt);
    return distinct.length - 1;
  });
  return { prompts: distinct, ofRow };
}

/**
 * Fills caches piece by piece. The row of a shorter prompt continues with padding. No query attends to the
 * padding's keys: a query attends to no position after its own, and decoding overwrites them one by one
 * before that.
 */
async function prefill(
  { config, store, plan, signal }: FillOptions,
  o: BatchSizes & { readonly cache: CacheName; readonly prompts: readonly (readonly number[])[] },
): Promise<void> {
  const { batch, cacheLength, cache, prompts } = o;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const padding = must(must(prompts, 0), 0);
  for (const { start, length } of prefillLengths(longest, cacheLength)) {
    const program = store.program(`prefill ${cache} ${batch} ${length} ${cacheLength}`, () =>
      prefillProgram(config, { batch, length, cacheLength, cache, plan }),
    );
    const at = (index: number) => start + (index % length);
    const indices = Array.from({ length: batch * length }, (_, index) => index);
    program.write(
      'tokens',
      Uint32Array.from(indices, (i) => prompts[Math.floor(i / length)]?.[at(i)] ?? padding),
    );
    program.write('positions', Uint32Array.from(indices, at));
    if (length > 1) program.write('starts', new Uint32Array(batch).fill(start));
    await program.run({ signal });
  }
}

/**
 * Copies each row's prompt from the prefix caches. What lies after the prompt is overwritten before it is
 * read.
 */
async function spread(
  { config, store, sizes, signal }: FillOptions,
  prefix: BatchSizes,
  ofRow: readonly number[],
): Promise<void> {
  const { batch, cacheLength } = sizes;
  const shape = { prompts: prefix.batch, prefixLength: prefix.cacheLength, batch, cacheLength };
  const program = store.program(`spread ${Object.values(shape).join(' ')}`, () =>
    spreadProgram(config, shape),
  );
  const sources = Uint32Array.from({ length: batch * cacheLength }, (_, index) => {
    const row = Math.floor(index / cacheLength);
    // Rows that only fill the batch continue the first prompt, and nobody reads them.
    const prompt = row < ofRow.length ? must(ofRow, row) : 0;
    return prompt * prefix.cacheLength + Math.min(index % cacheLength, prefix.cacheLength - 1);
  });
  program.write('sources', sources);
  await program.run({ signal });
}
