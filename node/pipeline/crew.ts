/** Trains with members in threads, kills some of them on the way, and lets others take their places. */
import { setTimeout as wait } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { byRank } from '../../pipeline/runtime/step-plan.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { BlockRun } from '../../training/blocks/block-run.ts';
import { hopGraphOf } from '../../workers/hop-graph-of-step.ts';
import type { FirstModel } from './first-model.ts';
import { MemberThread } from './member-thread.ts';
import type { PipelineSettings } from './settings.ts';
import type { FromMember, MemberCounts, Place } from './thread-messages.ts';

export interface CrewResult {
  /** Members that were killed. */
  readonly kills: number;
  /** The checkpoint's root after the last step, as each member has it. */
  readonly roots: ReadonlySet<Hex>;
  /** Steps that a member finished with every pass of every microbatch handed off. */
  readonly finished: number;
  /** From the first message to the last step's end, in milliseconds. */
  readonly elapsed: number;
  readonly counts: readonly MemberCounts[];
}

/** A member could not go on. The message tells why. */
export class PipelineRunError extends Error {
  override readonly name = 'PipelineRunError';
}

/** How often a place in the middle of a run is tried before the next step has passed it by. */
const JOIN_TRIES = 50;
const JOIN_PAUSE_MS = 20;
/** Members are killed while so much of the work is done. */
const KILLS_FROM = 0.05;
const KILLS_UNTIL = 0.9;

export class Crew {
  readonly #run: BlockRun;
  readonly #first: Pick<FirstModel, 'rootOf'>;
  readonly #settings: PipelineSettings;
  readonly #draws: DrawSequence;
  readonly #members: MemberThread[] = [];
  readonly #spares: MemberThread[] = [];
  readonly #states = new Map<DeviceAddress, ReadonlyMap<string, Hex>>();
  readonly #counts: MemberCounts[] = [];
  readonly #killAt: number[];
  #secrets = 0;
  #computed = 0;
  #finished = 0;
  #kills = 0;
  #replacing = 0;
  #settle: { resolve: () => void; reject: (reason: unknown) => void } | undefined;

