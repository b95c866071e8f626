import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Placing } from '../fair-map.ts';
import type { Gossip } from '../gossip.ts';
import { AUTHOR_RANKS } from '../messages/admission.ts';
import type { BlocksBody } from '../messages/block-announcement.ts';

/** What a device said of its blocks, and how well it is known here. */
export interface Announcement {
  readonly device: DeviceAddress;
  readonly body: BlocksBody;
  /** Whose places it takes in a table that is full. */
  readonly placing: Placing;
}

/** Sends what this device keeps, and hears what others keep. */
export interface Announcements {
  publish(body: BlocksBody): Promise<void>;
  /** Calls `listener` for every announcement of others. Returns how to stop that. */
  listen(listener: (announcement: Announcement) => void): () => void;
}

/** Announcements as signed messages of a network. `round` is the current one by chain time. */
export function gossipAnnouncements(
  gossip: Pick<Gossip, 'publish' | 'onMessage'>,
  round: () => number,
): Announcements {
  return {
    async publish(body) {
      await gossip.publish({ type: 'blocks', round: round(), body });
    },
    listen: (listener) =>
      gossip.onMessage((message, { source, authorClass, account }) => {
        if (message.type !== 'blocks') return;
        const group = authorClass === 'bound' ? account : source;
        const placing = { rank: AUTHOR_RANKS[authorClass], group };
        listener({ device: message.author, body: message.body, placing });
      }),
  };
}
