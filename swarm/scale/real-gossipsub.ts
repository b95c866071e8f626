import '../node20.ts';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { must } from '../../protocol/must.ts';
import { pubsubOver, swarmGossipsub } from '../gossipsub.ts';
import type { PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Connections } from './connections.ts';
import { readableTypeOf, type Traffic } from './traffic.ts';

/** Bytes of a frame's length. */
const LENGTH_BYTES = 2;

/** Bytes that come as one piece or as a list of pieces. */
interface Bytes {
  subarray(): Uint8Array;
}

/** What gossipsub asks of a stream that others write to. */
class InboundStream {
  readonly #waiting: Uint8Array[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;

  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#wake();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#wake();
  }

  abort(): void {
    void this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#isOver) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

interface Topology {
  onConnect(peerId: PeerId, connection: unknown): void;
  onDisconnect(peerId: PeerId): void;
}

type IncomingStream = (stream: InboundStream, connection: unknown) => void;

/** The part of the service that its interface leaves out. */
interface Received {
  handleReceivedRpc(
    from: PeerId,
    rpc: { readonly messages: readonly { readonly data?: Uint8Array }[] },
  ): Promise<void>;
}

interface Node {
  readonly peerId: PeerId;
  readonly service: GossipSub;
  incoming: IncomingStream;
  topology: Topology;
}

const silent = Object.assign((): void => undefined, {
  error: (): void => undefined,
  trace: (): void => undefined,
  enabled: false,
  newScope: () => silent,
});

/**
 * The real gossipsub with the swarm's settings, of every device, over streams that only take time. Its timers
 * have to be simulated ones (simulated-timers.ts) before it is started.
 */
export class RealGossipsub {
  readonly #scheduler: Scheduler;
  readonly #connections: Connections;
  readonly #traffic: Traffic;
  readonly #nodes: Node[] = [];
  /** Pairs of devices whose connection has ended. */
  readonly #closed = new Set<string>();

  constructor(options: {
    readonly scheduler: Scheduler;
    readonly connections: Connections;
    readonly traffic: Traffic;
  }) {
    this.#scheduler = options.scheduler;
    this.#connections = options.connections;
    this.#traffic = options.traffic;
  }

  /** Adds the next device, by the secret bytes of its key. */
  add(secret: Uint8Array, topics: readonly string[]): PubSub {
    const privateKey = privateKeyFromRaw(secret);
    const peerId = peerIdFromPrivateKey(privateKey);
    const node: Node = {
      peerId,
      service: swarmGossipsub({ topics })(this.#components(this.#nodes.length, privateKey, peerId)),
      incoming: () => undefined,
      topology: { onConnect: () => undefined, onDisconnect: () => undefined },
    };
    this.#nodes.push(node);
    this.#count(node.service as GossipSub & Received);
    return pubsubOver(node.service);
  }

  /** Starts all devices and opens their connections. */
  async start(): Promise<void> {
    for (const { service } of this.#nodes) await (service as GossipSub & { start(): Promise<void> }).start();
    for (const [from] of this.#nodes.entries())
      for (const to of this.#connections.neighbours(from).keys()) if (from < to) this.#connect(from, to);
  }

  /** Starts the device that was added last, which has no connections yet. Returns its number and service. */
  async startLast(): Promise<{ readonly device: number; readonly service: GossipSub }> {
    const device = this.#nodes.length - 1;
    const { service } = must(this.#nodes, device);
    await (service as GossipSub & { start(): Promise<void> }).start();
    return { device, service };
  }

  /** Opens a connection between two devices that have none. */
  open(a: number, b: number): void {
    this.#closed.delete(pairOf(a, b));
    this.#connections.connect(a, b);
    this.#connect(a, b);
  }

  /** The devices that a device is connected with. */
  neighbours(device: number): readonly number[] {
    const known = [...this.#connections.neighbours(device).keys()];
    return known.filter((other) => !this.#closed.has(pairOf(device, other)));
  }

  /** Ends the connection of two devices, if they have one. What is under way between them is lost. */
  close(a: number, b: number): void {
    if (!this.neighbours(a).includes(b)) return;
    this.#closed.add(pairOf(a, b));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      must(this.#nodes, from).topology.onDisconnect(must(this.#nodes, to).peerId);
  }

  async stop(): Promise<void> {
    for (const { service } of this.#nodes) await (service as GossipSub & { stop(): Promise<void> }).stop();
  }

  #connect(a: number, b: number): void {
    for (const [from, to, direction] of [
      [a, b, 'outbound'],
      [b, a, 'inbound'],
    ] as const)
      must(this.#nodes, from).topology.onConnect(
        must(this.#nodes, to).peerId,
        this.#connection(from, to, direction),
      );
  }

  #connection(from: number, to: number, direction: 'outbound' | 'inbound'): unknown {
    const far = must(this.#nodes, to);
    return {
      remotePeer: far.peerId,
      remoteAddr: multiaddr(`/ip4/10.0.${to >> 8}.${to & 255}/tcp/4001`),
      direction,
      status: 'open',
      newStream: async (protocols: readonly string[]) => this.#stream(from, to, must(protocols, 0)),
    };
  }

  #stream(from: number, to: number, protocol: string): unknown {
    const inbound = new InboundStream();
    const delay = this.#connections.delayOf(from, to);
    const pair = pairOf(from, to);
    this.#scheduler.after(delay, () => {
      if (!this.#closed.has(pair))
        must(this.#nodes, to).incoming(inbound, this.#connection(to, from, 'inbound'));
    });
    return {
      protocol,
      maxWriteBufferLength: 0,
      addEventListener: (): void => undefined,
      send: (bytes: Bytes): boolean => {
        const frame = bytes.subarray();
        this.#traffic.control(frame.length);
        this.#scheduler.after(delay, () => {
          if (!this.#closed.has(pair)) inbound.push(frame);
        });
        return true;
      },
      close: async (): Promise<void> => undefined,
      abort: (): void => undefined,
    };
  }

  /** Messages are counted by type, and what is left of the frames as gossipsub's own words. */
  #count(service: GossipSub & Received): void {
    const handle = service.handleReceivedRpc.bind(service);
    service.handleReceivedRpc = async (from, rpc) => {
      for (const { data } of rpc.messages) {
        const type = data === undefined ? undefined : readableTypeOf(data);
        if (data === undefined || type === undefined) continue;
        const bytes = data.length + LENGTH_BYTES;
        this.#traffic.copy(type, bytes);
        this.#traffic.control(-bytes);
      }
      await handle(from, rpc);
    };
  }

  #components(index: number, privateKey: PrivateKey, peerId: PeerId): GossipSubComponents {
    const components = {
      privateKey,
      peerId,
      peerStore: { merge: async () => undefined, get: async () => ({ addresses: [] }) },
      registrar: {
        handle: async (_protocol: string, incoming: IncomingStream) => {
          must(this.#nodes, index).incoming = incoming;
        },
        unhandle: async () => undefined,
        register: async (_protocol: string, topology: Topology) => {
          must(this.#nodes, index).topology = topology;
          return 'one';
        },
        unregister: () => undefined,
        getTopologies: () => [],
      },
      connectionManager: { openConnection: async () => undefined },
      logger: { forComponent: () => silent },
    };
    return components as unknown as GossipSubComponents;
  }
}

function pairOf(a: number, b: number): string {
  return `${Math.min(a, b)} ${Math.max(a, b)}`;
}
