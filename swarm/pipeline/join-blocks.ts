/** Takes part in training a model in blocks, over a connection to the swarm. */
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import { type Handoff, type HandoffDomain, isSigned, signHandoff } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { gossipAnnouncements } from '../blocks/announcements.ts';
import type { BlockFiles } from '../blocks/block-files.ts';
import type { BlockKeeperOptions } from '../blocks/block-keeper.ts';
import { BlockStore } from '../blocks/block-store.ts';
import { latencyClassOf } from '../blocks/keepers.ts';
import { blockMemberOf, blockMembers } from '../blocks/members.ts';
import { MAX_RESPONSE } from '../content/frames.ts';
import { serveContent } from '../content/server.ts';
import { libp2pContentTransport } from '../content/transport.ts';
import type { SwarmConnection } from '../join.ts';
import type { PeerView } from '../peers.ts';
import { stripedTransport } from '../striping/striped-transport.ts';
import { BlockSession } from './block-session.ts';
import type { StepShares } from './block-session-view.ts';
import { checkedHandoffs } from './checked-handoffs.ts';
import type { HopWorker } from './held-blocks.ts';
import { StateAttestations, type StateEvent } from './state-attestations.ts';

type Roots = ReadonlyMap<string, Hex>;

/** Versions of blocks travel beside the swarm's other content, so that neither takes the other's places. */
const BLOCKS_PROTOCOL = { id: '/starling/blocks/1', maxFrame: MAX_RESPONSE };
const PIPELINE_PROTOCOL = { id: '/starling/pipeline/1', maxFrame: 16 * 1024 * 1024 };
/** Until a peer was pinged. In milliseconds. */
const UNKNOWN_ROUND_TRIP = 200;

export interface JoinBlocksOptions {
  readonly connection: SwarmConnection;
  readonly key: DeviceKey;
  /** Where handoffs are signed for. */
  readonly domain: HandoffDomain;
  /** The content id of the swarm's specification. */
  readonly spec: string;
  /** Medium of the blocks. */
  readonly files: BlockFiles;
  /** Most bytes of it. */
  readonly quotaBytes: number;
  readonly run: {
    readonly blocks: BlockKeeperOptions['blocks'];
    graphOf(step: number): HopGraph;
    dataOf(step: number): Roots;
    versionRoot(block: string, step: number, roots: Roots): Hex;
    rootOf(bytes: Uint8Array): Hex;
    /** Roots of all blocks' tensors as the run starts with them. */
    readonly first: Roots;
  };
  readonly worker: HopWorker & {
    describe(
      file: Uint8Array,
    ): Promise<{ readonly block: string; readonly step: number; readonly roots: Roots }>;
  };
  /** Signs attestations for the chain, and has its clock. */
  readonly ledger: Pick<Ledger, 'clock' | 'signAttestation'>;
  /** The root of the whole model's checkpoint after so many steps, from the roots of all blocks' tensors. */
  readonly checkpointRoot: (steps: number, state: Roots) => Hex;
  /** Whether addresses count when keepers are chosen: not on a network on one machine. */
  readonly local: boolean;
  /** Called after each step, with the root of the whole model's checkpoint, which nobody has to hold. */
  readonly onStep?: (step: number, checkpointRoot: Hex, done: StepShares) => void;
  readonly onChange?: () => void;
  /** Told of this device's attestations. */
  readonly onAttestation?: (event: StateEvent) => void;
}

/** The name of a swarm's run in handoffs: sha2-256 of its network id and its specification's content id. */
function runIdOf(networkId: string, spec: string): Hex {
  return toHex(sha256Of(new TextEncoder().encode(`starling/block-run/1\n${networkId}\n${spec}`)));
}

/** Keeps blocks, serves them and computes hops with the others until it is stopped. */
export async function joinBlocks(options: JoinBlocksOptions): Promise<BlockSession> {
  const { connection, key, domain, run, worker, files, quotaBytes, local } = options;
  const { node, presence, gossip, content, scheduler, standings, networkId } = connection;
  const round = () => options.ledger.clock.read().round;
  // Every handoff of every member is checked. Without WebAssembly that takes ten times as long.
  const recover = await import('../../protocol/secp256k1-wasm.ts')
    .then(({ openKeyRecovery }) => openKeyRecovery())
    .catch(() => undefined);
  const store = await BlockStore.open({ files, quotaBytes });
  const transport = libp2pContentTransport(node.libp2p, BLOCKS_PROTOCOL);
  const stopServing = await serveContent({ store: store.content, transport, scheduler });
  const roundTrip = (peerId: string): number | undefined =>
    node.view().peers.find((peer) => peer.peerId === peerId)?.latency ?? undefined;
  const rules = { standings, local };
  const others = () => presence.members().filter(({ device }) => device !== key.address);
  const name = runIdOf(networkId, options.spec);
  const isSignedHere = checkedHandoffs((handoff: Handoff) => isSigned(domain, handoff, recover));
  const attestations = StateAttestations.start({
    ...{ device: key.address, ledger: options.ledger, gossip, content, scheduler, round },
    standingOf: (device) => standings.now(device),
    rules: { run: name, isSigned: isSignedHere },
    graphOf: (step) => run.graphOf(step),
    checkpointRoot: options.checkpointRoot,
    placeSecret: crypto.getRandomValues(new Uint8Array(32)),
    onEvent: options.onAttestation,
  });
  const session = await BlockSession.start({
    device: key.address,
    run: name,
    sign: (statement) => signHandoff(key, domain, statement),
    rules: {
      isSigned: isSignedHere,
      rootOf: (bytes) => run.rootOf(bytes),
      versionRoot: (block, step, roots) => run.versionRoot(block, step, roots),
    },
    graphOf: (step) => run.graphOf(step),
    dataOf: (step) => run.dataOf(step),
    first: run.first,
    worker,
    files,
    keeping: {
      run: networkId,
      self: blockMemberOf({ device: key.address, peerId: node.peerId, addresses: node.addresses() }, rules),
      blocks: run.blocks,
      store,
      announcements: gossipAnnouncements(gossip, round),
      transport,
      members: () => blockMembers(others(), rules),
      rootOf: async ({ block, step }, bytes) => {
        const found = await worker.describe(bytes);
        if (found.block !== block || found.step !== step) return `0x${'00'.repeat(32)}`;
        return run.versionRoot(block, step, found.roots);
      },
      latencyClass: () => latencyClassOf(medianRoundTrip(node.view().peers)),
    },
    transport: stripedTransport({
      plain: libp2pContentTransport(node.libp2p, PIPELINE_PROTOCOL),
      iceServers: connection.iceServers,
    }),
    scheduler,
    roundTrip: (device) => {
      const peerId = presence.member(device)?.peerId;
      return (peerId === undefined ? undefined : roundTrip(peerId)) ?? UNKNOWN_ROUND_TRIP;
    },
    hasRecord: () => standings.now(key.address).kind !== 'unknown',
    onStep(step, state, done) {
      const root = options.checkpointRoot(step + 1, state);
      attestations.finished(step, root, done);
      options.onStep?.(step, root, done);
    },
    onChange: options.onChange,
    async onStopped() {
      await attestations.stop();
      await stopServing();
    },
  });
  return session;
}

/** In milliseconds, of the peers that were pinged. */
function medianRoundTrip(peers: readonly PeerView[]): number {
  const known = peers.map(({ latency }) => latency).filter((latency) => latency !== null);
  const sorted = known.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? UNKNOWN_ROUND_TRIP;
}
