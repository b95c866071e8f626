/** The page of the benchmark "signatures": checks in a tab, both ways in turns. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { must } from '../protocol/must.ts';
import { openSecp256k1 } from '../protocol/secp256k1-wasm.ts';
import { checkInJavaScript } from '../protocol/signature-checks.ts';

export interface SignatureRates {
  /** Checks a second: the best of the turns. */
  readonly wasm: number;
  readonly javascript: number;
}

/** Each of a key of its own. */
const MESSAGES = 64;
/** Short turns, of which some have the core to themselves also on a busy machine. */
const TURNS = 200;
const TURN_MS = 20;

async function measure(): Promise<SignatureRates> {
  const messages = Array.from({ length: MESSAGES }, () => {
    const secret = secp256k1.utils.randomSecretKey();
    const digest = crypto.getRandomValues(new Uint8Array(32));
    const signature = secp256k1.sign(digest, secret, { prehash: false });
    return [signature, digest, secp256k1.getPublicKey(secret, true)] as const;
  });
  const checks = { wasm: await openSecp256k1(), javascript: checkInJavaScript };
  const best = { wasm: 0, javascript: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    for (const name of ['wasm', 'javascript'] as const) {
      const start = performance.now();
      let count = 0;
      while (performance.now() - start < TURN_MS) {
        const [signature, digest, publicKey] = must(messages, count % MESSAGES);
        if (!checks[name](signature, digest, publicKey)) throw new Error('A right signature was refused.');
        count++;
      }
      best[name] = Math.max(best[name], (1000 * count) / (performance.now() - start));
    }
  }
  return best;
}

Object.assign(window, { measureSignatures: measure });
