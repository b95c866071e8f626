import { expect, it } from 'vitest';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { OwnAttestation } from '../../swarm/rounds/attestation-outbox.ts';
import { storedAttestations } from './stored-attestations.ts';

const hex = (byte: string, bytes: number) => `0x${byte.repeat(bytes)}` as const;

function attestation(round: number): OwnAttestation {
  return {
    round,
    body: {
      ...{ checkpointRoot: hex('11', 32), rolloutDigest: hex('22', 32), signature: hex('33', 65) },
      ...{ previousRoot: hex('44', 32), checkpoint: 'bafy', rollouts: 'bafy', foreign: [], engine: 'wasm' },
      ...{ conformance: UNTESTED, optimizerSteps: 1, meanReward: 0.5, heldOutAccuracy: 0.25 },
    },
  };
}

/** A browser's storage of one page. */
function memoryStorage(): Storage {
  const texts = new Map<string, string>();
  return {
    get length() {
      return texts.size;
    },
    key: (index) => [...texts.keys()][index] ?? null,
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: (key) => void texts.delete(key),
    clear: () => texts.clear(),
  };
}

it('[P-206] a tab finds what it did not get rid of, of its own key and swarm alone', async () => {
  const storage = memoryStorage();
  const of = (device: string, networkId: string) =>
    storedAttestations({ device, networkId, storage: () => storage });
  await of('0xaa', 'one').write([attestation(3), attestation(4)]);
  expect(await of('0xaa', 'one').read()).toEqual([attestation(3), attestation(4)]);
  expect(await of('0xaa', 'two').read()).toEqual([]);
  expect(await of('0xbb', 'one').read()).toEqual([]);
  await of('0xaa', 'one').write([]);
  expect(storage.length).toBe(0);
});

it('[P-206] what is no attestation is left out, and a blocked storage keeps nothing', async () => {
  const storage = memoryStorage();
  const options = { device: '0xaa', networkId: 'one', storage: () => storage };
  await storedAttestations(options).write([attestation(3)]);
  const key = storage.key(0) ?? '';
  storage.setItem(key, JSON.stringify([null, 7, { round: 'x' }, attestation(3), { round: 4 }]));
  expect(await storedAttestations(options).read()).toEqual([attestation(3)]);
  storage.setItem(key, '{}');
  expect(await storedAttestations(options).read()).toEqual([]);
  const blocked = storedAttestations({
    ...options,
    storage: () => {
      throw new DOMException('Storage is blocked.', 'SecurityError');
    },
  });
  await blocked.write([attestation(3)]);
  expect(await blocked.read()).toEqual([]);
});
