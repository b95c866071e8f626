import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import { type DeviceAddress, fromHex, toHex } from '../../protocol/hex.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Standing } from '../../protocol/standing.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { ROUND_MS, simulatedLedger } from '../../swarm/testing/simulated-ledger.ts';
import type { WorldDevice } from './settings.ts';

/** The key of a member of the drill, by its name. */
export function chaosKey(name: string): DeviceKey {
  return deviceKey(sha256Of(new TextEncoder().encode(`chaos member ${name}`)));
}

/** What everybody knows of the device of a name. */
export function worldDevice(name: string, known: boolean): WorldDevice {
  const { address, publicKey } = chaosKey(name);
  return { address, publicKey: toHex(publicKey), known };
}

/** A ledger that knows these devices, with rounds of so many seconds on the system's clock. */
export function worldLedger(options: {
  readonly key: DeviceKey;
  readonly devices: readonly WorldDevice[];
  readonly roundSeconds: number;
}): Ledger {
  const { key, devices, roundSeconds } = options;
  const directory = new Map<DeviceAddress, Uint8Array>(
    devices.map(({ address, publicKey }) => [address, fromHex(publicKey)]),
  );
  const standings = new Map<DeviceAddress, Standing>(
    devices.filter(({ known }) => known).map(({ address }) => [address, { kind: 'known' }]),
  );
  const factor = (1_000 * roundSeconds) / ROUND_MS;
  const clock = { ...systemScheduler, now: () => systemScheduler.now() / factor };
  return simulatedLedger(key, clock, directory, 'chaos', standings);
}
