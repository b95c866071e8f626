import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { BoundedMap } from '../../swarm/bounded-map.ts';
import type { Content } from '../../swarm/content/content.ts';
import type { Message } from '../../swarm/messages/envelope.ts';
import { digestInCid } from '../../swarm/messages/rollouts.ts';
import type { ArchiveFolder } from './archive-folder.ts';
import { type RoundRecord, roundRecord } from './round-record.ts';

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
  readonly onEvent?: (event: ArchiveEvent) => void;
  /** Rounds kept; older ones are forgotten. 200 by default. */
  readonly keepRounds?: number;
}

/** Rounds being fetched or waiting; when more are attested the oldest waiting one is dropped. */
const MAX_WAITING = 256;
const AT_ONCE = 2;

/**
 * Keeps what devices publish about their rounds. Attestations come in through `hear`, one message at a time;
 * what they name is fetched by CID, checked against the attestation, and only then recorded.
 */
export class ArchiveCollector {
  readonly #options: CollectorOptions;
  /** Who revealed which rollouts: an attestation names others' rollouts by CID alone. */
  readonly #authors = new BoundedMap<string, DeviceAddress>(8192);
  readonly #keys = new BoundedMap<DeviceAddress, string>(1024);
  readonly #waiting: Message<'attest'>[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #newest = 0;
  #pruned = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  hear(message: Message): void {
    this.#keys.set(message.author, peerIdOf(message.from));
    if (message.type === 'reveal') this.#authors.set(message.body.cid, message.author);
    if (message.type !== 'attest' || this.#stopped.signal.aborted) return;
    this.#waiting.push(message);
    if (this.#waiting.length > MAX_WAITING) {
      const dropped = this.#waiting.shift();
      if (dropped !== undefined) this.#refuse(dropped, 'more rounds are attested than can be fetched');
    }
    this.#next();
  }

  /** Resolves when nothing is being fetched. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#waiting.length = 0;
    await this.idle();
  }

  #next(): void {
    while (this.#running.size < AT_ONCE) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      const running = this.#collect(message)
        .catch((error: unknown) => {
          if (this.#stopped.signal.aborted) return;
          this.#refuse(message, error instanceof Error ? error.message : String(error));
        })
        .finally(() => {
          this.#running.delete(running);
          this.#next();
        });
      this.#running.add(running);
    }
  }

  async #collect(message: Message<'attest'>): Promise<void> {
    const { folder, content, run, seedOf } = this.#options;
    const { author: device, round, body } = message;
    const { signal } = this.#stopped;
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
    await content.fetchObject(body.rollouts, sources(device), { signal });
    for (const cid of body.foreign)
      await content.fetchObject(cid, sources(this.#authors.get(cid)), { signal });
    const checkpoint = await content.fetchFile(body.checkpoint, sources(device), { signal });
    const root = checkpointRoot(checkpoint);
    if (root !== body.checkpointRoot) {
      await folder.content.delete(body.checkpoint);
      throw new Error(`the published checkpoint has root ${root}, not the attested ${body.checkpointRoot}`);
    }
    const authors = new Map<string, DeviceAddress | null>();
    for (const cid of body.foreign)
      authors.set(cid, this.#authors.get(cid) ?? (await folder.authorOf(cid, round)) ?? null);
    const record = roundRecord({
      run,
      device,
      round,
      seed: seedOf(round),
      body,
      authorOf: (cid) => authors.get(cid) ?? null,
    });
    await folder.save(record);
    this.#options.onEvent?.({ kind: 'archived', record });
    await this.#prune(round);
  }

  /** Every tenth of the rounds kept, when nothing else is under way that a deletion could hit. */
  async #prune(round: number): Promise<void> {
    const keep = this.#options.keepRounds ?? 200;
    this.#newest = Math.max(this.#newest, round);
    const oldest = this.#newest - keep;
    if (oldest < this.#pruned + keep / 10 || this.#running.size > 1 || this.#waiting.length > 0) return;
    this.#pruned = oldest;
    await this.#options.folder.prune(oldest);
  }

  #refuse({ author: device, round }: Message<'attest'>, cause: string): void {
    this.#options.onEvent?.({ kind: 'refused', device, round, cause });
  }
}
