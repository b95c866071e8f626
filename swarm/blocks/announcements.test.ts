import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { startGossip } from '../gossip.ts';
import { sampleMessages } from '../messages/samples.ts';
import { MemoryBus } from '../testing/memory-bus.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { type Announcement, gossipAnnouncements } from './announcements.ts';

const sample = sampleMessages.flatMap((message) => (message.type === 'blocks' ? [message.body] : []))[0];

describe('gossipAnnouncements', () => {
  it('[P-22] [P-160] sends signed messages to the others on the topic of the pipeline', async () => {
    if (sample === undefined) throw new Error('There is a sample of blocks.');
    const scheduler = new SimulatedScheduler();
    const bus = new MemoryBus(scheduler);
    const [sender, receiver] = [1, 2].map((n) => {
      const key = deviceKey(new Uint8Array(32).fill(n));
      const pubsub = bus.pubsub(key.peerId);
      const gossip = startGossip({ pubsub, networkId: 'blocks-test:1', key, scheduler, round: () => 4 });
      return { key, gossip, announcements: gossipAnnouncements(gossip, () => 4) };
    });
    if (sender === undefined || receiver === undefined) throw new Error('There are two.');
    const heard: Announcement[] = [];
    const stop = receiver.announcements.listen((announcement) => heard.push(announcement));
    await sender.announcements.publish(sample);
    await scheduler.advance(100);
    expect(heard).toEqual([
      { device: sender.key.address, body: sample, placing: { rank: 3, group: sender.key.peerId } },
    ]);
    stop();
    await sender.announcements.publish({ ...sample, role: 'leaving' });
    await scheduler.advance(1000);
    expect(heard).toHaveLength(1);
    expect(receiver.gossip.rejected.snapshot()).toEqual({});
    for (const { gossip } of [sender, receiver]) gossip.stop();
  });
});
