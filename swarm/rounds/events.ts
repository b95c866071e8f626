import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Stage } from '../../protocol/ledger.ts';
import type { Ballot, Correction, Judgement, RolloutSet } from '../../protocol/trainer.ts';
import type { AttestBody } from '../messages/bodies.ts';
import type { Message } from '../messages/envelope.ts';

export type DriverState = 'stopped' | 'waiting' | 'working' | 'pausing' | 'paused' | 'finishing' | 'stopping';

/** An event of the round driver, for the page and for logs. */
export type RoundEvent =
  /** One sentence for a person: what the device does now and why. */
  | {
      readonly kind: 'status';
      readonly state: DriverState;
      readonly sentence: string;
      readonly round: number | null;
    }
  | { readonly kind: 'stage'; readonly round: number; readonly stage: Stage; readonly untilStageEnd: number }
  | {
      readonly kind: 'prompts';
      readonly round: number;
      readonly prompts: readonly {
        readonly task: string;
        readonly prompt: string;
        readonly answer: string;
      }[];
    }
  /** Own answers, or those of a peer that this device has selected. */
  | {
      readonly kind: 'answers';
      readonly round: number;
      readonly author: DeviceAddress;
      readonly own: boolean;
      readonly cid: string;
      readonly set: RolloutSet;
    }
  | {
      readonly kind: 'critiques';
      readonly round: number;
      readonly critic: DeviceAddress;
      readonly own: boolean;
      readonly judgements: readonly Judgement[];
    }
  | {
      readonly kind: 'votes';
      readonly round: number;
      readonly voter: DeviceAddress;
      readonly own: boolean;
      readonly winners: readonly DeviceAddress[];
      readonly ballots: readonly Ballot[];
      readonly corrections: readonly Correction[];
    }
  | {
      readonly kind: 'trained';
      readonly round: number;
      readonly previousRoot: Hex;
      readonly checkpointRoot: Hex;
      readonly foreign: number;
      readonly optimizerSteps: number;
      readonly meanReward: number;
      readonly heldOutAccuracy: number;
      readonly loss: number;
      /** Milliseconds in which the device answered, judged, voted and trained. Absent if not timed. */
      readonly computeMs?: number;
    }
  /** The own attestation was handed to the network. */
  | { readonly kind: 'sent'; readonly round: number; readonly checkpointRoot: Hex; readonly body: AttestBody }
  /** One more has acknowledged the own attestation. `peers` and `strangers` have by now. */
  | {
      readonly kind: 'accepted';
      readonly round: number;
      readonly checkpointRoot: Hex;
      /** Owners and devices with a record. All devices of one owner count once. */
      readonly peers: number;
      /** Devices that the chain does not know. */
      readonly strangers: number;
    }
  /** Another device's attestation was accepted. */
  | { readonly kind: 'attested'; readonly message: Message<'attest'> }
  /** A round of this device ended without an attestation. */
  | { readonly kind: 'failed'; readonly round: number; readonly cause: string; readonly inARow: number };
