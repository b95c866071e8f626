/**
 * What a volunteer tells the page. Everything on the screen follows from these events, in order
 * (`reduceVolunteer`).
 */

import type { EngineVerdict } from '../../models/engine-choice/choose.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { PeerView } from '../../swarm/peers.ts';
import type { BlockSessionView } from '../../swarm/pipeline/block-session-view.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { ComputeClient } from '../../workers/compute-client.ts';
import type { EngineReport } from '../../workers/engine-report.ts';
import type { ShownKept } from './kept-checkpoints.ts';
import type { Phase } from './phase.ts';
import type { Preflight } from './preflight.ts';

export interface PeerStatus extends PeerView {
  /** Device address, null until the peer has said hello. */
  readonly device: DeviceAddress | null;
}

export interface RelayStatus {
  readonly peerId: string;
  readonly connected: boolean;
  /** Why the last dial failed. */
  readonly cause: string | null;
}

/** A model in blocks that this device trains with others. */
export interface ShownBlocks extends BlockSessionView {
  /** Predicted bytes of memory for a block's hops, by the block's id. */
  readonly memory: ReadonlyMap<string, number>;
  /** Steps done when this device saw the last one end, with the root of the checkpoint after them. */
  readonly last: { readonly step: number; readonly root: Hex } | null;
}

/** Why an answer has its reward, as the worker says it. */
type AnswerExplanation = Awaited<ReturnType<ComputeClient['explain']>>[number];

/** How one state of the model does, with sample answers to held-out items. Kept in IndexedDB. */
export interface ModelReport {
  readonly round: number;
  readonly heldOutAccuracy: number;
  readonly samples: Awaited<ReturnType<ComputeClient['sampleAnswers']>>;
}

/** What one finished round gave. Kept in IndexedDB, so that charts and counts outlive the tab. */
export interface RoundRecord {
  readonly round: number;
  /** Mean checker score of this device's answers, 0 to 1. */
  readonly reward: number;
  /** Share of sampled answers to held-out items that are exactly right, 0 to 1. */
  readonly heldOutAccuracy: number;
  readonly loss: number;
  readonly checkpointRoot: Hex;
  /** Unix milliseconds. */
  readonly computedAt: number;
  readonly sent: boolean;
  /** Devices that recorded this round's attestation after checking its signature. */
  readonly acceptedBy: number;
  readonly chain?: Inclusion;
}

/** Where an attestation stands on the chain. */
export interface Inclusion {
  readonly block: number;
  readonly gas: number;
  readonly transaction: Hex;
}

/** A round for which this device attested what a model in blocks was. */
export interface AttestedRound {
  readonly round: number;
  /** Optimizer steps done. */
  readonly step: number;
  /** Of the whole model's checkpoint after that step. */
  readonly root: Hex;
  /** Devices that acknowledged it. */
  readonly acceptedBy: number;
  readonly chain?: Inclusion;
}

/** How many rounds have reached each step. Kept in IndexedDB. */
export interface Totals {
  readonly computed: number;
  readonly sent: number;
  readonly accepted: number;
  readonly onChain: number;
}

/** The parts of a swarm's event that the page shows. The whole event is assignable to it. */
type Shown<Kind extends RoundEvent['kind'], Fields extends keyof Extract<RoundEvent, { kind: Kind }>> = Pick<
  Extract<RoundEvent, { readonly kind: Kind }>,
  'kind' | Fields
>;

/**
 * An event of the round driver as the page gets it: with times by this device's clock, in Unix milliseconds.
 */
export type ShownRoundEvent =
  | Shown<'status', 'round' | 'sentence'>
  | (Shown<'stage', 'round' | 'stage'> & {
      readonly stageStartedAt: number;
      readonly stageEndsAt: number;
    })
  | Shown<'prompts', 'round' | 'prompts'>
  | Shown<'answers', 'round' | 'author' | 'own' | 'set'>
  /** Why each of an author's answers has its reward. */
  | {
      readonly kind: 'explained';
      readonly round: number;
      readonly author: DeviceAddress;
      readonly explanations: readonly AnswerExplanation[];
    }
  | Shown<'critiques', 'round' | 'critic' | 'own' | 'judgements'>
  | Shown<'votes', 'round' | 'voter' | 'own' | 'ballots' | 'corrections'>
  | (Shown<
      'trained',
      'round' | 'checkpointRoot' | 'foreign' | 'optimizerSteps' | 'meanReward' | 'heldOutAccuracy' | 'loss'
    > & {
      readonly trainedAt: number;
    })
  | Shown<'sent', 'round'>
  | Shown<'accepted', 'round' | 'peers' | 'strangers'>
  | Shown<'failed', 'round' | 'cause'>;

export type VolunteerEvent =
  | ShownRoundEvent
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'preflight'; readonly preflight: Preflight }
  | {
      readonly kind: 'network';
      readonly name: string;
      readonly chainId: number;
      readonly local: boolean;
      /** Address of a block explorer; null where there is none. */
      readonly explorer: string | null;
      /** Addresses of the STUN and TURN servers that the network file names. */
      readonly iceServers: readonly string[];
      readonly reachable: boolean;
    }
  | {
      readonly kind: 'device';
      readonly address: DeviceAddress;
      readonly peerId: string;
      readonly backedUp: boolean;
      /** Whether the stored key is encrypted. False where the browser cannot. */
      readonly encrypted: boolean;
    }
  /** Maximum share of the time that this device computes, 0.1 to 1. */
  | { readonly kind: 'share'; readonly share: number }
  /** What the swarm that this device is joining says of itself. */
  | { readonly kind: 'specification'; readonly spec: SwarmSpec }
  /** The swarm that this device joins from now on. */
  | { readonly kind: 'swarm'; readonly swarm: number | null }
  | { readonly kind: 'owner'; readonly owner: Hex | null }
  | { readonly kind: 'engine'; readonly engine: EngineReport<EngineVerdict> }
  | { readonly kind: 'peers'; readonly peers: readonly PeerStatus[]; readonly relays: readonly RelayStatus[] }
  | ({ readonly kind: 'on-chain'; readonly round: number } & Inclusion)
  /** What earlier visits left of this device in this network. It replaces what was shown before. */
  | { readonly kind: 'history'; readonly records: readonly RoundRecord[]; readonly totals: Totals }
  | { readonly kind: 'model'; readonly when: 'start' | 'now'; readonly report: ModelReport }
  /** The checkpoints that this device keeps for others. */
  | { readonly kind: 'kept'; readonly kept: ShownKept }
  /** What the members of a swarm that trains in blocks are doing, as this device knows it. */
  | { readonly kind: 'blocks'; readonly blocks: ShownBlocks }
  /** This device attested what the model in blocks was in a round. */
  | ({ readonly kind: 'state-attested' } & Pick<AttestedRound, 'round' | 'step' | 'root'>)
  /** A round goes without such an attestation. */
  | { readonly kind: 'state-not-attested'; readonly round: number; readonly cause: string }
  /** A message of another device was rejected. */
  | { readonly kind: 'refused'; readonly reason: string; readonly count: number }
  /** One sentence for a person, or null to take the last one away. */
  | { readonly kind: 'notice'; readonly text: string | null };
