/** What the chaos drill and the processes of its members say to one another. */
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';

/** What a hostile member does. Each has one kind at a time, so that the figures of the kinds stay apart. */
export const CHEATS = ['garbage', 'replay', 'flood', 'copy', 'equivocate', 'lie'] as const;
export type Cheat = (typeof CHEATS)[number];

/** What everybody knows of one device. */
export interface WorldDevice {
  readonly address: DeviceAddress;
  readonly publicKey: Hex;
  /** Whether the chain knows the device. */
  readonly known: boolean;
}

/** What any member is started with, wherever it runs. */
export interface MemberSettings {
  /** The key follows from the name. */
  readonly name: string;
  readonly relays: readonly string[];
  readonly roundSeconds: number;
  /** Peers that are on the other side of a split. */
  readonly blocked: readonly string[];
}

/** What the process of a member is started with. */
export interface ChaosProcessSettings extends MemberSettings {
  /** Null for an honest member. */
  readonly cheat: Cheat | null;
  /** Where the member keeps what outlives its process. */
  readonly folder: string;
  /** A JSON file with a WorldDevice for each key. */
  readonly worldFile: string;
}

/** What an honest member in a tab is started with. It keeps in its origin's storage what outlives the tab. */
export interface ChaosTabSettings extends MemberSettings {
  readonly devices: readonly WorldDevice[];
}

/** What the drill tells a member: who is on the other side from now on. */
export interface ChaosCommand {
  readonly kind: 'split';
  readonly blocked: readonly string[];
}

/** What a device says of a round: a vote, by a digest of all that it says, or a checkpoint root. */
export interface Statement {
  readonly round: number;
  readonly author: DeviceAddress;
  readonly value: string;
}

/** A rollout set under another author's name. */
export interface Theft {
  readonly cid: string;
  /** The content id of the set that was copied, and who showed that. */
  readonly of: string;
  readonly from: DeviceAddress;
}

/** What a member tells the drill. */
export type ChaosReport =
  | { readonly kind: 'ready'; readonly peerId: string; readonly address: DeviceAddress }
  /** A round whose checkpoint is stored here, which the next one has to go on from. */
  | { readonly kind: 'stored'; readonly round: number; readonly previousRoot: Hex; readonly root: Hex }
  /** The attestation was handed to the network. `foreign` are the CIDs of others' sets that it names. */
  | {
      readonly kind: 'finished';
      readonly round: number;
      readonly root: Hex;
      readonly foreign: readonly string[];
    }
  | { readonly kind: 'failed'; readonly round: number; readonly cause: string }
  /** The own vote, and those of others as they were accepted. */
  | { readonly kind: 'vote'; readonly statement: Statement }
  /** An ack by `by` of what a statement says. */
  | { readonly kind: 'ack'; readonly by: DeviceAddress; readonly statement: Statement }
  /** A CID that a hostile member shows as its own. */
  | ({ readonly kind: 'stolen' } & Theft)
  | {
      readonly kind: 'state';
      readonly heapMiB: number;
      /** 0 for a tab, which cannot know it. */
      readonly rssMiB: number;
      /** Messages of others that were accepted since the process started. */
      readonly heard: number;
      /** Neighbours with their scores in gossip. */
      readonly scores: readonly (readonly [peerId: string, score: number])[];
    };
