/** The page's whole knowledge of a volunteer. `reduceVolunteer` says how each event changes it. */

import type { EngineVerdict } from '../../models/engine-choice/choose.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Stage } from '../../protocol/ledger.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { EngineReport } from '../../workers/engine-report.ts';
import type { FeedRound } from './feed-round.ts';
import type { ShownKept } from './kept-checkpoints.ts';
import type { Phase } from './phase.ts';
import type { Preflight } from './preflight.ts';
import type {
  AttestedRound,
  ModelReport,
  PeerStatus,
  RelayStatus,
  RoundRecord,
  ShownBlocks,
  Totals,
} from './volunteer-events.ts';

export interface VolunteerView {
  readonly phase: Phase;
  readonly preflight: Preflight | null;
  readonly network: {
    readonly name: string;
    readonly chainId: number;
    readonly local: boolean;
    readonly explorer: string | null;
    readonly iceServers: readonly string[];
    readonly reachable: boolean;
  } | null;
  readonly device: {
    readonly address: DeviceAddress;
    readonly peerId: string;
    readonly backedUp: boolean;
    /** Whether the stored key is encrypted. False where the browser cannot. */
    readonly encrypted: boolean;
  } | null;
  /** Specification of the swarm that this device joined last in this visit. */
  readonly spec: SwarmSpec | null;
  /** Number of the swarm that this device joins; null for the network's first one. */
  readonly swarm: number | null;
  readonly owner: Hex | null;
  /** Maximum share of the time that this device computes, 0.1 to 1. */
  readonly share: number;
  readonly engine: EngineReport<EngineVerdict> | null;
  /** The round's present stage, with its start and end by this device's clock in Unix milliseconds. */
  readonly clock: {
    readonly round: number;
    readonly stage: Stage;
    readonly stageStartedAt: number;
    readonly stageEndsAt: number;
  } | null;
  /** What the device does now and why, as one sentence from the round driver. */
  readonly status: { readonly round: number | null; readonly sentence: string } | null;
  /** The model in blocks that this device trains now. Null in a swarm of rounds. */
  readonly blocks: ShownBlocks | null;
  /** Oldest first, at most ATTESTED_ROUNDS, of this visit. */
  readonly attested: readonly AttestedRound[];
  /** The last round that was not attested, and why. Null after one that was. */
  readonly notAttested: { readonly round: number; readonly cause: string } | null;
  readonly peers: readonly PeerStatus[];
  readonly relays: readonly RelayStatus[];
  /** Newest first, at most FEED_ROUNDS. */
  readonly feed: readonly FeedRound[];
  /** Oldest first, at most HISTORY_ROUNDS, one per round. */
  readonly history: readonly RoundRecord[];
  /** Counted since the device key was made, rounds that `history` no longer holds included. */
  readonly totals: Totals;
  readonly model: { readonly start: ModelReport | null; readonly now: ModelReport | null };
  /**
   * The checkpoints that this device keeps for others. Null where that is not known, or there is no storage.
   */
  readonly kept: ShownKept | null;
  /** Rejected messages by reason, at most REFUSAL_REASONS and one entry for all other reasons. */
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
  readonly notice: string | null;
}

export const EMPTY_VIEW: VolunteerView = {
  phase: { kind: 'idle' },
  preflight: null,
  network: null,
  device: null,
  spec: null,
  swarm: null,
  owner: null,
  share: 1,
  engine: null,
  clock: null,
  status: null,
  blocks: null,
  attested: [],
  notAttested: null,
  peers: [],
  relays: [],
  feed: [],
  history: [],
  totals: { computed: 0, sent: 0, accepted: 0, onChain: 0 },
  model: { start: null, now: null },
  kept: null,
  refused: [],
  notice: null,
};
