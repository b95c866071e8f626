import { deviceKey } from '../../protocol/device-key.ts';
import {
  describeLedgerContract,
  describeRoundClockContract,
} from '../../protocol/testing/ledger-contract.ts';
import { simulatedLedger } from './simulated-ledger.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

const key = deviceKey(new Uint8Array(32).fill(1));
const otherKey = deviceKey(new Uint8Array(32).fill(2));

describeLedgerContract('simulatedLedger', () => {
  const scheduler = new SimulatedScheduler();
  const directory = new Map();
  return {
    ledger: simulatedLedger(key, scheduler, directory),
    device: key.address,
    other: simulatedLedger(otherKey, scheduler, directory),
    otherDevice: otherKey.address,
    elsewhere: simulatedLedger(key, scheduler, directory, 'simulated:2'),
  };
});

describeRoundClockContract('simulatedLedger', () => {
  const scheduler = new SimulatedScheduler();
  return {
    clock: simulatedLedger(key, scheduler, new Map()).clock,
    advance: (ms) => scheduler.advance(ms),
    stop: () => {},
  };
});
