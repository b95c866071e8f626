import { equalBytes } from '../../protocol/bytes.ts';
import { CodecError } from '../../protocol/codec.ts';
import { peerIdBytesOf, peerIdOf } from '../../protocol/device-key.ts';
import { type DeviceAddress, toHex } from '../../protocol/hex.ts';
import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { cohortPath } from '../cohort-path.ts';
import type { Disposition } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import { Admission, type AuthorClass, costOf } from './admission.ts';
import { type Author, Authors, type StandingSource } from './authors.ts';
import { decodeMessage, isSignatureValid, type Message } from './envelope.ts';
import { MESSAGE_TYPES, type MessageType, type TopicName } from './message-types.ts';
import { type MessageHeader, peekMessage } from './peek.ts';
import { isPenalised, type RejectReason } from './reject-reason.ts';
import { foreignSet } from './rollouts.ts';

/** How an accepted message came, for whoever keeps places by it. */
export interface Origin {
  /** The id of the peer that passed the message on. */
  readonly source: string;
  /** How well the author was known when the message arrived. */
  readonly authorClass: AuthorClass;
  /** Whoever the author's places are counted for: its owner, or itself. */
  readonly account: string;
}

export type Verdict =
  | { readonly kind: 'accepted'; readonly message: Message; readonly origin: Origin }
  | {
      readonly kind: 'rejected';
      readonly reason: RejectReason;
      readonly detail: string;
      /** Whether the peer that passed the message on loses standing. */
      readonly penalise: boolean;
      /** Whether that peer signed what no honest device signs, so that the fault is its own. */
      readonly blame?: boolean;
    };

/** Verifies the EIP-712 signatures inside attest, state and vote messages. A ledger is one. */
export interface SignatureVerifier {
  verifyAttestation(signed: Signed<Attestation>): Promise<boolean>;
  verifyVote(signed: Signed<Vote>): Promise<boolean>;
}

export interface ValidatorOptions {
  readonly networkId: string;
  readonly scheduler: Scheduler;
  /** The current round by chain time. Without it no message is stale: a relay has no clock of the chain. */
  readonly round?: () => number;
  /** Without it (at a relay) the signatures inside messages are not verified. */
  readonly verifier?: SignatureVerifier;
  /** What the chain says of authors. Without it (at a relay) nobody is bound or known. */
  readonly standings?: StandingSource;
  /**
   * Whether a peer is a relay of the network. A relay has no clock and checks no signature inside a message,
   * so stale messages and false signatures inside cost it nothing.
   */
  readonly isRelay?: (source: string) => boolean;
  /** Messages of one author. Defaults to 5 a second with a burst of 20. */
  readonly authorQuota?: Quota;
  /** Messages of all devices of one owner. Defaults to 20 a second with a burst of 100. */
  readonly ownerQuota?: Quota;
  /** Messages of any author that one neighbour passes on. Defaults to 500 a second with a burst of 1,000. */
  readonly sourceQuota?: Quota;
  /** Authors remembered, and unknown ones beside them. Defaults to 1,024 each. */
  readonly maxKeys?: number;
  /** Defaults to one of its own. The networks of a relay share one. */
  readonly admission?: Admission;
  /** 0 to 1. Chooses what leaves a full queue. Defaults to Math.random. */
  readonly random?: () => number;
  /** The costly parts of a check. Default to those of envelope.ts. */
  readonly messageChecks?: MessageChecks;
}

/** What a message says by itself, whoever receives it and when. Devices of one process may share the work. */
export interface MessageChecks {
  /** Whether the signature in a message's bytes is that of the key in them. */
  isSignatureValid(header: MessageHeader): boolean;
  /** Reads the whole message. Throws CodecError. */
  decode(bytes: Uint8Array): Message;
}

const MESSAGE_CHECKS: MessageChecks = { isSignatureValid, decode: decodeMessage };
/**
 * Types of which a device that says two different things in one round contradicts itself. An attestation is
 * not among them: it is sent again while nobody acknowledged it.
 */
const SAID_ONCE: ReadonlySet<MessageType> = new Set(['commit', 'reveal', 'critique', 'vote']);
const AUTHOR_QUOTA: Quota = { perSecond: 5, burst: 20 };
const OWNER_QUOTA: Quota = { perSecond: 20, burst: 100 };

/** Where a message came: a topic of the whole network, or that of a cohort by its path (cohort-path.ts). */
export type Place = TopicName | { readonly cohort: string };

