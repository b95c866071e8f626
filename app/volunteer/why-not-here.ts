import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';

const FROM_NODE = 'Take part from Node: npm run volunteer -- --swarm.';

/** Why a tab cannot train in a swarm, in a sentence; null where it can. Nothing is fetched. */
export function whyNotHere({ base, trained }: Pick<SwarmSpec, 'base' | 'trained'>): string | null {
  if (builtinModelOf(base.root) === undefined) {
    return base.kind === 'builtin'
      ? `This page has no model ${base.name} of this swarm. Reload the page for its newest version.`
      : `A tab trains only models that come with the page so far, not ${base.name}. ${FROM_NODE}`;
  }
  return trained.kind === 'full' ? null : `A tab trains only all weights of a model so far. ${FROM_NODE}`;
}
