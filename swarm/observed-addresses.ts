import type { Libp2p } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';

interface AddressBook {
  confirmObservedAddr(address: Multiaddr, options?: unknown): unknown;
}

/**
 * Makes the confirmation of observed addresses never throw. libp2p 3.3.11 throws outside of any promise,
 * which ends the process, when it confirms an address without a host of its own, such as one through a peer
 * that is reached by WebRTC (`.../p2p-circuit/webrtc/p2p/<peer>/p2p-circuit`). Any peer that offers to relay
 * can cause that. Such an address needs no confirmation.
 */
export function tolerateHostlessAddresses(libp2p: Libp2p): void {
  const { addressManager } = (
    libp2p as unknown as { readonly components: { readonly addressManager: AddressBook } }
  ).components;
  const confirm = addressManager.confirmObservedAddr.bind(addressManager);
  addressManager.confirmObservedAddr = (address, options) => {
    try {
      return confirm(address, options);
    } catch (error) {
      libp2p.logger.forComponent('starling:addresses')('not confirmed %a: %e', address, error);
      return undefined;
    }
  };
}
