import { type AttestationStore, parseAttestations } from '../../swarm/rounds/attestation-outbox.ts';
import { readIfThere, writeWhole } from './files.ts';

/**
 * Keeps attestations that nobody has acknowledged yet in a file, so that a process that ends before its bytes
 * are out sends them when it begins again. Reading throws SyntaxError for a damaged file.
 */
export function attestationFile(path: string): AttestationStore {
  return {
    async read() {
      const bytes = await readIfThere(path);
      return bytes === undefined ? [] : parseAttestations(new TextDecoder().decode(bytes));
    },
    write: (attestations) => writeWhole(path, JSON.stringify(attestations), 0o600),
  };
}
