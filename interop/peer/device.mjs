/** A device of the swarm: says hello, follows the rounds, and takes part in them ([P-66] to [P-85]). */
import { randomBytes } from 'node:crypto';
import { answerItems } from './answers.mjs';
import { equal, fromHex, malformed, toHex } from './bytes.mjs';
import { encode, Link } from './cbor.mjs';
import { connect } from './connection.mjs';
import { drawnItems } from './draws.mjs';
import { Identity, peerIdOf, peerIdText } from './identity.mjs';
import { encodeMessage, TYPES, topicOf } from './messages.mjs';
import { roundPool } from './questions.mjs';
import { commitmentOf, decodeRollouts, encodeRollouts } from './rollout-set.mjs';
import { judge, RoundRecord, vote } from './round.mjs';
import { Validation } from './validation.mjs';

const HELLO_MS = 10_000;
const LONELY_HELLO_MS = 2_000;
const LOOK_MS = 50;
/** Fractions of the answer stage ([P-70], [P-71]). */
const JOIN_BEFORE = 0.3;
const COMMIT_BEFORE = 0.6;
const REVEAL_GRACE_MS = 500;
const SETTLE_MS = 400;
const MOST_INLINE = 24_576;
const ACK_MS = 1_000;
const MOST_ACKS = 64;
const MOST_SETS = 1024;
const SETS_PUBLISHED = 3;

export class Device {
  #network;
  #chain;
  #say;
  #fault;
  #apart;
  #listens;
  #identity = new Identity(Uint8Array.from(randomBytes(32)));
  #connection;
  #timer;
  #lastSeq = 0;
  #nextHello = 0;
  #done = new Set();
  #record = new RoundRecord(-1);
  /** Rollout sets that were revealed, as round/author/CID. */
  #setsHere = new Set();
  /** Encoded sets of the last rounds by CID, for whoever asks. */
  #published = new Map();
  #fetchedOf = new Set();
  #toAcknowledge = [];
  /** PeerIds of members with a direct connection. */
  #neighbours = [];
  #ackTimer;

  /**
   * @param {{ network: object, chain: object, say: (event: object) => void, fault?: object,
   *   apart?: boolean }} options `fault` is one of faults.mjs. `apart`: reveals name the set by its CID
   *   alone, so that members fetch it.
   */
  constructor({ network, chain, say, fault = {}, apart = false }) {
    this.#network = network;
    this.#chain = chain;
    this.#say = (event) => say({ device: this.#identity.name, ...event });
    this.#fault = fault;
    this.#apart = apart;
    // A device with a fault is there to be heard; many of them run in one process.
    this.#listens = Object.keys(fault).length === 0;
  }

  async start() {
    const { id, relays, participation } = this.#network;
    const validation = new Validation(
      { ...this.#network, participation: fromHex(participation) },
      () => this.#chain.now().round,
    );
    const accept = (topic, data) => {
      try {
        this.#hear(validation.accept(topic, data));
      } catch (error) {
        this.#say({ event: 'refused', reason: error.reason ?? error.name, detail: error.message });
        throw error;
      }
    };
    const types = this.#listens ? Object.keys(TYPES) : ['hello'];
    const topics = [...new Set(types.map((type) => topicOf(id, type)))];
    const objectOf = (cid) => this.#published.get(cid);
    this.#connection = await connect({ secret: this.#identity.secret, relays, topics, accept, objectOf });
    this.#say({ event: 'joined', network: id, peerId: peerIdText(this.#identity.peerId) });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  async stop() {
    clearInterval(this.#timer);
    clearTimeout(this.#ackTimer);
    await this.#connection?.stop();
  }

  /** Does what the time asks for, each thing once. */
  #look() {
    const now = this.#chain.now();
    const members = this.#connection.members();
    for (const peerId of members.filter((member) => !this.#neighbours.includes(member)))
      this.#say({ event: 'connected', peerId });
    this.#neighbours = members;
    const topic = topicOf(this.#network.id, 'hello');
    if (Date.now() >= this.#nextHello && this.#connection.followers(topic) > 0) {
      this.#nextHello = Date.now() + (this.#isKnown() ? HELLO_MS : LONELY_HELLO_MS);
      this.#hello(now.round);
    }
    if (now.round !== this.#record.round) {
      this.#record = this.#record.next(now.round);
      this.#done.clear();
    }
    if (this.#fault.rounds === false) return;
    const { stage, since, length } = now;
    const committed = this.#done.has('commit');
    if (stage === 'answer' && since < JOIN_BEFORE * length && this.#isHeard())
      this.#once('commit', () => this.#answer(now));
    if (stage === 'answer' && since > COMMIT_BEFORE * length + REVEAL_GRACE_MS && committed)
      this.#once('reveal', () => this.#reveal());
    if (stage === 'critique' && since > SETTLE_MS && committed)
      this.#once('critique', () => this.#critique(now));
    if (stage === 'vote' && committed) this.#once('vote', () => this.#vote(now));
  }

  /** Whether hellos every 10 s are enough: it has a direct connection, or does nothing but say hello. */
  #isKnown() {
    return this.#neighbours.length > 0 || this.#fault.rounds === false;
  }

  #isHeard() {
    return this.#connection.followers(topicOf(this.#network.id, 'commit')) > 0;
  }

  #once(name, act) {
    if (this.#done.has(name)) return;
    this.#done.add(name);
    act();
  }

  #publish(type, round, body, detail = {}) {
    const { id: run } = this.#network;
    this.#lastSeq = Math.max(Date.now(), this.#lastSeq + 1);
    const message = { run, type, round, seq: this.#lastSeq, body };
    const encoded = (this.#fault.encode ?? encodeMessage)(this.#identity, message);
    this.#connection.publish(topicOf(run, type), encoded).then(
      () => this.#say({ event: 'sent', type, round, ...detail }),
      (error) => this.#say({ event: 'failed', type, round, cause: error.message }),
    );
  }

  #hello(round) {
    const conformance = { verdict: 'untested', detail: '', suite: new Uint8Array(32) };
    const addresses = this.#connection.addresses();
    const { peerId } = this.#identity;
    const engine = 'second implementation';
    this.#publish('hello', round, {
      peerId,
      delegation: null,
      engine,
      conformance,
      addresses,
      relays: false,
    });
  }

  #answer({ round, seed }) {
    const { tasks, round: settings } = this.#chain.specification;
    const pool = roundPool({ generators: tasks.generators, count: settings.itemsPerRound, seed });
    const device = this.#identity.name;
    const items = drawnItems({ pool, round, seed, device, count: settings.itemsAnswered });
    const { address: author } = this.#identity;
    const made = answerItems({ author, device, pool, items, samples: settings.samplesPerItem, round, seed });
    const set = this.#fault.answers?.(made, { pool, items }) ?? made;
    const { cid, encoded } = encodeRollouts(set);
    this.#published.set(toHex(cid), encoded);
    if (this.#published.size > SETS_PUBLISHED) this.#published.delete(this.#published.keys().next().value);
    const salt = Uint8Array.from(randomBytes(32));
    this.#record.answered({ pool, set, cid, salt });
    this.#publish('commit', round, { digest: commitmentOf(salt, author, cid) });
  }

  #reveal() {
    const { round, own } = this.#record;
    const { salt, cid, set } = own;
    const rollouts = this.#apart || encode(set).length > MOST_INLINE ? null : set;
    const honest = { salt, cid: new Link(cid), rollouts };
    this.#publish('reveal', round, this.#fault.reveal?.(honest) ?? honest, { cid: toHex(cid) });
  }

  #critique({ seed }) {
    const judgements = judge({
      record: this.#record,
      identity: this.#identity,
      network: this.#network,
      seed,
    });
    if (judgements.length > 0) this.#publish('critique', this.#record.round, { judgements });
  }

