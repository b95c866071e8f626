import type { ConfirmedVersion } from './needed-versions.ts';

/**
 * How a version comes back that a device should keep and does not have. Each way is taken only where no
 * earlier one is open.
 *
 * - `exact`: a device that is there holds it.
 * - `replay`: nobody holds it, but every block has a holder of one earlier step. The steps since are computed
 *   again, with the same bits.
 * - `lost`: no such step is left. Only CheckFree (arXiv 2506.15461) gives the block a state again, from its
 *   neighbours, as a recorded step of the run. The bits that were there are gone.
 */
export type Repair =
  | { readonly kind: 'exact'; readonly version: ConfirmedVersion }
  | { readonly kind: 'replay'; readonly version: ConfirmedVersion; readonly fromStep: number }
  | { readonly kind: 'lost'; readonly version: ConfirmedVersion; readonly remedy: string };

/**
 * How each needed version can be had. `isHeld` says whether a device that is there, or this one, holds a
 * version. A replay needs all blocks of the same step, because every block of a step follows from all blocks
 * of the step before it.
 */
export function repairsOf(options: {
  readonly blocks: readonly string[];
  readonly confirmed: readonly ConfirmedVersion[];
  readonly needed: readonly ConfirmedVersion[];
  readonly isHeld: (version: ConfirmedVersion) => boolean;
}): readonly Repair[] {
  const { blocks, confirmed, needed, isHeld } = options;
  const steps = [...new Set(confirmed.map(({ step }) => step))].sort((a, b) => b - a);
  const whole = steps.filter((step) =>
    blocks.every((block) =>
      confirmed.some((each) => each.block === block && each.step === step && isHeld(each)),
    ),
  );
  return needed.map((version): Repair => {
    if (isHeld(version)) return { kind: 'exact', version };
    const fromStep = whole.find((step) => step < version.step);
    if (fromStep !== undefined) return { kind: 'replay', version, fromStep };
    return { kind: 'lost', version, remedy: lostInWords(blocks, version) };
  });
}

function lostInWords(blocks: readonly string[], { block, step }: ConfirmedVersion): string {
  const at = blocks.indexOf(block);
  const neighbours = [blocks[at - 1], blocks[at + 1]].filter((each) => each !== undefined);
  return (
    `Nobody holds block ${block} after step ${step}, nor all blocks of an earlier step. ` +
    `Repair it by CheckFree from ${neighbours.join(' and ') || 'the model that the run started from'}, ` +
    'or wait for a device that had it.'
  );
}
