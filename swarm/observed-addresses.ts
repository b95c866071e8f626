import type { Libp2p } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';

type Change = (address: Multiaddr, options?: unknown) => unknown;

interface AddressBook {
  confirmObservedAddr: Change;
  removeObservedAddr: Change;
}

/**
 * Makes the confirmation and the removal of observed addresses never throw. libp2p 3.3.11 throws outside of
 * any promise, which ends a process, for an address without a host of its own, such as one through a peer
 * that is reached by WebRTC (`/webrtc/p2p/<peer>/p2p-circuit`): when that peer gives a reservation, and again
 * when it leaves. Any peer that offers to relay can cause that. Such an address needs neither.
 */
export function tolerateHostlessAddresses(libp2p: Libp2p): void {
  const { addressManager } = (
    libp2p as unknown as { readonly components: { readonly addressManager: AddressBook } }
  ).components;
  for (const name of ['confirmObservedAddr', 'removeObservedAddr'] as const) {
    const change = addressManager[name].bind(addressManager);
    addressManager[name] = (address, options) => {
      try {
        return change(address, options);
      } catch (error) {
        libp2p.logger.forComponent('starling:addresses')('%s: %a: %e', name, address, error);
        return undefined;
      }
    };
  }
}
