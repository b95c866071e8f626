/**
 * Attests what a run in blocks had at the beginning of each round, and looks at what other members attest.
 * Nobody needs the model for that: its root follows from the signed updates of a step.
 */
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Standing } from '../../protocol/standing.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Content } from '../content/content.ts';
import type { Gossip } from '../gossip.ts';
import type { Message } from '../messages/envelope.ts';
import { digestInCid } from '../messages/rollouts.ts';
import { decodeStateRecord, encodeStateRecord } from '../messages/state-record.ts';
import { type AcceptedBy, Acknowledgements } from '../rounds/acknowledgements.ts';
import { type FirstLook, ObjectChecks } from '../rounds/object-checks.ts';
import type { Scheduler } from '../scheduler.ts';
import type { StepShares } from './block-session-view.ts';
import { type Roots, type StateAfterOptions, stateAfter } from './run-states.ts';

export type StateEvent =
  /** The own attestation of a round was handed to the network. */
  | {
      readonly kind: 'attested';
      readonly round: number;
      /** Optimizer steps done. */
      readonly step: number;
      /** Of the whole model's checkpoint after that step. */
      readonly checkpointRoot: Hex;
    }
  /** One more has acknowledged it. */
  | ({ readonly kind: 'accepted'; readonly round: number } & AcceptedBy)
  /** A round goes without an attestation of this device. The cause is in words. */
  | { readonly kind: 'not attested'; readonly round: number; readonly cause: string };

export interface StateAttestationsOptions {
  readonly device: DeviceAddress;
  readonly ledger: Pick<Ledger, 'signAttestation'>;
  readonly gossip: Pick<Gossip, 'publish' | 'onMessage' | 'reject' | 'cohorts'>;
  readonly content: Pick<Content, 'publishObject' | 'fetchObject'>;
  readonly scheduler: Scheduler;
  /** The current round by chain time. */
  readonly round: () => number;
  readonly standingOf: (device: DeviceAddress) => Standing;
  readonly rules: StateAfterOptions['rules'];
  readonly graphOf: (step: number) => HopGraph;
  /** The root of the whole model's checkpoint after so many steps, from the roots of all blocks' tensors. */
  readonly checkpointRoot: (steps: number, state: Roots) => Hex;
  /** 32 bytes that rank authors among those that wait. */
  readonly placeSecret: Uint8Array;
  readonly onEvent?: (event: StateEvent) => void;
}

/** Steps whose roots are remembered, to compare with what others attest. */
const KNOWN_STEPS = 256;
/** Bytes that an attestation counts for while it waits. */
const ATTESTATION_BYTES = 512;

export class StateAttestations {
  readonly #options: StateAttestationsOptions;
  readonly #ended = new AbortController();
  readonly #acknowledgements: Acknowledgements;
  readonly #checks: ObjectChecks<'state'>;
  readonly #publishing = new SerialQueue();
  readonly #offMessages: () => void;
  /** Roots by the number of steps done. */
  readonly #known = new BoundedMap<number, Hex>(KNOWN_STEPS);
  /** Nothing is attested for this round or an earlier one. */
  #round: number;
  /** Hops that this device handed off since its last attestation. */
  #hops = 0;

