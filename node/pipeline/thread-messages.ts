/** What the program and its members' threads say to one another. All of it is plain data. */
import type { MessagePort } from 'node:worker_threads';
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { PipelineSettings } from './settings.ts';

/** A device as the others know it. */
export interface Place {
  readonly device: DeviceAddress;
  readonly blocks: readonly string[];
}

/** Where a member begins. */
export type Beginning =
  | { readonly kind: 'first'; readonly blocks: readonly string[]; readonly keepers: readonly Place[] }
  /** In the middle of a run: what a living member and the keepers of its blocks gave. */
  | {
      readonly kind: 'join';
      readonly blocks: readonly string[];
      readonly welcome: readonly PipelineMessage[];
      readonly files: readonly Uint8Array[];
    };

export type ToMember =
  | { readonly kind: 'link'; readonly device: DeviceAddress; readonly port: MessagePort }
  | { readonly kind: 'begin'; readonly beginning: Beginning }
  /** A device is about to come in with these blocks. */
  | ({ readonly kind: 'arriving' } & Place)
  /** Asks for what a device needs that comes in. */
  | { readonly kind: 'welcome' }
  | { readonly kind: 'file'; readonly block: string; readonly step: number };

export type FromMember =
  | { readonly kind: 'ready' }
  | { readonly kind: 'computed' }
  | { readonly kind: 'finished'; readonly step: number; readonly state: ReadonlyMap<string, Hex> }
  | {
      readonly kind: 'welcome';
      readonly step: number;
      readonly messages: readonly PipelineMessage[];
    }
  /** Undefined for a version that the member does not hold. */
  | { readonly kind: 'file'; readonly file: Uint8Array | undefined }
  /** Sent after the last step. */
  | { readonly kind: 'counts'; readonly counts: MemberCounts }
  /** The others are more than a step ahead. */
  | { readonly kind: 'behind' }
  | { readonly kind: 'failed'; readonly message: string };

export interface MemberCounts {
  /** Hops that went to another keeper because a device was late. */
  readonly takeovers: number;
  /** Handoffs with outputs that were known already. */
  readonly duplicates: number;
  /** Pairs of handoffs that contradict each other. */
  readonly conflicts: number;
  readonly refused: number;
}

export interface MemberData {
  readonly settings: PipelineSettings;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}