/** How a message came. */
interface Arrived {
  readonly topic: Place;
  readonly source: string;
  readonly bytes: number;
}

/**
 * Decides about every message that arrives. The cheapest checks come first: the envelope without its body,
 * network and topic, round, replay, and the neighbour's quotas. Then the message waits for its turn. Only
 * then come the signature, the body, and the signatures inside, and last the author's quota.
 */
export class Validator {
  readonly #options: ValidatorOptions;
  readonly #admission: Admission;
  readonly #authors: Authors;
  readonly #authorQuota: TokenBuckets;
  readonly #ownerQuota: TokenBuckets;
  /**
   * Messages beyond an author's quota, by author and neighbour. An honest neighbour passes on no more than
   * the quota, so it does not answer for an author that sends others something else.
   */
  readonly #excess: TokenBuckets;

  constructor(options: ValidatorOptions) {
    this.#options = options;
    const { scheduler, random, standings } = options;
    const now = (): number => scheduler.now();
    this.#admission =
      options.admission ?? new Admission({ scheduler, random, neighbourQuota: options.sourceQuota });
    this.#authors = new Authors({ now, standings, limit: options.maxKeys });
    this.#authorQuota = new TokenBuckets(options.authorQuota ?? AUTHOR_QUOTA, now);
    this.#ownerQuota = new TokenBuckets(options.ownerQuota ?? OWNER_QUOTA, now);
    this.#excess = new TokenBuckets(options.authorQuota ?? AUTHOR_QUOTA, now);
  }

  /** Whether a valid hello of the device was accepted on this network and is remembered. */
  isBound(device: DeviceAddress): boolean {
    return this.#authors.hasHello(device);
  }

  /** Drops what waits for its turn. */
  stop(): void {
    this.#admission.stop();
  }

  /**
   * Decides about bytes that the peer `source` (a peer id) passed on under `topic`. Rejects only with what
   * its options throw.
   */
  async check(bytes: Uint8Array, topic: Place, source: string): Promise<Verdict> {
    try {
      const header = peekMessage(bytes);
      const misplaced = this.#refuseEnvelope(header, { topic, source, bytes: bytes.length });
      if (misplaced !== null) return misplaced;
      const author = this.#authors.get(header.key);
      const authorClass = author === undefined ? 'unknown' : this.#authors.classOf(author);
      const account = author === undefined ? header.key : this.#authors.accountOf(author);
      const origin = { source, authorClass, account };
      const charged = this.#admission.charge(source, bytes.length, authorClass);
      const replay = this.#authors.replay(author, header);
      if (replay !== null) {
        const blame =
          SAID_ONCE.has(header.type) &&
          isOwn(header, source) &&
          this.#authors.contradicts(author, header, toHex(sha256Of(bytes)));
        return { ...reject('replayed', replay, blame || charged === 'flood'), blame };
      }
      if (charged !== 'taken')
        return reject('over-quota', 'too many messages from this peer', charged === 'flood');
      const turn = this.#admission.turn({
        ...origin,
        author: header.key,
        isOwn: authorClass === 'unknown' && isOwn(header, source),
        cost: costOf(bytes.length, header.type),
      });
      if (turn !== true && !(await turn)) return reject('over-quota', 'other messages came before it');
      // Passed on now it would be late everywhere, and others would blame this device.
      const late = this.#staleness(header);
      if (late !== null) return reject('stale', late);
      const verdict = await this.#verify(bytes, header, origin);
      // Whatever else it sent at once would cost as much to look at.
      if (verdict.kind === 'rejected' && verdict.penalise && isPenalised(verdict.reason))
        this.#admission.drop(source);
      if (verdict.kind === 'accepted') this.#admission.welcome(source, bytes.length);
      return verdict;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#admission.drop(source);
      return reject(error.kind, error.message);
    }
  }

  /** Why a message does not belong here now, whoever wrote it. Null when it does. */
  #refuseEnvelope(header: MessageHeader, { topic, source, bytes }: Arrived): Verdict | null {
    if (header.networkId !== this.#options.networkId)
      return reject('wrong-network', 'belongs to another network');
    const misplaced = whyMisplaced(header, topic);
    if (misplaced !== null) return reject('wrong-topic', misplaced);
    const stale = this.#staleness(header);
    if (stale === null) return null;
    const isFlood = this.#admission.charge(source, bytes, 'stale') === 'flood';
    return reject('stale', stale, isFlood && this.#options.isRelay?.(source) !== true);
  }

  /** Reads the whole message, when it is its turn. Throws CodecError. */
  async #verify(bytes: Uint8Array, header: MessageHeader, origin: Origin): Promise<Verdict> {
    const { isSignatureValid, decode } = this.#options.messageChecks ?? MESSAGE_CHECKS;
    if (!isSignatureValid(header))
      return reject('false-signature', 'the message signature is not its author’s');
    const message = decode(bytes);
    const { type, author: device } = message;
    if (message.type === 'hello' && !equalBytes(message.body.peerId, peerIdBytesOf(message.from)))
      return reject('unbound-key', 'the peer id is not that of the key');
    const untrue = whyUntrue(message);
    if (untrue !== null) {
      const blame = isOwn(header, origin.source);
      return { ...reject('unmatched-reveal', untrue, blame), blame };
    }
    if (!(await this.#verifySignatureInside(message))) {
      // A relay does not check it, so whoever makes keys could have every relay cut off.
      const penalise = this.#options.isRelay?.(origin.source) !== true;
      return reject('false-signature', `the ${type} inside is not signed by its author`, penalise);
    }
    const author = this.#authors.get(header.key);
    // Again, because other messages may have been accepted meanwhile.
    const replay = this.#authors.replay(author, message, message.id);
    if (replay !== null) return reject('replayed', replay);
    if (!this.#takesAuthorQuota(device, author)) {
      const flood = this.#excess.take(`${device} ${origin.source}`) === 'flood';
      return reject('over-quota', `${device} sends too much`, flood);
    }
    this.#authors.remember(header.key, device, origin.source, message);
    return { kind: 'accepted', message, origin };
  }

  #staleness({ type, round }: MessageHeader): string | null {
    const now = this.#options.round?.();
    if (now === undefined) return null;
    const { behind, ahead } = MESSAGE_TYPES[type].window;
    if (round < now - behind) return `${type} of round ${round} came in round ${now}`;
    if (round > now + ahead) return `${type} of round ${round} is ahead of round ${now}`;
    return null;
  }

  /** Charges a message to its author, and to the owner that the author is bound to. */
  #takesAuthorQuota(device: DeviceAddress, author: Author | undefined): boolean {
    if (this.#authorQuota.take(device) !== 'taken') return false;
    const account = author === undefined ? device : this.#authors.accountOf(author);
    return account === device || this.#ownerQuota.take(account) === 'taken';
  }

  async #verifySignatureInside(message: Message): Promise<boolean> {
    const { verifier } = this.#options;
    if (verifier === undefined) return true;
    try {
      if (message.type === 'attest' || message.type === 'state')
        return await verifier.verifyAttestation(signedAttestation(message));
      if (message.type === 'vote') return await verifier.verifyVote(signedVote(message));
      return true;
    } catch {
      return false;
    }
  }
}

