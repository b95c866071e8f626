import { MemoryBus } from './memory-bus.ts';
import { describePubSubContract } from './pubsub-contract.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

describePubSubContract('MemoryBus', async () => {
  const scheduler = new SimulatedScheduler();
  const bus = new MemoryBus(scheduler);
  return {
    peers: [bus.pubsub('a'), bus.pubsub('b'), bus.pubsub('c')],
    topics: ['first', 'second'],
    joined: async () => {},
    pass: () => scheduler.advance(10),
    stop: async () => {},
  };
});
