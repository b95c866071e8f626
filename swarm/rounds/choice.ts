import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { RoundContext } from '../../protocol/trainer.ts';

const encoder = new TextEncoder();

/**
 * Picks `count` of the candidates by a draw that follows from the round's seed and the choosing device, so that anyone
 * can repeat it and no author can bring it about. Ordered by sha2-256(purpose, seed, device, author).
 */
export function choose<T extends { readonly author: string }>(
  candidates: readonly T[],
  count: number,
  purpose: string,
  context: RoundContext,
): readonly T[] {
  const draw = (author: string): string =>
    toHex(
      sha256Of(
        encoder.encode(`starling/choose/1\n${purpose}\n`),
        fromHex(context.seed),
        fromHex(context.device),
        fromHex(author),
      ),
    );
  return candidates
    .map((candidate) => ({ candidate, rank: draw(candidate.author) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
