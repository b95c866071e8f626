import { MOST_WHOLE_BYTES } from './file-manifest.ts';
import type { Hex } from './hex.ts';
import type { BaseModel, SwarmSpec } from './swarm-spec.ts';

/** A base of which a member may read parts, since the specification says what its weights' root is. */
export type ChunkedBase = Extract<BaseModel, { kind: 'files' }> & { readonly frozenRoot: Hex };

/**
 * The base of a swarm in which a member reads only what its blocks need of the model ([S-15] of
 * docs/swarms.md). Undefined for a swarm whose members read all of it.
 */
export function chunkedBaseOf({
  base,
  blocks,
  trained,
}: Pick<SwarmSpec, 'base' | 'blocks' | 'trained'>): ChunkedBase | undefined {
  if (blocks === undefined || trained.kind !== 'adapters' || base.kind !== 'files') return undefined;
  const { files, frozenRoot } = base;
  const travel = files.every(({ size, manifest }) => size <= MOST_WHOLE_BYTES || manifest !== undefined);
  return frozenRoot !== undefined && travel ? { ...base, frozenRoot } : undefined;
}
