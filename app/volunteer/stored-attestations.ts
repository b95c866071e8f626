import { type AttestationStore, parseAttestations } from '../../swarm/rounds/attestation-outbox.ts';
import { type StoredText, storedText } from '../ui/stored-text.ts';

/** What names the place of a device's attestations. */
export interface StoredAttestationsOptions {
  /** The device's address. A tab with another key does not send what this one signed. */
  readonly device: string;
  readonly networkId: string;
  /** Defaults to `localStorage`. */
  readonly storage?: () => Storage;
}

/**
 * Keeps attestations that nobody has acknowledged yet, so that a tab that is closed at that moment sends them
 * when it is opened again. They are a kilobyte each, and writing ends before the page may be closed.
 */
export function storedAttestations({
  device,
  networkId,
  storage = () => localStorage,
}: StoredAttestationsOptions): AttestationStore {
  const stored: StoredText = storedText(storage, `starling.attestations ${networkId} ${device}`);
  return {
    async read() {
      const text = stored.get();
      return text === null ? [] : parseAttestations(text);
    },
    async write(attestations) {
      stored.set(attestations.length === 0 ? null : JSON.stringify(attestations));
    },
  };
}
