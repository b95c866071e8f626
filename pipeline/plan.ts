import type { Route } from './route.ts';

/** Which node holds which stage, and which way each microbatch of a wave goes. */
export interface Plan {
  /** Stage by stage, the nodes that hold it. Stage 0 has the origins. */
  readonly stages: readonly (readonly number[])[];
  readonly routes: readonly Route[];
}
