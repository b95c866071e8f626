import type { ChainError } from '../chain/errors.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import type { BlockSessionView, StepShares } from '../swarm/pipeline/block-session-view.ts';
import type { StateEvent } from '../swarm/pipeline/state-attestations.ts';
import type { RoundEvent } from '../swarm/rounds/events.ts';

/** What a volunteer tells whoever started it. */
export type VolunteerEvent =
  | { readonly kind: 'notice'; readonly text: string }
  /** Another network stands behind the chain's address, or no longer. The volunteer waits meanwhile. */
  | { readonly kind: 'replaced'; readonly error: ChainError | undefined }
  | {
      readonly kind: 'joined';
      readonly device: DeviceAddress;
      readonly engine: string;
      readonly cursor: number;
    }
  | { readonly kind: 'round'; readonly event: RoundEvent }
  /** A step of a model in blocks is done. */
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly root: Hex;
      readonly done: StepShares;
    }
  /** What became of an attestation of a model in blocks. */
  | { readonly kind: 'attestation'; readonly event: StateEvent }
  /** It is in a block of the chain. */
  | { readonly kind: 'on chain'; readonly round: number; readonly block: number }
  /** What a member of a model in blocks is doing has changed. */
  | { readonly kind: 'blocks'; readonly view: BlockSessionView }
  /** What computes the blocks has ended by itself, and with it this device's work. */
  | { readonly kind: 'crashed'; readonly error: Error };