  #vote({ seed }) {
    const body = vote({ record: this.#record, identity: this.#identity, network: this.#network, seed });
    this.#publish('vote', this.#record.round, this.#fault.vote?.(body) ?? body);
  }

  #revealed(round, author, body) {
    this.#record.revealed(round, author, body);
    if (body.rollouts === null) return;
    this.#setsHere.add(`${round}/${author}/${toHex(body.cid.cid)}`);
    if (this.#setsHere.size > MOST_SETS) this.#setsHere.delete(this.#setsHere.values().next().value);
  }

  /** [P-80] About a second after an attestation whose rollout set is here. */
  #acknowledge({ author, round, body: { checkpointRoot, rollouts } }) {
    if (!this.#setsHere.has(`${round}/${toHex(author)}/${toHex(rollouts.cid)}`)) return;
    this.#toAcknowledge.push({ author, round, checkpointRoot });
    if (this.#toAcknowledge.length > 1) return;
    this.#ackTimer = setTimeout(() => {
      const attestations = this.#toAcknowledge.splice(0).slice(0, MOST_ACKS);
      this.#publish('ack', this.#chain.now().round, { attestations });
    }, ACK_MS);
  }

  /** Fetches the rollout set and the beginning of the checkpoint of a member's first attestation. */
  async #fetch(member, { author, round, body }) {
    const from = toHex(author);
    if (this.#fetchedOf.has(from) || !this.#neighbours.includes(member)) return;
    this.#fetchedOf.add(from);
    try {
      const encoded = await this.#connection.fetchObject(member, body.rollouts.cid);
      if (!equal(decodeRollouts(encoded).author, author))
        malformed('rollouts', 'those of the attestation’s author');
      this.#say({ event: 'fetched', what: 'rollouts', round, author: from, bytes: encoded.length });
      const { size, chunk } = await this.#connection.fetchChunk(member, body.checkpoint.cid, 0);
      this.#say({ event: 'fetched', what: 'checkpoint', round, author: from, size, bytes: chunk.length });
    } catch (error) {
      this.#fetchedOf.delete(from);
      this.#say({ event: 'failed', type: 'fetch', round, cause: error.message });
    }
  }

  #hear({ type, round, from: publicKey, author, body }) {
    const from = toHex(author);
    this.#say({ event: 'heard', type, round, author: from });
    if (type === 'reveal') this.#revealed(round, from, body);
    if (type !== 'attest') return;
    this.#acknowledge({ author, round, body });
    void this.#fetch(peerIdText(peerIdOf(publicKey)), { author, round, body });
    const own = this.#record.cids.find((cid) => body.foreign.some((link) => toHex(link.cid) === cid));
    if (own !== undefined) this.#say({ event: 'trained on', round, author: from, cid: own });
  }
}
