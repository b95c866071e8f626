/**
 * The page of the benchmarks "content" and "connection": one tab of a swarm that gives a file or fetches it
 * as the app does, and one end of a bare data channel.
 */
import { BaseFileStore } from '../../app/volunteer/base-file-store.ts';
import type { FilesBase } from '../../models/loading/base-files.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { MODELS, opfsModelDirectory } from '../../models/loading/opfs-model-directory.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { toHex } from '../../protocol/hex.ts';
import { fileCid, StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { fromPeers, type LargeFile } from '../../swarm/content/member-files.ts';
import { reopenedFile } from '../../swarm/content/reopened-file.ts';
import { type ContentService, startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { libp2pContentTransport } from '../../swarm/content/transport.ts';
import { startGossip } from '../../swarm/gossip.ts';
import { topicsOf } from '../../swarm/network-id.ts';
import { createSwarmNode, type SwarmNode } from '../../swarm/node.ts';
import { startPresence } from '../../swarm/presence.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { connectModels } from '../../workers/model-client.ts';
import { BareChannel } from './bare-channel.ts';

/** What a run took, in ms. */
export interface FetchTimes {
  /** From the first request to the last chunk, verified and in the file. */
  readonly chunks: number;
  /** The same and the SHA-256 of the whole file, read back. */
  readonly whole: number;
}

export interface BenchTab {
  /** Resolves with the tab's peer id. */
  start(relays: readonly string[], networkId: string): Promise<string>;
  /** Resolves once there is a direct connection, with the ms since `start` was called. */
  untilDirect(peerId: string): Promise<number>;
  /** Writes a file of random bytes where the models of this device lie, and serves it. */
  give(bytes: number): Promise<LargeFile>;
  /** Fetches the file into this device's models, and deletes it after the time is taken. */
  fetch(file: LargeFile, peerId: string): Promise<FetchTimes>;
  readonly bare: BareChannel;
}

const store = new StoreWithLocalFiles(new MemoryStore(64 * 1024 * 1024));
const directory = opfsModelDirectory(MODELS);
const call = connectModels(new Worker('/worker.js', { type: 'module' }), () => undefined);
/** How often the tab looks whether it is connected, in ms. */
const POLL_MS = 10;
let startedAt = 0;
let node: SwarmNode | undefined;
let content: ContentService | undefined;

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Call start first.');
  return value;
}

function baseOf({ path, size, sha256 }: LargeFile, file: LargeFile): FilesBase {
  const root = filesRoot([{ name: path, size, sha256: sha256.slice(2) }]);
  return { kind: 'files', name: 'bench', root, files: [file] };
}

/** The folder of a base, as the model library names it. */
function folderOf({ root }: FilesBase): string {
  return root.slice(2, 34);
}

const tab: BenchTab = {
  async start(relays, networkId) {
    startedAt = performance.now();
    const key = deviceKey(crypto.getRandomValues(new Uint8Array(32)));
    node = await createSwarmNode({
      privateKey: key.secret,
      relays,
      topics: Object.values(topicsOf(networkId)),
      loopback: true,
      relayForOthers: true,
    });
    const { peerId } = node;
    const round = () => 1;
    const gossip = startGossip({ pubsub: node.pubsub, networkId, key, scheduler: systemScheduler, round });
    startPresence({
      ...{ gossip, node, publicKey: key.publicKey, round, scheduler: systemScheduler, relays: true },
      describe: () => ({ delegation: null, engine: 'none', conformance: UNTESTED }),
    });
    content = await startContent({
      store,
      transport: libp2pContentTransport(node.libp2p),
      scheduler: systemScheduler,
      // As a member that the chain knows.
      serve: { requesterOf: (asking) => ({ hasRecord: true, account: asking }) },
    });
    return peerId;
  },
  async untilDirect(peerId) {
    while (!started(node).isDirect(peerId)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    return performance.now() - startedAt;
  },
  async give(size) {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    const manifest = await manifestOf(bytes, webHash);
    const file: LargeFile = {
      path: 'model.safetensors',
      size,
      sha256: toHex(await webHash(bytes)),
      urls: [],
      manifest: await fileCid(manifest),
    };
    const base = baseOf(file, file);
    await call('take', { base, files: [{ name: file.path, path: file.path, blob: new Blob([bytes]) }] });
    const folder = folderOf(base);
    store.offer(
      file.manifest,
      reopenedFile(size, () => directory.reader(folder, file.path)),
    );
    return file;
  },
  async fetch(file, peerId) {
    const base = baseOf(file, file);
    const { signal } = new AbortController();
    const members = fromPeers(started(content), () => [peerId]);
    const start = performance.now();
    const into = new BaseFileStore({ base, file, call, signal });
    await members.large(file, into, { signal, onProgress: () => undefined });
    const chunks = performance.now() - start;
    const obtained = await call('finishChunks', { base, path: file.path }, signal);
    const whole = performance.now() - start;
    if (obtained.kind !== 'whole') throw new Error('The file is not whole.');
    await directory.remove(folderOf(base));
    return { chunks, whole };
  },
  bare: new BareChannel(),
};

Object.assign(window, { benchTab: tab });
