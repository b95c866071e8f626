/**
 * The types of messages. This map is the only list of them: types, topics, codecs and rules of arrival all
 * derive from it. A new type is a row here and a codec in bodies.ts.
 */

import type { Codec, ValueOf } from '../../protocol/codec.ts';
import { blocks } from './block-announcement.ts';
import { ack, attest, commit, critique, hello, reveal, vote } from './bodies.ts';
import { state } from './state-attestation.ts';

interface MessageTypeRules {
  /** The gossip topic that the type travels on. */
  readonly topic: 'presence' | 'rounds' | 'attestations' | 'pipeline';
  readonly body: Codec<unknown>;
  /** Rounds that a message may lie behind and ahead of the receiver's clock. */
  readonly window: { readonly behind: number; readonly ahead: number };
  /**
   * Whether a device may send the type again, with a higher sequence number. Otherwise it sends one a round.
   */
  readonly repeatable: boolean;
}

export const MESSAGE_TYPES = {
  hello: { topic: 'presence', body: hello, window: { behind: 2, ahead: 1 }, repeatable: true },
  commit: { topic: 'rounds', body: commit, window: { behind: 0, ahead: 1 }, repeatable: false },
  reveal: { topic: 'rounds', body: reveal, window: { behind: 0, ahead: 1 }, repeatable: false },
  critique: { topic: 'rounds', body: critique, window: { behind: 0, ahead: 1 }, repeatable: false },
  vote: { topic: 'rounds', body: vote, window: { behind: 1, ahead: 1 }, repeatable: false },
  attest: { topic: 'attestations', body: attest, window: { behind: 2, ahead: 1 }, repeatable: false },
  ack: { topic: 'attestations', body: ack, window: { behind: 2, ahead: 1 }, repeatable: true },
  blocks: { topic: 'pipeline', body: blocks, window: { behind: 2, ahead: 1 }, repeatable: true },
  state: { topic: 'pipeline', body: state, window: { behind: 2, ahead: 1 }, repeatable: false },
} as const satisfies Readonly<Record<string, MessageTypeRules>>;

export type MessageType = keyof typeof MESSAGE_TYPES;

/** The body of a message of type `T`, as the program sees it. */
export type Body<T extends MessageType> = ValueOf<(typeof MESSAGE_TYPES)[T]['body']>;

export type TopicName = (typeof MESSAGE_TYPES)[MessageType]['topic'];

export const TOPIC_NAMES: readonly TopicName[] = [
  ...new Set(Object.values(MESSAGE_TYPES).map(({ topic }) => topic)),
];

/** The names of the types, in the map's order. */
export const messageTypeNames = Object.keys(MESSAGE_TYPES) as readonly MessageType[];
