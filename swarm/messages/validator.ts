import { equalBytes } from '../../protocol/bytes.ts';
import { peerIdBytesOf } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import { BoundedMap } from '../bounded-map.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import { type MessageType, type TopicName, topicOf } from './bodies.ts';
import { CodecError } from './codec.ts';
import { hasOwnSignature, type Message, open } from './envelope.ts';
import { isMalice, type Refusal } from './refusal.ts';

export type Verdict =
  | { readonly kind: 'accepted'; readonly message: Message }
  | {
      readonly kind: 'refused';
      readonly reason: Refusal;
      readonly detail: string;
      /** Whether the peer that passed it on should lose standing. */
      readonly penalise: boolean;
    };

/** Checks the EIP-712 signatures inside attest and vote. The ledger does; a relay goes without. */
export interface ClaimVerifier {
  verifyAttestation(signed: Signed<Attestation>): Promise<boolean>;
  verifyVote(signed: Signed<Vote>): Promise<boolean>;
}

export interface ValidatorOptions {
  readonly run: string;
  /** Local time in milliseconds, for quotas. */
  readonly now: () => number;
  /** The current round by chain time. Without it (a relay) no message is stale. */
  readonly round?: () => number;
  readonly claims?: ClaimVerifier;
  /** Accepted messages of one author. */
  readonly authorQuota?: Quota;
  /** Messages of any author passed on by one peer, counted before the costly signature check. */
  readonly sourceQuota?: Quota;
  readonly maxKeys?: number;
}

/** How many rounds a message may lie behind and ahead of the receiver's clock. */
export const ROUND_WINDOW: Readonly<
  Record<MessageType, { readonly behind: number; readonly ahead: number }>
> = {
  hello: { behind: 2, ahead: 1 },
  commit: { behind: 0, ahead: 1 },
  reveal: { behind: 0, ahead: 1 },
  critique: { behind: 0, ahead: 1 },
  vote: { behind: 1, ahead: 1 },
  attest: { behind: 2, ahead: 1 },
  ack: { behind: 2, ahead: 1 },
};

const AUTHOR_QUOTA: Quota = { perSecond: 5, burst: 20 };
const SOURCE_QUOTA: Quota = { perSecond: 100, burst: 400 };

/**
 * Decides about every message that arrives, in the order in which refusing is cheapest: size and form, run and topic,
 * round, known key, replay, then the signature (once), the claims inside, and last the author's quota.
 */
export class Validator {
  readonly #options: ValidatorOptions;
  readonly #authors: TokenBuckets;
  readonly #sources: TokenBuckets;
  /** Author to the sequence number of its latest hello. */
  readonly #bound: BoundedMap<DeviceAddress, number>;
  /** What each author said already: its id, by type and round, or the latest sequence number. */
  readonly #said: BoundedMap<string, string | number>;

  constructor(options: ValidatorOptions) {
    this.#options = options;
    this.#authors = new TokenBuckets(options.authorQuota ?? AUTHOR_QUOTA, options.now);
    this.#sources = new TokenBuckets(options.sourceQuota ?? SOURCE_QUOTA, options.now);
    this.#bound = new BoundedMap(options.maxKeys ?? 1024);
    this.#said = new BoundedMap((options.maxKeys ?? 1024) * 16);
  }

  /** Whether the device has announced itself with a valid hello in this run. */
  isBound(device: DeviceAddress): boolean {
    return this.#bound.has(device);
  }

  /** Judges bytes that `source` (a peer id) passed on under `topic`. Never throws. */
  async check(bytes: Uint8Array, topic: TopicName, source: string): Promise<Verdict> {
    let message: Message;
    try {
      message = open(bytes);
    } catch (error) {
      const reason = error instanceof CodecError ? error.kind : 'malformed';
      return refuse(reason, error instanceof Error ? error.message : 'unreadable');
    }
    const { type, author, round } = message;
    if (message.run !== this.#options.run) return refuse('wrong-run', 'belongs to another run');
    if (topicOf[type] !== topic) return refuse('wrong-topic', `${type} does not travel on ${topic}`);
    const stale = this.#staleness(type, round);
    if (stale !== null) return refuse('stale', stale);
    if (type !== 'hello' && !this.#bound.has(author))
      return refuse('unbound-key', `${author} has not said hello`);
    const replay = this.#replay(message);
    if (replay !== null) return refuse('replayed', replay);
    const flow = this.#sources.take(source);
    if (flow !== 'taken') return refuse('over-quota', 'too many messages from this peer', flow === 'flood');
    if (message.type === 'hello' && !equalBytes(message.body.peerId, peerIdBytesOf(message.from))) {
      return refuse('unbound-key', 'the peer id is not that of the key', true);
    }
    if (!hasOwnSignature(message))
      return refuse('false-signature', 'the message signature is not its author’s');
    if (!(await this.#claimHolds(message)))
      return refuse('false-signature', `the ${type} inside is not signed by its author`);
    const quota = this.#authors.take(author);
    if (quota !== 'taken') return refuse('over-quota', `${author} says too much`, quota === 'flood');
    // Again, because the check of the claim let other messages in between.
    const raced = this.#replay(message);
    if (raced !== null) return refuse('replayed', raced);
    this.#remember(message);
    return { kind: 'accepted', message };
  }

  #staleness(type: MessageType, round: number): string | null {
    const now = this.#options.round?.();
    if (now === undefined) return null;
    const { behind, ahead } = ROUND_WINDOW[type];
    if (round < now - behind) return `${type} of round ${round} came in round ${now}`;
    if (round > now + ahead) return `${type} of round ${round} is ahead of round ${now}`;
    return null;
  }

  #replay(message: Message): string | null {
    const said = this.#said.get(slot(message));
    if (said === undefined) return null;
    if (typeof said === 'number')
      return message.seq > said ? null : `${message.type} is not newer than the last`;
    if (said === message.id) return `${message.type} came before`;
    return `a second ${message.type} in round ${message.round}`;
  }

  #remember(message: Message): void {
    const repeatable = message.type === 'hello' || message.type === 'ack';
    this.#said.set(slot(message), repeatable ? message.seq : message.id);
    if (message.type === 'hello') this.#bound.set(message.author, message.seq);
  }

  async #claimHolds(message: Message): Promise<boolean> {
    const { claims } = this.#options;
    if (claims === undefined) return true;
    try {
      if (message.type === 'attest') return await claims.verifyAttestation(signedAttestation(message));
      if (message.type === 'vote') return await claims.verifyVote(signedVote(message));
      return true;
    } catch {
      return false;
    }
  }
}

/** hello and ack may be said again with a higher sequence number; everything else once a round. */
function slot({ author, type, round }: Message): string {
  return type === 'hello' || type === 'ack' ? `${author} ${type}` : `${author} ${type} ${round}`;
}

/** The signed attestation inside an attest message, as the chain takes it. */
export function signedAttestation(message: Message<'attest'>): Signed<Attestation> {
  const { checkpointRoot, rolloutDigest, signature } = message.body;
  return {
    value: { round: message.round, checkpointRoot, rolloutDigest },
    device: message.author,
    signature,
  };
}

/** The signed vote inside a vote message, as the chain takes it. */
export function signedVote(message: Message<'vote'>): Signed<Vote> {
  const { winners, signature } = message.body;
  return { value: { round: message.round, winners }, device: message.author, signature };
}

function refuse(reason: Refusal, detail: string, penalise = isMalice(reason)): Verdict {
  return { kind: 'refused', reason, detail, penalise };
}