  private constructor(options: StateAttestationsOptions) {
    this.#options = options;
    const { device, gossip, content, scheduler, round, standingOf, placeSecret } = options;
    // A device that comes back within a round may have attested it. A second statement would contradict that.
    this.#round = round();
    // Without cohorts nobody counts the members, and this device checks every attestation.
    const members = () => gossip.cohorts?.size ?? 1;
    this.#acknowledgements = new Acknowledgements({
      ...{ gossip, device, members, scheduler, round, standingOf },
      onAccepted: (at, _root, by) => this.#emit({ kind: 'accepted', round: at, ...by }),
    });
    this.#checks = new ObjectChecks({
      ...{ content, device, members, round, scheduler, standingOf, signal: this.#ended.signal },
      placeRankOf: (author) => toHex(sha256Of(placeSecret, encode(`${round()}\n`), fromHex(author))),
      reject: (reason, detail) => gossip.reject(reason, detail),
      cidOf: ({ body }) => body.record,
      bytesOf: () => ATTESTATION_BYTES,
      look: (message) => this.#look(message),
      wrong: (message, object) => this.#wrong(message, object),
      onChecked: (message) => this.#acknowledgements.acknowledge(message),
    });
    this.#offMessages = gossip.onMessage((message) => {
      if (message.type === 'state') this.#checks.check(message);
      if (message.type === 'ack') this.#acknowledgements.handleAck(message);
    });
  }

  /** Looks at what others attest from now on, and attests from the next round on. */
  static start(options: StateAttestationsOptions): StateAttestations {
    return new StateAttestations(options);
  }

  /**
   * Takes note of a step that ended, with the root of the whole model after it. The first one of a round is
   * attested where this device handed off a hop since its last attestation.
   */
  finished(step: number, root: Hex, { hops, updates }: Pick<StepShares, 'hops' | 'updates'>): void {
    const { device, round } = this.#options;
    const steps = step + 1;
    this.#known.set(steps, root);
    this.#hops += hops.get(device) ?? 0;
    const now = round();
    if (now <= this.#round) return;
    this.#round = now;
    if (this.#hops === 0) return;
    this.#hops = 0;
    void this.#publishing.run(() => this.#attest(now, steps, root, updates));
  }

  /** Resolves when nothing is being published any more. */
  async stop(): Promise<void> {
    this.#ended.abort(new DOMException('Stopped.', 'AbortError'));
    this.#offMessages();
    this.#acknowledgements.stop();
    await this.#publishing.idle();
  }

  async #attest(round: number, step: number, root: Hex, updates: StepShares['updates']): Promise<void> {
    const { ledger, gossip, content } = this.#options;
    try {
      if (this.#ended.signal.aborted) return;
      // A device attests nothing that others could not follow from the record.
      if (this.#rootOf(step, updates) !== root)
        throw new RangeError(`The signed updates of step ${step} are not all here.`);
      const { bytes, cid } = encodeStateRecord({ step, updates: [...updates] });
      await content.publishObject(bytes);
      const rolloutDigest = digestInCid(cid);
      const { signature } = await ledger.signAttestation({ round, checkpointRoot: root, rolloutDigest });
      this.#acknowledgements.expect(round, root);
      const body = { checkpointRoot: root, rolloutDigest, signature, step, record: cid };
      await gossip.publish({ type: 'state', round, body });
      this.#emit({ kind: 'attested', round, step, checkpointRoot: root });
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      this.#emit({ kind: 'not attested', round, cause: messageOf(error) });
    }
  }

  /** The root that signed updates give. Undefined where they do not give all tensors. */
  #rootOf(step: number, updates: StepShares['updates']): Hex | undefined {
    const state = stateAfter(this.#options, step - 1, updates);
    return state === undefined ? undefined : this.#options.checkpointRoot(step, state);
  }

  #look({ author, body: { step, checkpointRoot } }: Message<'state'>): FirstLook {
    const known = this.#known.get(step);
    if (known === undefined) return 'unknown';
    if (known === checkpointRoot) return 'right';
    return { wrong: `${author} attests another root after step ${step} than this device's` };
  }

  #wrong({ author, body }: Message<'state'>, object: Uint8Array): string | undefined {
    const { step, updates } = decodeStateRecord(object);
    if (step !== body.step) return `${author} attests step ${body.step} with the record of step ${step}`;
    // Each is a signature to check.
    const graph = this.#options.graphOf(step - 1);
    const most = graph.nodes.filter(({ index }) => graph.isForEveryKeeper(index)).length;
    if (updates.length > most) return `the record of ${author} has more updates than the step`;
    const root = this.#rootOf(step, updates);
    if (root === body.checkpointRoot) return undefined;
    return root === undefined
      ? `the record of ${author} does not give all tensors after step ${step}`
      : `the record of ${author} gives another root than it attests`;
  }

  #emit(event: StateEvent): void {
    if (!this.#ended.signal.aborted) this.#options.onEvent?.(event);
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
