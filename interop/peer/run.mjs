/**
 * Takes part in the swarm of a network file until it is told to stop.
 *
 *     node run.mjs --network FILE [--apart] [--fault NAME]…
 *
 * Prints a line of JSON for each thing that happens. With --apart a reveal names the set by its CID alone, as
 * it does for a large one, and members fetch it. With faults it is one device for each of them, which is
 * wrong in that field alone (faults.mjs).
 */
import { parseArgs } from 'node:util';
import { NetworkFileError, openChain, readNetwork } from './chain.mjs';
import { Device } from './device.mjs';
import { FAULTS } from './faults.mjs';

const { values } = parseArgs({
  options: {
    network: { type: 'string', default: 'network.json' },
    apart: { type: 'boolean', default: false },
    fault: { type: 'string', multiple: true, default: [] },
  },
});
const unknown = values.fault.find((name) => !Object.hasOwn(FAULTS, name));
if (unknown !== undefined) {
  console.error(`There is no fault ${unknown}. Name one of: ${Object.keys(FAULTS).join(', ')}.`);
  process.exit(2);
}

const network = await readNetwork(values.network).catch((error) => {
  if (!(error instanceof NetworkFileError)) throw error;
  console.error(error.message);
  process.exit(2);
});
const chain = await openChain(network);
const names = values.fault.length === 0 ? [undefined] : values.fault;
const devices = names.map(
  (name) =>
    new Device({
      network,
      chain,
      apart: values.apart,
      fault: name === undefined ? {} : FAULTS[name],
      say: (event) => console.log(JSON.stringify(name === undefined ? event : { ...event, fault: name })),
    }),
);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.allSettled(devices.map((device) => device.stop()));
    chain.stop();
    process.exit(0);
  });
}
await Promise.all(devices.map((device) => device.start()));
