/** Devices that train a model of hashes in blocks, on a simulated clock: each a session with a medium. */
import { createHash } from 'node:crypto';
import { concatBytes } from '@noble/hashes/utils.js';
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import { encodePipelineMessage, type PipelineMessage } from '../../pipeline/runtime/messages.ts';
import {
  hashedData,
  hashedHop,
  hashedRoot,
  hashedState,
  versionIn,
} from '../../pipeline/testing/hashed-blocks.ts';
import { simulatedRules, simulatedSignature } from '../../pipeline/testing/simulated-pipeline.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Announcements } from '../blocks/announcements.ts';
import { BlockStore } from '../blocks/block-store.ts';
import type { BlockMember } from '../blocks/holders.ts';
import { roomFor } from '../blocks/needed-versions.ts';
import type { Hash } from '../content/manifest.ts';
import { serveContent } from '../content/server.ts';
import type { Channel, ContentTransport } from '../content/transport.ts';
import { BlockSession } from '../pipeline/block-session.ts';
import type { HopWorker } from '../pipeline/held-blocks.ts';
import { type Scheduler, wait } from '../scheduler.ts';
import { MemoryFiles } from './memory-files.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

const TENSOR_BYTES = 64;
const GOSSIP_MS = 50;
const hash: Hash = async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());

export interface SessionDevice {
  readonly member: BlockMember;
  readonly session: BlockSession;
  /** Roots of all blocks' tensors after each step that it finished. */
  readonly steps: Map<number, ReadonlyMap<string, Hex>>;
  /** The signed updates of each step that it finished. */
  readonly updates: Map<number, readonly Handoff[]>;
  /** Its medium, which is there after it has ended. */
  readonly files: MemoryFiles;
  /** The next step that it begins fails here once. */
  breakStep(): void;
  /** Ends it as a closed tab does: nobody is told. */
  kill(): void;
  /** Its timers and what is sent to it wait for so many milliseconds, as in a page whose thread is busy. */
  stall(ms: number): void;
}

export interface SimulatedSessionsOptions {
  readonly graphOf: (step: number) => HopGraph;
  /** Milliseconds that a hop takes. */
  readonly hopMs: number;
  /** Milliseconds that a worker takes for the file of a version, one after another. Defaults to 0. */
  readonly fileMs?: number;
  /** Milliseconds that a worker takes to begin a block. Defaults to 0. */
  readonly beginMs?: number;
  /** Milliseconds that a worker takes to load a version, one after another. Defaults to 0. */
  readonly loadMs?: number;
  /** Milliseconds that a worker takes besides to read a block's frozen weights. Defaults to 0. */
  readonly weightsMs?: number;
  /** Milliseconds that a message between two devices takes. Defaults to 0. */
  readonly messageMs?: number;
  /** What devices believe a round trip to take, in milliseconds. Defaults to two messages, at least 50. */
  readonly roundTripMs?: number;
  /** Milliseconds that an announcement to one device takes, drawn anew for each. Defaults to 50. */
  readonly gossipMs?: () => number;
}

export class SimulatedSessions {
  readonly scheduler = new SimulatedScheduler();
  readonly there = new Map<DeviceAddress, SessionDevice>();
  /** Whether devices know yet which others have a record. */
  areRecordsRead = true;
  readonly #options: SimulatedSessionsOptions;
  readonly #messages = new MemoryNetwork();
  readonly #contents = new MemoryNetwork();
  readonly #listeners = new Map<DeviceAddress, Parameters<Announcements['listen']>[0]>();
  readonly #dead = new Set<string>();
  /** Until when a peer's timers and messages wait. */
  readonly #stalls = new Map<string, number>();
  /** Channels of messages that were opened, with the peers at their ends. */
  readonly #opened = new Map<Channel, readonly [string, string]>();
  readonly #answering: BlockMember[] = [];
  #devices = 0;

  constructor(options: SimulatedSessionsOptions) {
    this.#options = options;
  }

  get first(): ReadonlyMap<string, Hex> {
    const graph = this.#options.graphOf(0);
    return new Map(
      [...graph.state.keys()].flatMap((block) =>
        [...hashedState(graph, block)].map(([name, bytes]) => [name, hashedRoot(bytes)] as const),
      ),
    );
  }

