import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Standing } from '../../protocol/standing.ts';
import { BoundedMap } from '../../swarm/bounded-map.ts';
import type { Content } from '../../swarm/content/content.ts';
import type { Message } from '../../swarm/messages/envelope.ts';
import { decodeRollouts, digestInCid } from '../../swarm/messages/rollouts.ts';
import { deadline, type Scheduler } from '../../swarm/scheduler.ts';
import type { ArchiveFolder } from './archive-folder.ts';
import { fetchState } from './fetch-state.ts';
import { FollowedDevices, isStateDue } from './followed-devices.ts';
import { DailyBytes, QuotaError } from './quota.ts';
import { type RoundRecord, roundRecord } from './round-record.ts';
import type { Staging } from './staging.ts';
import { accountIn, type WaitingRound, WaitingRounds } from './waiting-rounds.ts';

export type ArchiveEvent =
  | { readonly kind: 'archived'; readonly record: RoundRecord }
  /** The state after a recorded round was asked for, and is here now. */
  | { readonly kind: 'state'; readonly record: RoundRecord }
  /** Such a state could not be had. */
  | { readonly kind: 'no state'; readonly record: RoundRecord; readonly cause: string }
  /** The round could not be fetched, or what was fetched is not what was attested. */
  | {
      readonly kind: 'refused';
      readonly device: DeviceAddress;
      readonly round: number;
      readonly cause: string;
    };

export interface CollectorOptions {
  readonly run: string;
  readonly folder: ArchiveFolder;
  readonly content: Pick<Content, 'fetchObject' | 'fetchFile'>;
  /** The seed of a round. */
  readonly seedOf: (round: number) => Hex;
  /** Peers that may have content besides its author. */
  readonly neighbours: () => readonly string[];
  /** What the chain says of a device. Never rejects. */
  readonly standingOf: (device: DeviceAddress) => Promise<Standing>;
  readonly scheduler: Scheduler;
  /** Most bytes that a checkpoint of the network's model has. A larger file is refused by its manifest. */
  readonly maxCheckpointBytes: number;
  /** Time for all that belongs to one round, in ms. */
  readonly roundDeadlineMs: number;
  readonly onEvent?: (event: ArchiveEvent) => void;
  /** Rounds kept; older ones are forgotten. Defaults to 200. */
  readonly keepRounds?: number;
  /** The state after every round that this divides is kept, besides first and last ones. Defaults to 10. */
  readonly stateEvery?: number;
  /** Bytes that one owner, or one device without owner, may have fetched in a day. Defaults to 8 GiB. */
  readonly bytesEachDay?: number;
  /** Bytes that all devices which the chain does not know may have fetched in a day. Defaults to 1 GiB. */
  readonly strangerBytesADay?: number;
  /** Bytes of content on the disk. Strangers' rounds are taken up to half of it. Defaults to 20 GiB. */
  readonly diskBytes?: number;
}

const GIB = 1024 ** 3;
const MAX_WAITING = 256;
/** Rounds of one account that wait. A device attests one round at a time. */
const WAITING_EACH = 4;
const AT_ONCE = 2;
/** Attestations whose authors are being looked up. */
const MAX_LOOKUPS = 4096;
/** Every so many rounds the state of a device is fetched. Others are recomputed from it. */
const STATE_EVERY = 10;
/** Attempts at a state that somebody asked for, before the request is forgotten. */
const STATE_TRIES = 5;
const NO_PLACE = 'more rounds are attested than can be fetched';
/** The strangers' account, which they share whatever keys they make. */
const STRANGERS = 'strangers';

/**
 * Keeps what devices publish about their rounds. Attestations come in through `hear`, one message at a time;
 * what they name is fetched by CID, checked against the attestation, and only then recorded. The state after
 * a round is fetched only where `isStateDue` says so, where the device falls silent, or where it is asked
 * for.
 */
