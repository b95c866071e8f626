/** Decides about each message that arrives, as the table [P-50] says, and follows commits and reveals. */
import { equal, RefusedError, toHex } from './bytes.mjs';
import { encode } from './cbor.mjs';
import { peerIdOf, verifyRecoverable } from './identity.mjs';
import { readMessage, topicOf } from './messages.mjs';
import { cidOf, commitmentOf } from './rollout-set.mjs';
import { attestationDigest, voteDigest } from './typed-data.mjs';

/** Rounds behind and ahead of the own clock in which a type is taken ([P-55]). */
const WINDOWS = {
  hello: [2, 1],
  attest: [2, 1],
  ack: [2, 1],
  blocks: [2, 1],
  state: [2, 1],
  vote: [1, 1],
  commit: [0, 1],
  reveal: [0, 1],
  critique: [0, 1],
};
const REPEATABLE = ['hello', 'ack', 'blocks'];
/** Rounds whose commits and reveals are kept. */
const ROUNDS_KEPT = 4;
const MOST_AUTHORS = 1024;

/** Reasons that no honest peer causes: whoever passes such a message on loses standing ([P-50]). */
const PENALISED = [
  'oversized',
  'malformed',
  'wrong-network',
  'wrong-topic',
  'unbound-key',
  'false-signature',
];

/** What the EIP-712 signature in a body should be. */
const SIGNED_INSIDE = 'signed inside by its author';

export class Validation {
  #network;
  #domain;
  #round;
  #seen = new Map();
  #commits = new Map();

  /**
   * @param {{ id: string, chainId: number, participation: Uint8Array, swarm: number }} network
   * @param {() => number} round
   */
  constructor(network, round) {
    this.#network = network;
    this.#domain = { chainId: network.chainId, contract: network.participation };
    this.#round = round;
  }

  /**
   * A message that may be used and passed on. Throws RefusedError for any other.
   * @param {string} topic @param {Uint8Array} encoded
   */
  accept(topic, encoded) {
    const message = readMessage(encoded);
    const { type, round, seq, from, body } = message;
    const refuse = (reason, wanted) => {
      throw new RefusedError(reason, type, wanted);
    };
    if (message.run !== this.#network.id) refuse('wrong-network', `of ${this.#network.id}`);
    if (topic !== topicOf(this.#network.id, type)) refuse('wrong-topic', 'on its own topic');
    const [behind, ahead] = WINDOWS[type];
    const now = this.#round();
    if (round < now - behind || round > now + ahead) refuse('stale', 'of a round near now');
    const key = REPEATABLE.includes(type) ? `${type}/${toHex(from)}` : `${type}/${toHex(from)}/${round}`;
    const before = this.#seen.get(key);
    if (before !== undefined && (!REPEATABLE.includes(type) || seq <= before)) refuse('replayed', 'new');
    if (type === 'hello' && !equal(body.peerId, peerIdOf(from))) refuse('unbound-key', 'with its own PeerId');
    const { swarm } = this.#network;
    if (type === 'vote') {
      const digest = voteDigest(this.#domain, { swarm, round, winners: body.winners });
      if (!verifyRecoverable(body.signature, digest, message.author))
        refuse('false-signature', 'of its author');
    }
    if (type === 'attest' || type === 'state') {
      const digest = attestationDigest(this.#domain, { swarm, round, ...body });
      if (!verifyRecoverable(body.signature, digest, message.author))
        refuse('false-signature', 'of its author');
    }
    if (type === 'commit') this.#remember(this.#commits, `${round}/${toHex(from)}`, body.digest);
    if (type === 'reveal') this.#checkReveal(message);
    this.#remember(this.#seen, key, seq);
    return message;
  }

  /** [P-74] */
  #checkReveal({ round, from, author, body: { salt, cid, rollouts } }) {
    const digest = this.#commits.get(`${round}/${toHex(from)}`);
    const matches = digest !== undefined && equal(digest, commitmentOf(salt, author, cid.cid));
    const isOwn =
      rollouts === null || (equal(cidOf(encode(rollouts)), cid.cid) && equal(rollouts.author, author));
    if (!matches || !isOwn)
      throw new RefusedError('unmatched-reveal', 'reveal', 'what its author committed to');
  }

  #remember(map, key, value) {
    map.delete(key);
    map.set(key, value);
    if (map.size > MOST_AUTHORS * ROUNDS_KEPT) map.delete(map.keys().next().value);
  }
}

/**
 * Whether the neighbour that passed a message on is to lose standing. Relays cannot check signatures inside
 * ([P-64]).
 * @param {unknown} error
 * @param {boolean} isRelay
 */
export function isPenalised(error, isRelay) {
  if (!(error instanceof RefusedError) || !PENALISED.includes(error.reason)) return false;
  return !(isRelay && error.wanted === SIGNED_INSIDE);
}
