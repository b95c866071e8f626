import type { RolloutSet } from '../../protocol/trainer.ts';
import { decodeRollouts } from '../../swarm/messages/rollouts.ts';

/** The first place where published rollouts are not the resampled ones. */
export type RolloutDifference =
  | {
      readonly kind: 'token' | 'log-probability' | 'text';
      readonly item: number;
      readonly sample: number;
      /** Index of the token; 0 for a text. */
      readonly token: number;
      readonly published: string;
      readonly recomputed: string;
    }
  | { readonly kind: 'item'; readonly item: number }
  | { readonly kind: 'author'; readonly published: string; readonly recomputed: string }
  | { readonly kind: 'model root'; readonly published: string; readonly recomputed: string }
  | { readonly kind: 'unreadable'; readonly cause: string };

/** Compares published bytes with a resampled set; undefined when they agree. */
export function compareRollouts(
  published: Uint8Array,
  recomputed: RolloutSet,
): RolloutDifference | undefined {
  let theirs: RolloutSet;
  try {
    theirs = decodeRollouts(published);
  } catch (error) {
    return { kind: 'unreadable', cause: error instanceof Error ? error.message : String(error) };
  }
  if (theirs.author !== recomputed.author)
    return { kind: 'author', published: theirs.author, recomputed: recomputed.author };
  if (theirs.modelRoot !== recomputed.modelRoot)
    return { kind: 'model root', published: theirs.modelRoot, recomputed: recomputed.modelRoot };
  for (const [index, ours] of recomputed.groups.entries()) {
    const group = theirs.groups[index];
    if (group?.item !== ours.item || group.completions.length !== ours.completions.length)
      return { kind: 'item', item: ours.item };
    for (const [sample, b] of ours.completions.entries()) {
      const a = group.completions[sample];
      if (a === undefined) return { kind: 'item', item: ours.item };
      const place = { item: ours.item, sample };
      for (let token = 0; token < Math.max(a.tokens.length, b.tokens.length); token++) {
        const values = [
          ['token', a.tokens[token], b.tokens[token]],
          ['log-probability', a.logprobs[token], b.logprobs[token]],
        ] as const;
        for (const [kind, x, y] of values) {
          if (x === undefined || y === undefined || !Object.is(x, y))
            return { kind, ...place, token, published: String(x), recomputed: String(y) };
        }
      }
      if (a.text !== b.text)
        return { kind: 'text', ...place, token: 0, published: a.text, recomputed: b.text };
    }
  }
  const extra = theirs.groups[recomputed.groups.length];
  return extra === undefined ? undefined : { kind: 'item', item: extra.item };
}