/** Whether the neighbour that a message came from is its author. */
function isOwn({ from }: MessageHeader, source: string): boolean {
  return peerIdOf(from) === source;
}

/** Why a reveal is the set of somebody else, or null. */
function whyUntrue(message: Message): string | null {
  if (message.type !== 'reveal' || message.body.rollouts === null) return null;
  const { author } = message.body.rollouts;
  return author === message.author ? null : foreignSet(message.author, author);
}

/** Why a message does not travel where it came, or null. */
function whyMisplaced({ networkId, type, from }: MessageHeader, topic: Place): string | null {
  const usual = MESSAGE_TYPES[type].topic;
  if (typeof topic === 'string') return usual === topic ? null : `${type} does not travel on ${topic}`;
  if (usual === 'pipeline') return `${type} does not travel in cohorts`;
  return cohortPath(networkId, from).startsWith(topic.cohort) ? null : `its author is not of ${topic.cohort}`;
}

/** What becomes of a message after its verdict. */
export function dispositionOf(verdict: Verdict): Disposition {
  if (verdict.kind === 'accepted') return 'accept';
  if (verdict.blame === true) return 'blame';
  if (!verdict.penalise) return 'ignore';
  // Others may pass on rightly what was too much or too late from one neighbour.
  return isPenalised(verdict.reason) ? 'reject' : 'penalise';
}

/** The signed attestation inside an attest or state message, as the chain takes it. */
export function signedAttestation(message: Message<'attest' | 'state'>): Signed<Attestation> {
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

function reject(
  reason: RejectReason,
  detail: string,
  penalise = isPenalised(reason),
): Extract<Verdict, { readonly kind: 'rejected' }> {
  return { kind: 'rejected', reason, detail, penalise };
}
