import { chunkedBaseOf } from '../../protocol/chunked-base.ts';
import { downloadsOf } from '../../protocol/swarm-refusals.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import type { FetchPlan } from './preflight.ts';

/** Bytes of the nano model's files. The build writes the number here (vite.config.ts). */
declare const __MODEL_BYTES__: number;

/** Bytes of the compressed page with the chunks that a click loads, rounded up. */
const CODE_BYTES = 500_000;
/** Bytes of memory for the page, its engines and libp2p, beside the model. */
const PROGRAM_BYTES = 200_000_000;
/** Bytes of memory for each byte of a model's files, between adapters and all weights. */
const MEMORY_OF_MODEL = 4;

/** What a click fetches for a swarm. Null stands for one that is not known yet, taken to train nano. */
export function fetchPlanOf(spec: SwarmSpec | null): FetchPlan {
  const modelBytes =
    spec === null ? __MODEL_BYTES__ : (builtinModelOf(spec.base.root)?.bytes ?? downloadsOf(spec).model);
  const fetches = spec !== null && chunkedBaseOf(spec) !== undefined ? 'parts' : 'all';
  return { modelBytes, fetches, codeBytes: CODE_BYTES, memoryBytes: memoryOf(spec, modelBytes) };
}

function memoryOf(spec: SwarmSpec | null, modelBytes: number): number | null {
  if (spec === null) return PROGRAM_BYTES;
  return spec.blocks === undefined ? PROGRAM_BYTES + MEMORY_OF_MODEL * modelBytes : null;
}
