import { type AttestationStore, parseAttestations } from '../rounds/attestation-outbox.ts';

/** Keeps attestations as a disk does: it outlives the drivers that use it. */
export function memoryStoreOfAttestations(): AttestationStore {
  let text = '[]';
  return {
    read: async () => parseAttestations(text),
    write: async (attestations) => {
      text = JSON.stringify(attestations);
    },
  };
}
