/** What hostile members of the chaos drill do. They speak gossip directly, past every check of their own. */
import * as dagCbor from '@ipld/dag-cbor';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import { type DeviceAddress, type Hex, toHex } from '../../protocol/hex.ts';
import type { Ledger, Stage } from '../../protocol/ledger.ts';
import { must } from '../../protocol/must.ts';
import { commitmentOf } from '../../swarm/messages/commitment.ts';
import { encodeMessage, type Message, type UnsignedMessage } from '../../swarm/messages/envelope.ts';
import { MESSAGE_TYPES } from '../../swarm/messages/message-types.ts';
import { digestInCid, encodeRollouts } from '../../swarm/messages/rollouts.ts';
import { topicsOf } from '../../swarm/network-id.ts';
import type { Cheat, Theft } from './settings.ts';

/** The part of gossipsub's service that its interface leaves out. */
interface Raw {
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
  sendRpc(
    peerId: string,
    rpc: { subscriptions: never[]; messages: { readonly topic: string; readonly data: Uint8Array }[] },
  ): boolean;
}

/** Rounds after which every message of a round is stale. */
export const OLD_ROUNDS = 4;

export interface HostileOptions {
  readonly cheat: Cheat;
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  /** The member's gossipsub service. */
  readonly service: unknown;
  readonly now: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly networkId: string;
  /** Messages of old rounds, of the topic `attestations`, as they came. */
  readonly recorded: Uint8Array[];
  /** Called with a set that it shows as its own, and whose it was. */
  readonly onStolen: (theft: Theft) => void;
}

type Body<T extends UnsignedMessage['type']> = Extract<UnsignedMessage, { readonly type: T }>['body'];

/** One hostile member. `tick` is called five times a second, and `hear` with each accepted message. */
export class Hostile {
  readonly #options: HostileOptions;
  readonly #raw: Raw;
  readonly #topics: ReturnType<typeof topicsOf>;
  #seq: number;
  #ticks = 0;
  #replayed = 0;
  #done = new Set<string>();
  /** Rollout sets and attestations of the current round by others. */
  #reveals: Message<'reveal'>[] = [];
  #attests: Message<'attest'>[] = [];

  constructor(options: HostileOptions) {
    this.#options = options;
    this.#raw = options.service as Raw;
    this.#seq = Math.floor(options.now());
    this.#topics = topicsOf(options.networkId);
  }

  hear(message: Message): void {
    if (message.type === 'reveal') this.#reveals = [...this.#reveals, message].slice(-16);
    if (message.type === 'attest') this.#attests = [...this.#attests, message].slice(-16);
  }

  async tick(): Promise<void> {
    this.#ticks++;
    switch (this.#options.cheat) {
      case 'garbage':
        return this.#garbage();
      case 'replay':
        return this.#replay();
      case 'flood':
        return this.#flood();
      case 'copy':
        return this.#copy();
      case 'equivocate':
        return this.#equivocate();
      case 'lie':
        return this.#lie();
    }
  }

  /** Random bytes as messages on every topic, twice a second. */
  #garbage(): void {
    if (this.#ticks % 2 === 0)
      this.#send(
        this.#topics.rounds,
        this.#options.randomBytes(
          1 + (new DataView(this.#options.randomBytes(2).buffer).getUint16(0) % 4_096),
        ),
      );
    if (this.#ticks % 5 === 0) this.#send(this.#topics.attestations, this.#options.randomBytes(64));
  }

  /** Two hundred messages of old rounds a second: as they were, and then these with other signatures. */
  #replay(): void {
    const { recorded, key, networkId, ledger } = this.#options;
    const round = Math.max(0, ledger.clock.read().round - OLD_ROUNDS);
    if (recorded.length === 0)
      recorded.push(
        encodeMessage(key, networkId, { type: 'ack', round, seq: 1, body: { attestations: [] } }),
      );
    for (let n = 0; n < 40; n++, this.#replayed++) {
      const bytes = must(recorded, this.#replayed % recorded.length);
      this.#send(
        this.#topics.attestations,
        this.#replayed < recorded.length ? bytes : this.#withOtherSignature(bytes),
      );
    }
  }

