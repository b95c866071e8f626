import type { Connection, Libp2p, PeerId } from '@libp2p/interface';

type Deny = (...values: never[]) => boolean | Promise<boolean>;

/** The part of libp2p that its interface leaves out. */
interface Gated {
  readonly components: {
    readonly connectionGater: {
      denyDialPeer?: (peer: PeerId) => boolean | Promise<boolean>;
      denyInboundEncryptedConnection?: (peer: PeerId, ...rest: never[]) => boolean | Promise<boolean>;
      denyOutboundEncryptedConnection?: Deny;
    };
  };
}

/**
 * A split of the network as one node sees it: connections to blocked peers are closed, and none is opened or
 * taken until the split heals.
 */
export class SplitGate {
  readonly #libp2p: Libp2p;
  #blocked: ReadonlySet<string> = new Set();

  constructor(libp2p: Libp2p) {
    this.#libp2p = libp2p;
    const gater = (libp2p as unknown as Gated).components.connectionGater;
    const { denyDialPeer, denyInboundEncryptedConnection } = gater;
    gater.denyDialPeer = async (peer) => this.#blocks(peer) || ((await denyDialPeer?.(peer)) ?? false);
    gater.denyInboundEncryptedConnection = async (peer, ...rest) =>
      this.#blocks(peer) || ((await denyInboundEncryptedConnection?.call(gater, peer, ...rest)) ?? false);
    // TCP is dialled without the peer's id, so who answers is known only now.
    libp2p.addEventListener('connection:open', ({ detail }) => this.#close(detail));
  }

  /** Has these peers on the other side from now on. An empty list heals the split. */
  block(peerIds: readonly string[]): void {
    this.#blocked = new Set(peerIds);
    for (const connection of this.#libp2p.getConnections()) this.#close(connection);
  }

  #blocks(peer: PeerId): boolean {
    return this.#blocked.has(peer.toString());
  }

  #close(connection: Connection): void {
    if (this.#blocks(connection.remotePeer)) connection.abort(new Error('The network is split.'));
  }
}
