/** What a volunteer tells the page. Everything on the screen follows from these events, in order (`reduce`). */

import type { EngineKind } from '../../compute/engines/engine.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Stage } from '../../protocol/ledger.ts';
import type { Ballot, Correction, Judgement, RolloutSet } from '../../protocol/trainer.ts';
import type { Phase } from './phase.ts';
import type { Preflight } from './preflight.ts';

export interface PeerStatus {
  /** libp2p's name of the device. */
  readonly peerId: string;
  /** Device address, once it has said hello. */
  readonly device: DeviceAddress | null;
  /** WebRTC between the two devices; a connection that a relay still carries; or only through other devices' gossip. */
  readonly path: 'direct' | 'relayed' | 'gossip';
  /** Round trip of the last ping in milliseconds. */
  readonly latency: number | null;
}

export interface RelayStatus {
  readonly peerId: string;
  readonly connected: boolean;
  /** Why the last dial failed. */
  readonly cause: string | null;
}

/** One engine's result in the conformance suite. */
export interface EngineVerdict {
  readonly kind: EngineKind;
  readonly description: string;
  /** Known-answer checks whose bits were compared, and how many were the same. */
  readonly checks: number;
  readonly same: number;
  /** Measured speed in GFLOP/s, where measured. */
  readonly speed?: number;
  /** Why the engine could not run at all. */
  readonly unavailable?: string;
}

export interface RoundItem {
  readonly task: string;
  readonly prompt: string;
  readonly answer: string;
}

/** Sample answers to held-out items by one state of the model. */
export interface ModelSample {
  readonly prompt: string;
  readonly expected: string;
  readonly text: string;
}

export interface ModelReport {
  readonly round: number;
  readonly heldOutAccuracy: number;
  readonly samples: readonly ModelSample[];
}

/** What one finished round gave; kept in IndexedDB so that charts and counts outlive the tab. */
export interface RoundRecord {
  readonly round: number;
  /** Mean checker score of own answers, 0 to 1. */
  readonly reward: number;
  /** Share of sampled answers to held-out items that are exactly right, 0 to 1. */
  readonly heldOutAccuracy: number;
  readonly loss: number;
  readonly checkpointRoot: Hex;
  readonly computedAt: number;
  readonly sent: boolean;
  /** Devices that recorded this round's attestation after checking its signature. */
  readonly acceptedBy: number;
  readonly chain?: { readonly block: number; readonly gas: number; readonly transaction: Hex };
}

/** Rounds that reached each step. */
export interface Totals {
  readonly computed: number;
  readonly sent: number;
  readonly accepted: number;
  readonly onChain: number;
}

export type VolunteerEvent =
  | { readonly type: 'phase'; readonly phase: Phase }
  | { readonly type: 'preflight'; readonly preflight: Preflight }
  | {
      readonly type: 'network';
      readonly name: string;
      readonly chainId: number;
      readonly local: boolean;
      /** Address of a block explorer; null where there is none. */
      readonly explorer: string | null;
      readonly reachable: boolean;
    }
  | {
      readonly type: 'device';
      readonly address: DeviceAddress;
      readonly peerId: string;
      readonly backedUp: boolean;
    }
  /** Of the time, how much this device computes at most. */
  | { readonly type: 'share'; readonly share: number }
  | { readonly type: 'owner'; readonly owner: Hex | null }
  | {
      readonly type: 'engine';
      readonly chosen: EngineKind;
      readonly description: string;
      readonly reason: string;
      readonly verdicts: readonly EngineVerdict[];
      /** Which expected bits the verdicts speak of. */
      readonly suite: Hex;
    }
  | {
      readonly type: 'clock';
      readonly round: number;
      readonly stage: Stage;
      /** Unix milliseconds by this device's clock. */
      readonly stageStartedAt: number;
      readonly stageEndsAt: number;
    }
  | { readonly type: 'peers'; readonly peers: readonly PeerStatus[]; readonly relays: readonly RelayStatus[] }
  /** What the device is doing now and why, as one sentence from the round driver. */
  | { readonly type: 'doing'; readonly round: number | null; readonly sentence: string }
  | { readonly type: 'items'; readonly round: number; readonly items: readonly RoundItem[] }
  | {
      readonly type: 'answers';
      readonly round: number;
      readonly author: DeviceAddress;
      readonly own: boolean;
      readonly set: RolloutSet;
    }
  | {
      readonly type: 'critiques';
      readonly round: number;
      readonly critic: DeviceAddress;
      readonly own: boolean;
      readonly judgements: readonly Judgement[];
    }
  | {
      readonly type: 'votes';
      readonly round: number;
      readonly voter: DeviceAddress;
      readonly own: boolean;
      readonly ballots: readonly Ballot[];
      readonly corrections: readonly Correction[];
    }
  | { readonly type: 'computed'; readonly record: RoundRecord }
  | { readonly type: 'sent'; readonly round: number }
  | { readonly type: 'accepted'; readonly round: number; readonly by: number }
  | {
      readonly type: 'on-chain';
      readonly round: number;
      readonly block: number;
      readonly gas: number;
      readonly transaction: Hex;
    }
  | { readonly type: 'history'; readonly records: readonly RoundRecord[]; readonly totals: Totals }
  | { readonly type: 'model'; readonly when: 'start' | 'now'; readonly report: ModelReport }
  /** A message, file or signature that was turned away, or a failure that was survived. */
  | { readonly type: 'refused'; readonly reason: string; readonly count: number }
  | { readonly type: 'notice'; readonly text: string | null };
