import { checkpointRoot } from '../../models/checkpoint/root.ts';
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
import { DailyBytes, QuotaError } from './quota.ts';
import { type RoundRecord, roundRecord } from './round-record.ts';
import type { Staging } from './staging.ts';
import { accountIn, type WaitingRound, WaitingRounds } from './waiting-rounds.ts';

export type ArchiveEvent =
  | { readonly kind: 'archived'; readonly record: RoundRecord }
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
const NO_PLACE = 'more rounds are attested than can be fetched';
/** The strangers' account, which they share whatever keys they make. */
const STRANGERS = 'strangers';

/**
 * Keeps what devices publish about their rounds. Attestations come in through `hear`, one message at a time;
 * what they name is fetched by CID, checked against the attestation, and only then recorded.
 */
export class ArchiveCollector {
  readonly #options: CollectorOptions;
  /** Who revealed which rollouts, and so may still have them. */
  readonly #authors = new BoundedMap<string, DeviceAddress>(8192);
  readonly #keys = new BoundedMap<DeviceAddress, string>(1024);
  readonly #waiting = new WaitingRounds({ places: MAX_WAITING, placesEach: WAITING_EACH, atOnce: AT_ONCE });
  readonly #bytes: DailyBytes;
  readonly #lookups = new Set<Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #newest = 0;
  #pruned = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#bytes = new DailyBytes(() => options.scheduler.now());
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
      const record = await this.#prove(round.message, staging, limit.signal);
      await staging.keep();
      await folder.save(record);
      this.#options.onEvent?.({ kind: 'archived', record });
    } finally {
      limit.release();
      this.#bytes.add(account, staging.bytes());
      if (round.standing.kind === 'unknown') this.#bytes.add(STRANGERS, staging.bytes());
      await staging.discard();
    }
    await this.#prune(round.message.round);
  }

  /**
   * The smallest first: a checkpoint of another size is refused by its manifest, others' rollouts come last.
   */
  async #prove(message: Message<'attest'>, staging: Staging, signal: AbortSignal): Promise<RoundRecord> {
    const { content, run, seedOf, maxCheckpointBytes: maxBytes } = this.#options;
    const { author: device, round, body } = message;
    const limits = { signal, into: staging.store };
    const sources = (author: DeviceAddress | undefined) => {
      const first = author === undefined ? undefined : this.#keys.get(author);
      return [
        ...new Set([
          ...(first === undefined ? [] : [first]),
          peerIdOf(message.from),
          ...this.#options.neighbours(),
        ]),
      ];
    };
    if (digestInCid(body.rollouts) !== body.rolloutDigest)
      throw new Error('the rollouts named are not those attested');
    const own = decodeRollouts(await content.fetchObject(body.rollouts, sources(device), limits));
    if (own.author !== device) throw new Error(`the rollouts are those of ${own.author}`);
    const checkpoint = await content.fetchFile(body.checkpoint, sources(device), { ...limits, maxBytes });
    const root = checkpointRoot(checkpoint);
    if (root !== body.checkpointRoot)
      throw new Error(`the published checkpoint has root ${root}, not the attested ${body.checkpointRoot}`);
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
