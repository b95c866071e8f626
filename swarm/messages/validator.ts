import { equalBytes } from '../../protocol/bytes.ts';
import { peerIdBytesOf } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { BoundedMap } from '../bounded-map.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import { CodecError } from './codec.ts';
import { decodeMessage, hasValidSignature, type Message } from './envelope.ts';
import { MESSAGE_TYPES, type MessageType, type TopicName } from './message-types.ts';
import { isPenalised, type RejectReason } from './reject-reason.ts';

export type Verdict =
  | { readonly kind: 'accepted'; readonly message: Message }
  | {
      readonly kind: 'rejected';
      readonly reason: RejectReason;
      readonly detail: string;
      /** Whether the peer that passed the message on loses standing. */
      readonly penalise: boolean;
    };

/** Verifies the EIP-712 signatures inside attest and vote messages. A ledger is one. */
export interface SignatureVerifier {
  verifyAttestation(signed: Signed<Attestation>): Promise<boolean>;
  verifyVote(signed: Signed<Vote>): Promise<boolean>;
}

export interface ValidatorOptions {
  readonly networkId: string;
  /** Local time in milliseconds, for quotas. */
  readonly now: () => number;
  /** The current round by chain time. Without it no message is stale: a relay has no clock of the chain. */
  readonly round?: () => number;
  /** Without it (at a relay) the signatures inside messages are not verified. */
  readonly verifier?: SignatureVerifier;
  /** Messages of one author. Defaults to 5 a second with a burst of 20. */
  readonly authorQuota?: Quota;
  /**
   * Messages of any author that one peer passes on, counted before the costly signature check. Defaults to
   * 100 a second with a burst of 400.
   */
  readonly sourceQuota?: Quota;
  /** Devices remembered. Defaults to 1,024. */
  readonly maxKeys?: number;
}

const AUTHOR_QUOTA: Quota = { perSecond: 5, burst: 20 };
const SOURCE_QUOTA: Quota = { perSecond: 100, burst: 400 };

/**
 * Decides about every message that arrives. The cheapest checks come first: size and form, network and topic,
 * round, known key, replay. Then come the signature (verified once), the signatures inside, and last the
 * author's quota.
 */
export class Validator {
  readonly #options: ValidatorOptions;
  readonly #authors: TokenBuckets;
  readonly #sources: TokenBuckets;
  /** Author to the sequence number of its latest hello. */
  readonly #bound: BoundedMap<DeviceAddress, number>;
  /**
   * The last accepted message of each author by type and round: its id, or its sequence number where the type
   * is repeatable.
   */
  readonly #seen: BoundedMap<string, string | number>;

  constructor(options: ValidatorOptions) {
    this.#options = options;
    this.#authors = new TokenBuckets(options.authorQuota ?? AUTHOR_QUOTA, options.now);
    this.#sources = new TokenBuckets(options.sourceQuota ?? SOURCE_QUOTA, options.now);
    this.#bound = new BoundedMap(options.maxKeys ?? 1024);
    this.#seen = new BoundedMap((options.maxKeys ?? 1024) * 16);
  }

  /** Whether a valid hello of the device was accepted on this network. */
  isBound(device: DeviceAddress): boolean {
    return this.#bound.has(device);
  }

  /** Decides about bytes that the peer `source` (a peer id) passed on under `topic`. Never rejects. */
  async check(bytes: Uint8Array, topic: TopicName, source: string): Promise<Verdict> {
    let message: Message;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      const reason = error instanceof CodecError ? error.kind : 'malformed';
      return reject(reason, messageOf(error));
    }
    const { type, author, round } = message;
    if (message.networkId !== this.#options.networkId)
      return reject('wrong-network', 'belongs to another network');
    if (MESSAGE_TYPES[type].topic !== topic)
      return reject('wrong-topic', `${type} does not travel on ${topic}`);
    const stale = this.#staleness(type, round);
    if (stale !== null) return reject('stale', stale);
    if (type !== 'hello' && !this.#bound.has(author))
      return reject('unbound-key', `${author} has sent no hello`);
    const replay = this.#replay(message);
    if (replay !== null) return reject('replayed', replay);
    const flow = this.#sources.take(source);
    if (flow !== 'taken') return reject('over-quota', 'too many messages from this peer', flow === 'flood');
    if (message.type === 'hello' && !equalBytes(message.body.peerId, peerIdBytesOf(message.from))) {
      return reject('unbound-key', 'the peer id is not that of the key', true);
    }
    if (!hasValidSignature(message))
      return reject('false-signature', 'the message signature is not its author’s');
    if (!(await this.#verifySignatureInside(message)))
      return reject('false-signature', `the ${type} inside is not signed by its author`);
    const quota = this.#authors.take(author);
    if (quota !== 'taken') return reject('over-quota', `${author} sends too much`, quota === 'flood');
    // Again, because other messages may have been accepted while the signature inside was verified.
    const raced = this.#replay(message);
    if (raced !== null) return reject('replayed', raced);
    this.#remember(message);
    return { kind: 'accepted', message };
  }

  #staleness(type: MessageType, round: number): string | null {
    const now = this.#options.round?.();
    if (now === undefined) return null;
    const { behind, ahead } = MESSAGE_TYPES[type].window;
    if (round < now - behind) return `${type} of round ${round} came in round ${now}`;
    if (round > now + ahead) return `${type} of round ${round} is ahead of round ${now}`;
    return null;
  }

  #replay(message: Message): string | null {
    const seen = this.#seen.get(replayKey(message));
    if (seen === undefined) return null;
    if (typeof seen === 'number')
      return message.seq > seen ? null : `${message.type} is not newer than the last`;
    if (seen === message.id) return `${message.type} came before`;
    return `a second ${message.type} in round ${message.round}`;
  }

  #remember(message: Message): void {
    const { repeatable } = MESSAGE_TYPES[message.type];
    this.#seen.set(replayKey(message), repeatable ? message.seq : message.id);
    if (message.type === 'hello') this.#bound.set(message.author, message.seq);
  }

  async #verifySignatureInside(message: Message): Promise<boolean> {
    const { verifier } = this.#options;
    if (verifier === undefined) return true;
    try {
      if (message.type === 'attest') return await verifier.verifyAttestation(signedAttestation(message));
      if (message.type === 'vote') return await verifier.verifyVote(signedVote(message));
      return true;
    } catch {
      return false;
    }
  }
}

/** Repeatable types are told apart by author and type, all others by the round too. */
function replayKey({ author, type, round }: Message): string {
  return MESSAGE_TYPES[type].repeatable ? `${author} ${type}` : `${author} ${type} ${round}`;
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

function reject(reason: RejectReason, detail: string, penalise = isPenalised(reason)): Verdict {
  return { kind: 'rejected', reason, detail, penalise };
}