  /** A member without a session: it answers whatever a device sends with this message. */
  async addAnswering(answer: (device: DeviceAddress) => PipelineMessage, hasRecord: boolean): Promise<void> {
    const member = this.#newMember(hasRecord);
    this.#answering.push(member);
    await this.#delayed(this.#messages.transport(member.peerId)).serve(async (channel) => {
      const { signal } = new AbortController();
      for (;;) {
        await channel.read(signal);
        await channel.write(encodePipelineMessage(answer(member.device)), signal);
      }
    });
  }

  #newMember(hasRecord: boolean): BlockMember {
    const n = ++this.#devices;
    const device: DeviceAddress = `0x${n.toString(16).padStart(40, '0')}`;
    return { device, peerId: `peer ${n}`, account: device, prefixes: [`${n}`], hasRecord };
  }

  /** A new device comes in that may keep `quotaBytes`, with an empty medium or an earlier device's. */
  async join(quotaBytes = 2 ** 30, files = new MemoryFiles(), hasRecord = true): Promise<SessionDevice> {
    const { graphOf } = this.#options;
    const member = this.#newMember(hasRecord);
    const { device, peerId } = member;
    const store = await BlockStore.open({ files, quotaBytes, hash });
    const transport = this.#contents.transport(peerId);
    await serveContent({ store: store.content, transport, scheduler: this.scheduler });
    const graph = graphOf(0);
    const sizes = [...graph.state].map(([id, tensors]) => ({
      id,
      versionBytes: 128 + tensors.size * TENSOR_BYTES,
      // A block of which nothing is trained takes as much room as another one.
      frozenBytes: tensors.size === 0 ? roomFor({ versionBytes: 3 * TENSOR_BYTES, frozenBytes: 0 }) : 0,
    }));
    const steps = new Map<number, ReadonlyMap<string, Hex>>();
    const updates = new Map<number, readonly Handoff[]>();
    const worker = this.#worker(peerId);
    const scheduler = this.#stalling(peerId);
    let newest = 0;
    let breaks = false;
    const session = await BlockSession.start({
      device,
      run: simulatedRules.run,
      sign: (statement) => ({
        ...statement,
        device,
        signature: simulatedSignature({ ...statement, device }),
      }),
      rules: simulatedRules,
      graphOf(step) {
        const isNew = step > newest;
        newest = Math.max(newest, step);
        if (!isNew || !breaks) return graphOf(step);
        breaks = false;
        throw new Error(`Step ${step} is broken on purpose.`);
      },
      dataOf: (step) =>
        new Map([...hashedData(graphOf(step), step)].map(([name, bytes]) => [name, hashedRoot(bytes)])),
      first: this.first,
      worker,
      files,
      keeping: {
        run: 'simulated:0',
        self: member,
        blocks: sizes,
        store,
        announcements: this.#announcements(device),
        transport,
        random: () => 0.5,
        members: () =>
          [...[...this.there.values()].map((each) => each.member), ...this.#answering]
            .filter((each) => each.device !== device)
            .map((each) => (this.areRecordsRead ? each : { ...each, hasRecord: false })),
        rootOf: async ({ block, step }, bytes) => rootOfFile(graph, { block, step }, bytes),
        hash,
      },
      transport: this.#watched(peerId, this.#delayed(this.#messages.transport(peerId))),
      scheduler,
      roundTrip: () => this.#options.roundTripMs ?? Math.max(50, 2 * (this.#options.messageMs ?? 0)),
      onStep(step, state, done) {
        steps.set(step, state);
        updates.set(step, done.updates);
      },
    });
    const made: SessionDevice = {
      member,
      session,
      steps,
      updates,
      files,
      breakStep: () => {
        breaks = true;
      },
      kill: () => {
        this.#dead.add(peerId);
        this.#listeners.delete(device);
        this.there.delete(device);
        void session.stop();
      },
      stall: (ms) => {
        this.#stalls.set(peerId, this.scheduler.now() + ms);
      },
    };
    this.there.set(device, made);
    return made;
  }

  /** The step of a version's file, and the roots of its tensors. */
  describe(file: Uint8Array): { readonly step: number; readonly roots: ReadonlyMap<string, Hex> } {
    const { step, tensors } = readFile(this.#options.graphOf(0), file);
    return { step, roots: new Map([...tensors].map(([name, bytes]) => [name, hashedRoot(bytes)])) };
  }

  /** Closes all channels of messages between two devices. Either side may open another one. */
  disconnect(one: SessionDevice, other: SessionDevice): void {
    const ends = [one.member.peerId, other.member.peerId];
    for (const [channel, peers] of this.#opened)
      if (peers.every((peer) => ends.includes(peer))) {
        this.#opened.delete(channel);
        channel.close();
      }
  }

  /** Remembers the channels that are opened. */
  #watched(self: string, transport: ContentTransport): ContentTransport {
    return {
      ...transport,
      open: async (peerId, signal) => {
        const channel = await transport.open(peerId, signal);
        this.#opened.set(channel, [self, peerId]);
        return channel;
      },
    };
  }

  /** The clock of a device, which may stall. */
  #stalling(peerId: string): Scheduler {
    const { scheduler } = this;
    return {
      now: () => scheduler.now(),
      after: (ms, run) => {
        let cancel = scheduler.after(ms, () => {
          const left = (this.#stalls.get(peerId) ?? 0) - scheduler.now();
          if (left <= 0) run();
          else cancel = scheduler.after(left, run);
        });
        return () => cancel();
      },
    };
  }

  /** A transport whose frames take `messageMs` each way, in order, and wait for a peer that stalls. */
  #delayed(transport: ContentTransport): ContentTransport {
    const { messageMs = 0 } = this.#options;
    const delayed = (channel: Channel): Channel => {
      let arrivesAt = 0;
      return {
        ...channel,
        write: async (frame, signal) => {
          signal.throwIfAborted();
          const now = this.scheduler.now();
          arrivesAt = Math.max(arrivesAt, now + messageMs, this.#stalls.get(channel.peerId) ?? 0);
          if (arrivesAt === now) await channel.write(frame, signal);
          else
            this.scheduler.after(arrivesAt - now, () => {
              channel.write(frame, signal).catch(() => undefined);
            });
        },
      };
    };
    return {
      open: async (peerId, signal) => delayed(await transport.open(peerId, signal)),
      serve: (handle) => transport.serve((channel) => handle(delayed(channel))),
    };
  }

  #worker(peerId: string): HopWorker {
    const { graphOf, hopMs, fileMs = 0, beginMs = 0, loadMs = 0, weightsMs = 0 } = this.#options;
    const graph = graphOf(0);
    const versions = new Map<string, ReadonlyMap<string, Uint8Array>>();
    const rootsOf = (tensors: ReadonlyMap<string, Uint8Array>) =>
      new Map([...tensors].map(([name, bytes]) => [name, hashedRoot(bytes)]));
    let last: Promise<void> = Promise.resolve();
    const inTurn = (ms: number): Promise<void> => {
      last = last.then(() => wait(this.scheduler, ms));
      return last;
    };
    const withWeights = new Set<string>();
    const readWeights = async (block: string): Promise<void> => {
      if (!withWeights.has(block)) await inTurn(weightsMs);
      withWeights.add(block);
    };
    const forget = (block: string): void => {
      for (const version of versions.keys()) if (version.startsWith(`${block} `)) versions.delete(version);
    };
    const tensorsOf = (block: string, step: number) => {
      const tensors = versions.get(`${block} ${step}`);
      if (tensors === undefined) throw new RangeError(`${peerId} has no ${block} of step ${step}`);
      return tensors;
    };
    return {
      begin: async (block) => {
        if (beginMs > 0) await wait(this.scheduler, beginMs);
        versions.set(`${block} 0`, hashedState(graph, block));
        return { roots: rootsOf(hashedState(graph, block)) };
      },
      load: async (file) => {
        const { block, step, tensors } = readFile(graph, file);
        if (loadMs > 0) await inTurn(loadMs);
        if (weightsMs > 0) await readWeights(block);
        versions.set(`${block} ${step}`, tensors);
        return { roots: rootsOf(tensors) };
      },
      file: async (block, step) => {
        const tensors = tensorsOf(block, step);
        if (fileMs > 0) await inTurn(fileMs);
        return writeFile(block, step, tensors);
      },
      forget: async (block) => forget(block),
      release: async (block) => {
        withWeights.delete(block);
        forget(block);
      },
      compute: async (step, hop, inputs, signal) => {
        const at = graphOf(step);
        const { block } = at.node(hop);
        await wait(this.scheduler, hopMs, signal);
        const outputs = hashedHop({ graph: at, step, hop, inputs, state: tensorsOf(block, step) });
        if (at.isForEveryKeeper(hop)) {
          versions.set(`${block} ${step + 1}`, versionIn(at, block, outputs));
        }
        return outputs;
      },
    };
  }

  #announcements(device: DeviceAddress): Announcements {
    return {
      publish: async (body) => {
        const { gossipMs = () => GOSSIP_MS } = this.#options;
        for (const other of this.there.keys()) {
          if (other === device) continue;
          this.scheduler.after(gossipMs(), () =>
            this.#listeners.get(other)?.({ device, body, placing: { rank: 1, group: device } }),
          );
        }
      },
      listen: (listener) => {
        this.#listeners.set(device, listener);
        return () => this.#listeners.delete(device);
      },
    };
  }
}

/** A version as a file: 128 bytes of its place, then its tensors. */
function writeFile(block: string, step: number, tensors: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const head = new Uint8Array(128);
  head.set(new TextEncoder().encode(JSON.stringify({ block, step })));
  return concatBytes(head, ...tensors.values());
}

function readFile(graph: HopGraph, file: Uint8Array) {
  const text = new TextDecoder().decode(file.subarray(0, 128)).replaceAll('\0', '');
  const { block, step } = JSON.parse(text) as { block: string; step: number };
  const names = [...graph.stateOf(block).keys()];
  const tensors = new Map(
    names.map((name, i) => [name, file.slice(128 + i * TENSOR_BYTES, 128 + (i + 1) * TENSOR_BYTES)]),
  );
  return { block, step, tensors };
}

function rootOfFile(
  graph: HopGraph,
  { block, step }: { block: string; step: number },
  file: Uint8Array,
): Hex {
  const { tensors } = readFile(graph, file);
  const roots = [...graph.stateOf(block).keys()].map(
    (name) => [name, hashedRoot(tensors.get(name) ?? new Uint8Array())] as const,
  );
  return simulatedRules.versionRoot(block, step, new Map(roots));
}
