import { describeContentTransportContract } from './content-transport-contract.ts';
import { MemoryNetwork } from './memory-transport.ts';

describeContentTransportContract('MemoryNetwork', async () => {
  const network = new MemoryNetwork();
  return {
    client: network.transport('client'),
    clientId: 'client',
    server: network.transport('server'),
    serverId: 'server',
    stop: async () => {},
  };
});
