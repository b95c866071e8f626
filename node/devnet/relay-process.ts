/** The local network's relay in a process of its own, so that stopping it is an outage and nothing else. */

import { aborted, parseCommandLine, runProcess } from '../home/command-line.ts';
import { startKeptRelay } from './kept-relay.ts';

await runProcess(async (signal) => {
  const { values } = parseCommandLine(
    {
      options: {
        key: { type: 'string', default: '' },
        ports: { type: 'string', default: '' },
        network: { type: 'string', multiple: true, default: [] },
      },
    },
    'relay-process.ts --key FILE --ports FILE --network ID [--network ID …]',
  );
  const relay = await startKeptRelay({ key: values.key, ports: values.ports, networks: values.network });
  process.send?.({ addresses: relay.addresses });
  await aborted(signal);
  await relay.stop();
  return 0;
});
