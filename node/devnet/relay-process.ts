/** The local network's relay in a process of its own, so that stopping it is an outage and nothing else. */

import { startRelay } from '../../swarm/relay/relay.ts';
import { aborted, parseCommandLine, runProcess, wholeNumber } from '../home/command-line.ts';
import { secretFile } from '../home/key-file.ts';

await runProcess(async (signal) => {
  const { values } = parseCommandLine(
    { options: { key: { type: 'string', default: '' }, port: { type: 'string', default: '0' } } },
    'relay-process.ts --key FILE --port P',
  );
  const first = wholeNumber('--port', values.port, 0, 65_000);
  const relay = await startRelay({
    privateKey: await secretFile(values.key),
    ports: { ws: first, tcp: first === 0 ? 0 : first + 1 },
  });
  process.send?.({ addresses: relay.addresses });
  await aborted(signal);
  await relay.stop();
  return 0;
});