  /** A hundred messages a second that are right in every other way. */
  #flood(): void {
    const { round } = this.#options.ledger.clock.read();
    for (let n = 0; n < 20; n++)
      this.#say({ type: 'ack', round, seq: this.#seq++, body: { attestations: [] } });
  }

  /** Shows the answers of others as its own, and attests what others trained. */
  async #copy(): Promise<void> {
    const { key, ledger, onStolen } = this.#options;
    const { round } = ledger.clock.read();
    for (const { body, round: of, author } of this.#reveals.splice(0)) {
      if (of !== round || body.rollouts === null) continue;
      this.#say({ type: 'reveal', round, seq: this.#seq++, body });
      const renamed = { ...body.rollouts, author: key.address };
      const { cid } = encodeRollouts(renamed);
      onStolen({ cid, of: body.cid, from: author });
      const salt = toHex(this.#options.randomBytes(32));
      const digest = commitmentOf(salt, key.address, cid);
      if (author === key.address) continue;
      this.#say({ type: 'commit', round, seq: this.#seq++, body: { digest } });
      this.#say({ type: 'reveal', round, seq: this.#seq++, body: { salt, cid, rollouts: renamed } });
    }
    for (const { body, round: of } of this.#attests.splice(0)) {
      const { signature } = await ledger.signAttestation({
        round: of,
        checkpointRoot: body.checkpointRoot,
        rolloutDigest: body.rolloutDigest,
      });
      this.#say({ type: 'attest', round: of, seq: this.#seq++, body: { ...body, signature } });
    }
  }

  /** Says one thing to half of its neighbours and another to the rest, in every stage. */
  async #equivocate(): Promise<void> {
    const { key, ledger, networkId } = this.#options;
    const { round, stage } = ledger.clock.read();
    if (!this.#once(round, stage)) return;
    const halves: readonly (readonly Said[])[] = [
      await this.#story(round, stage, 0),
      await this.#story(round, stage, 1),
    ];
    const peers = this.#peers();
    // Then the other story to those who heard the first.
    for (const turned of [0, 1])
      for (const [half, said] of halves.entries())
        for (const message of said)
          this.#send(
            this.#topics[MESSAGE_TYPES[message.type].topic],
            encodeMessage(key, networkId, { ...message, seq: this.#seq++ } as UnsignedMessage),
            peers.filter((_, n) => (n + turned) % 2 === half),
          );
  }

  /** Votes for itself, attests what never was, and acknowledges other roots than others attested. */
  async #lie(): Promise<void> {
    const { key, ledger } = this.#options;
    const { round, stage } = ledger.clock.read();
    if (this.#ticks % 5 === 0 && this.#attests.length > 0) {
      const attestations = this.#attests.map(({ author, round: of }) => ({
        author,
        round: of,
        checkpointRoot: toHex(this.#options.randomBytes(32)),
      }));
      this.#say({ type: 'ack', round, seq: this.#seq++, body: { attestations } });
    }
    if (stage !== 'vote' || !this.#once(round, stage)) return;
    this.#say({ type: 'vote', round, seq: this.#seq++, body: await this.#vote(round, [key.address], 0) });
    this.#say({ type: 'attest', round, seq: this.#seq++, body: await this.#attestation(round) });
  }

  async #story(round: number, stage: Stage, half: number): Promise<readonly Said[]> {
    const { key } = this.#options;
    const salt = toHex(new Uint8Array(32).fill(half + 1));
    const set = { author: key.address, modelRoot: toHex(new Uint8Array(32).fill(half)), groups: [] };
    const { cid } = encodeRollouts(set);
    if (stage === 'answer')
      return [
        { type: 'commit', round, body: { digest: commitmentOf(salt, key.address, cid) } },
        { type: 'reveal', round, body: { salt, cid, rollouts: set } },
      ];
    if (stage === 'critique')
      return [
        {
          type: 'critique',
          round,
          body: {
            judgements: [{ item: half, author: key.address, sample: 0, text: `${half}`, right: half === 0 }],
          },
        },
      ];
    const known = this.#attests.map(({ author }) => author);
    return [
      { type: 'vote', round, body: await this.#vote(round, [known[half] ?? key.address], half) },
      { type: 'attest', round, body: await this.#attestation(round) },
    ];
  }

  async #vote(round: number, winners: readonly DeviceAddress[], item: number): Promise<Body<'vote'>> {
    const { signature } = await this.#options.ledger.signVote({ round, winners });
    return {
      winners,
      signature,
      ballots: winners.map((author) => ({ item, author, sample: 0 })),
      corrections: [],
    };
  }

  /** Of a checkpoint that nobody trained, and a set that nobody has. */
  async #attestation(round: number): Promise<Body<'attest'>> {
    const { key, ledger } = this.#options;
    const root: Hex = toHex(this.#options.randomBytes(32));
    const { cid } = encodeRollouts({ author: key.address, modelRoot: root, groups: [] });
    const rolloutDigest = digestInCid(cid);
    const { signature } = await ledger.signAttestation({ round, checkpointRoot: root, rolloutDigest });
    return {
      checkpointRoot: root,
      rolloutDigest,
      signature,
      previousRoot: root,
      checkpoint: `bafkrei${'a'.repeat(52)}`,
      rollouts: cid,
      foreign: [],
      engine: 'none',
      conformance: UNTESTED,
      optimizerSteps: 1,
      meanReward: 1,
      heldOutAccuracy: 1,
    };
  }

  /** Whether this is the first call of the stage, a second into it. */
  #once(round: number, stage: Stage): boolean {
    const name = `${round} ${stage}`;
    if (this.#done.has(name) || this.#options.ledger.clock.read().sinceStageStart < 1_000) return false;
    this.#done = new Set([name]);
    return true;
  }

  #say(message: UnsignedMessage): void {
    const { key, networkId } = this.#options;
    this.#send(this.#topics[MESSAGE_TYPES[message.type].topic], encodeMessage(key, networkId, message));
  }

  /** Another message of the same round and author, whose signature nobody reaches. */
  #withOtherSignature(bytes: Uint8Array): Uint8Array {
    return dagCbor.encode({ ...(dagCbor.decode(bytes) as object), sig: this.#options.randomBytes(64) });
  }

  #peers(): readonly string[] {
    return [...this.#raw.streamsOutbound.keys()].sort();
  }

  #send(topic: string, data: Uint8Array, peers = this.#peers()): void {
    for (const peer of peers) this.#raw.sendRpc(peer, { subscriptions: [], messages: [{ topic, data }] });
  }
}

/** A message without its number. */
type Said = {
  [T in 'commit' | 'reveal' | 'critique' | 'vote' | 'attest']: {
    readonly type: T;
    readonly round: number;
    readonly body: Body<T>;
  };
}['commit' | 'reveal' | 'critique' | 'vote' | 'attest'];