  constructor(run: BlockRun, first: Pick<FirstModel, 'rootOf'>, settings: PipelineSettings) {
    this.#run = run;
    this.#first = first;
    this.#settings = settings;
    const seed = new Uint8Array(32).fill(settings.seed);
    this.#draws = RandomStream.named({ seed, round: 0, device: '', purpose: 'paths' }).sequence(1);
    const work = settings.steps * run.step(0).hops.length;
    const [from, until] = [Math.ceil(KILLS_FROM * work), Math.floor(KILLS_UNTIL * work)];
    this.#killAt = Array.from({ length: settings.kills }, () => this.#draws.integer(from, until)).sort(
      (a, b) => a - b,
    );
  }

  /** Runs all steps. Throws PipelineRunError when a member cannot compute. */
  async train(signal: AbortSignal): Promise<CrewResult> {
    const { members, kills } = this.#settings;
    try {
      for (let index = 0; index < members; index++) this.#members.push(this.#newThread());
      if (kills > 0) this.#spares.push(this.#newThread(), this.#newThread());
      await Promise.all([...this.#members, ...this.#spares].map((thread) => thread.next('ready')));
      signal.throwIfAborted();
      const started = performance.now();
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        this.#begin();
      });
      const elapsed = performance.now() - started;
      const roots = new Set(
        [...this.#states.values()].map((state) => this.#first.rootOf(this.#settings.steps, state)),
      );
      return { kills: this.#kills, roots, finished: this.#finished, elapsed, counts: this.#counts };
    } finally {
      await Promise.all([...this.#members, ...this.#spares].map((thread) => thread.kill()));
    }
  }

  #newThread(): MemberThread {
    const settings = this.#settings;
    const name = `member ${this.#secrets++} of ${settings.seed}`;
    const thread = new MemberThread({ settings, secret: sha256Of(new TextEncoder().encode(name)) });
    thread.listen((message) => this.#onMessage(thread, message));
    return thread;
  }

  get #alive(): MemberThread[] {
    return this.#members.filter(({ isAlive }) => isAlive);
  }

  #begin(): void {
    const blocks = this.#run.plan.blocks.map(({ id }) => id);
    const { copies } = this.#settings;
    for (const block of blocks) {
      const ranked = byRank(
        block,
        this.#members.map(({ device }) => device),
      );
      const keepers = [...this.#members].sort(
        (a, b) => a.blocks.length - b.blocks.length || ranked.indexOf(a.device) - ranked.indexOf(b.device),
      );
      for (const keeper of keepers.slice(0, copies)) keeper.blocks = [...keeper.blocks, block];
    }
    const keepers: Place[] = this.#members.map((member) => ({
      device: member.device,
      blocks: member.blocks,
    }));
    for (const [index, member] of this.#members.entries())
      for (const other of this.#members.slice(0, index)) link(member, other);
    for (const member of this.#members)
      member.send({ kind: 'begin', beginning: { kind: 'first', blocks: member.blocks, keepers } });
  }

  #onMessage(thread: MemberThread, message: FromMember): void {
    switch (message.kind) {
      case 'computed':
        this.#computed++;
        this.#killNext();
        return;
      case 'finished':
        this.#finished = Math.max(this.#finished, message.step + 1);
        if (message.step + 1 === this.#settings.steps) this.#states.set(thread.device, message.state);
        return;
      case 'counts':
        this.#counts.push(message.counts);
        this.#endWhenDone();
        return;
      case 'behind':
        if (thread.isAlive) void this.#replace(thread);
        return;
      case 'failed':
        this.#settle?.reject(new PipelineRunError(`Member ${thread.device}: ${message.message}`));
        return;
      default:
        return;
    }
  }

  #endWhenDone(): void {
    if (this.#replacing > 0) return;
    if (this.#alive.every(({ device }) => this.#states.has(device))) this.#settle?.resolve();
  }

  /** Kills a member when its time has come, if a spare is there and each block has another keeper. */
  #killNext(): void {
    const at = this.#killAt[0];
    if (at === undefined || this.#computed < at || this.#replacing > 0 || this.#spares.length === 0) return;
    const victims = this.#alive.filter((member) => this.#canDoWithout(member));
    if (victims.length === 0) return;
    this.#killAt.shift();
    // The first one is an origin: it makes microbatches from tokens.
    const origins = victims.filter(({ blocks }) => blocks.includes('embedding'));
    const victim = this.#draws.pick(this.#kills === 0 && origins.length > 0 ? origins : victims);
    this.#kills++;
    void this.#replace(victim);
  }

  #canDoWithout(member: MemberThread): boolean {
    const others = this.#alive.filter((other) => other !== member && other.isSettled);
    return member.blocks.every((block) => others.some(({ blocks }) => blocks.includes(block)));
  }

  async #replace(victim: MemberThread): Promise<void> {
    this.#replacing++;
    try {
      await victim.kill();
      const spare = this.#spares.shift() ?? (await this.#readyThread());
      if (this.#killAt.length > 0) void this.#readyThread().then((thread) => this.#spares.push(thread));
      if (await this.#join(spare, victim.blocks)) this.#members.push(spare);
      else await spare.kill();
    } catch (error) {
      this.#settle?.reject(error);
    } finally {
      this.#replacing--;
      this.#endWhenDone();
    }
  }

  async #readyThread(): Promise<MemberThread> {
    const thread = this.#newThread();
    await thread.next('ready');
    return thread;
  }

  /** Gives a spare what a member keeps that is no more. Returns false when the run is over. */
  async #join(spare: MemberThread, blocks: readonly string[]): Promise<boolean> {
    for (let tries = 0; tries < JOIN_TRIES; tries++) {
      // Updates of these blocks wait for the spare, so that the step is not over before it is there.
      for (const member of this.#alive) member.send({ kind: 'arriving', device: spare.device, blocks });
      const host = this.#draws.pick(this.#alive);
      const asked = host.next('welcome');
      host.send({ kind: 'welcome' });
      const welcome = await asked;
      if (welcome !== undefined && welcome.step >= this.#settings.steps) return false;
      const isOpen = welcome !== undefined && !this.#isUpdated(blocks, welcome);
      const files = isOpen ? await this.#filesOf(blocks, welcome.step) : undefined;
      if (welcome === undefined || files === undefined) {
        await wait(JOIN_PAUSE_MS);
        continue;
      }
      spare.blocks = blocks;
      for (const other of this.#alive) link(spare, other);
      const { messages } = welcome;
      spare.send({ kind: 'begin', beginning: { kind: 'join', blocks, welcome: messages, files } });
      return true;
    }
    return false;
  }

  /**
   * Whether the update of any of these blocks is done in the step of a welcome: then it is too late for it.
   */
  #isUpdated(
    blocks: readonly string[],
    { step, messages }: Extract<FromMember, { kind: 'welcome' }>,
  ): boolean {
    const graph = hopGraphOf(this.#run.step(step));
    return messages.some((message) => {
      if (message.kind !== 'handoff') return false;
      const { hop } = message.handoff;
      return graph.isForEveryKeeper(hop) && blocks.includes(graph.node(hop).block);
    });
  }

  async #filesOf(blocks: readonly string[], step: number): Promise<Uint8Array[] | undefined> {
    const files: Uint8Array[] = [];
    for (const block of blocks) {
      const keeper = this.#alive.find((member) => member.isSettled && member.blocks.includes(block));
      if (keeper === undefined) return undefined;
      const asked = keeper.next('file');
      keeper.send({ kind: 'file', block, step });
      const file = (await asked)?.file;
      if (file === undefined) return undefined;
      files.push(file);
    }
    return files;
  }
}

/** Two threads send to each other directly. */
function link(one: MemberThread, other: MemberThread): void {
  const { port1, port2 } = new MessageChannel();
  one.send({ kind: 'link', device: other.device, port: port1 });
  other.send({ kind: 'link', device: one.device, port: port2 });
}