export class ArchiveCollector {
  readonly #options: CollectorOptions;
  /** Who revealed which rollouts, and so may still have them. */
  readonly #authors = new BoundedMap<string, DeviceAddress>(8192);
  readonly #keys = new BoundedMap<DeviceAddress, string>(1024);
  readonly #waiting = new WaitingRounds({ places: MAX_WAITING, placesEach: WAITING_EACH, atOnce: AT_ONCE });
  readonly #bytes: DailyBytes;
  readonly #followed: FollowedDevices;
  /** Failed attempts at a state that somebody asked for. */
  readonly #tries = new BoundedMap<string, number>(256);
  readonly #lookups = new Set<Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #newest = 0;
  #answering = false;
  #pruned = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#bytes = new DailyBytes(() => options.scheduler.now());
    this.#followed = new FollowedDevices(options.folder);
  }

  hear(message: Message): void {
    this.#keys.set(message.author, peerIdOf(message.from));
    if (message.type === 'reveal') this.#authors.set(message.body.cid, message.author);
    if (message.type !== 'attest' || this.#stopped.signal.aborted) return;
    if (this.#lookups.size >= MAX_LOOKUPS) {
      this.#refuse(message, NO_PLACE);
      return;
    }
    const lookup = this.#options.standingOf(message.author).then((standing) => {
      this.#lookups.delete(lookup);
      if (this.#stopped.signal.aborted) return;
      const without = this.#waiting.add({ message, standing });
      if (without !== undefined) this.#refuse(without.message, NO_PLACE);
      this.#next();
    });
    this.#lookups.add(lookup);
  }

  /** Resolves when nothing is being fetched. */
  async idle(): Promise<void> {
    while (this.#running.size + this.#lookups.size > 0)
      await Promise.all([...this.#lookups, ...this.#running]);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#waiting.clear();
    await this.idle();
  }

  #next(): void {
    for (let round = this.#waiting.take(); round !== undefined; round = this.#waiting.take()) {
      const taken = round;
      const running = this.#collect(taken)
        .catch((error: unknown) => {
          if (this.#stopped.signal.aborted) return;
          this.#refuse(taken.message, messageOf(error));
        })
        .finally(() => {
          this.#running.delete(running);
          this.#waiting.done(taken);
          this.#next();
        });
      this.#running.add(running);
    }
  }

  /** How many bytes the round may have. Throws QuotaError when that is none. */
  async #allowance({ standing }: WaitingRound, account: string): Promise<number> {
    const { folder, bytesEachDay = 8 * GIB, strangerBytesADay = GIB, diskBytes = 20 * GIB } = this.#options;
    const stranger = standing.kind === 'unknown';
    const today = Math.min(
      bytesEachDay - this.#bytes.used(account),
      stranger ? strangerBytesADay - this.#bytes.used(STRANGERS) : Number.POSITIVE_INFINITY,
    );
    if (today <= 0) {
      throw new QuotaError(
        stranger
          ? "Today's bytes for devices without an owner or a record are used up. Bind the device to an owner."
          : "The owner's bytes for today are used up. The archive takes its rounds again tomorrow.",
      );
    }
    const room = (stranger ? diskBytes / 2 : diskBytes) - (await folder.size());
    if (room <= 0)
      throw new QuotaError(
        'The archive has no room for the round. Give it more of the disk, or keep fewer rounds.',
      );
    return Math.min(today, room);
  }

  /** Fetches a round into a staging folder, proves it, and only then keeps it. */
  async #collect(round: WaitingRound): Promise<void> {
    const { folder, scheduler, roundDeadlineMs } = this.#options;
    const account = accountIn(round);
    const staging = await folder.stage(await this.#allowance(round, account));
    const limit = deadline(scheduler, roundDeadlineMs, this.#stopped.signal);
    try {
      const { author, round: at, body } = round.message;
      const due = isStateDue(
        await this.#followed.of(author),
        { round: at, previousRoot: body.previousRoot },
        this.#options.stateEvery ?? STATE_EVERY,
      );
      const record = await this.#prove(round.message, staging, due, limit.signal);
      await staging.keep();
      await folder.save(record);
      await this.#followed.add(record, due);
      this.#options.onEvent?.({ kind: 'archived', record });
    } finally {
      limit.release();
      this.#bytes.add(account, staging.bytes());
      if (round.standing.kind === 'unknown') this.#bytes.add(STRANGERS, staging.bytes());
      await staging.discard();
    }
    await this.#fetchLastStates(round.message.round);
    await this.#prune(round.message.round);
  }

  /**
   * Fetches the states that `folder.wanted` asks for, from whoever is there. Each is given up after some
   * attempts. Does nothing while an earlier call is at work.
   */
  async answerRequests(): Promise<void> {
    if (this.#answering || this.#stopped.signal.aborted) return;
    this.#answering = true;
    const { folder } = this.#options;
    const answering = (async () => {
      for (const wanted of await folder.wanted.list()) {
        const record = await folder.record(wanted.device, wanted.round).catch(() => undefined);
        const name = `${wanted.device} ${wanted.round}`;
        const tries = (this.#tries.get(name) ?? 0) + 1;
        const isDone = record === undefined || (await this.#fetchState(record, tries === STATE_TRIES));
        this.#tries.set(name, tries);
        if (!isDone && tries < STATE_TRIES) continue;
        this.#tries.delete(name);
        await folder.wanted.remove(wanted);
      }
    })().finally(() => {
      this.#answering = false;
      this.#running.delete(answering);
    });
    this.#running.add(answering);
    await answering;
  }

  /** Devices that fell silent may leave. Their last states are fetched while somebody has them. */
  async #fetchLastStates(round: number): Promise<void> {
    const { folder } = this.#options;
    for (const quiet of this.#followed.quietSince(round - 1)) {
      const record = await folder.record(quiet.device, quiet.round).catch(() => undefined);
      if (record !== undefined) await this.#fetchState(record, false);
    }
  }

  /** Fetches, proves and keeps the state after a recorded round. Resolves with whether it is here. */
  async #fetchState(record: RoundRecord, isLastTry: boolean): Promise<boolean> {
    const { folder, content, scheduler, maxCheckpointBytes, roundDeadlineMs, onEvent } = this.#options;
    if (await folder.content.isHere(record.checkpoint)) return true;
    const limit = deadline(scheduler, roundDeadlineMs, this.#stopped.signal);
    let staging: Staging | undefined;
    try {
      staging = await folder.stage(maxCheckpointBytes);
      await fetchState({
        ...{ content, into: staging.store, maxBytes: maxCheckpointBytes, signal: limit.signal },
        ...{ cid: record.checkpoint, root: record.checkpointRoot },
        sources: this.#sources([record.device]),
      });
      await staging.keep();
      await this.#followed.add(record, true);
      onEvent?.({ kind: 'state', record });
      return true;
    } catch (error) {
      if (isLastTry && !this.#stopped.signal.aborted) {
        onEvent?.({ kind: 'no state', record, cause: messageOf(error) });
      }
      return false;
    } finally {
      limit.release();
      await staging?.discard();
    }
  }

  /** Peers to ask for what these devices published, the devices themselves first. */
  #sources(devices: readonly (DeviceAddress | undefined)[], from?: string): readonly string[] {
    const own = devices.flatMap((device) => (device === undefined ? [] : (this.#keys.get(device) ?? [])));
    return [...new Set([...own, ...(from === undefined ? [] : [from]), ...this.#options.neighbours()])];
  }

  /**
   * The smallest first: a checkpoint of another size is refused by its manifest, others' rollouts come last.
   */
  async #prove(
    message: Message<'attest'>,
    staging: Staging,
    withState: boolean,
    signal: AbortSignal,
  ): Promise<RoundRecord> {
    const { content, run, seedOf, maxCheckpointBytes: maxBytes } = this.#options;
    const { author: device, round, body } = message;
    const limits = { signal, into: staging.store };
    const sources = (author: DeviceAddress | undefined) => this.#sources([author], peerIdOf(message.from));
    if (digestInCid(body.rollouts) !== body.rolloutDigest)
      throw new Error('the rollouts named are not those attested');
    const own = decodeRollouts(await content.fetchObject(body.rollouts, sources(device), limits));
    if (own.author !== device) throw new Error(`the rollouts are those of ${own.author}`);
    if (withState) {
      await fetchState({
        ...{ content, ...limits, maxBytes, sources: sources(device) },
        ...{ cid: body.checkpoint, root: body.checkpointRoot },
      });
    }
    const authors = new Map<string, DeviceAddress>();
    for (const cid of body.foreign) {
      const bytes = await content.fetchObject(cid, sources(this.#authors.get(cid)), limits);
      authors.set(cid, decodeRollouts(bytes).author);
    }
    return roundRecord({
      run,
      device,
      round,
      seed: seedOf(round),
      body,
      authorOf: (cid) => authors.get(cid) ?? null,
    });
  }

  /** Every tenth of the rounds kept, when nothing else is under way that a deletion could hit. */
  async #prune(round: number): Promise<void> {
    const keep = this.#options.keepRounds ?? 200;
    this.#newest = Math.max(this.#newest, round);
    const oldest = this.#newest - keep;
    if (oldest < this.#pruned + keep / 10 || this.#running.size > 1 || this.#waiting.size > 0) return;
    this.#pruned = oldest;
    await this.#options.folder.prune(oldest);
  }

  #refuse({ author: device, round }: Message<'attest'>, cause: string): void {
    this.#options.onEvent?.({ kind: 'refused', device, round, cause });
  }
}
