import type { Connection } from '@libp2p/interface';
import type { IceRoute } from './peers.ts';

/** What is read of a statistics report (https://www.w3.org/TR/webrtc-stats/). */
export type IceStats = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/**
 * How ICE connects a device to another, as the statistics of its WebRTC connection say: by the kinds of the
 * two candidates in use (RFC 8445, section 4). Null while none are in use.
 */
export function iceRouteIn(stats: IceStats): IceRoute | null {
  for (const entry of stats.values()) {
    if (entry.type !== 'transport' || typeof entry.selectedCandidatePairId !== 'string') continue;
    const pair = stats.get(entry.selectedCandidatePairId);
    const kinds = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) =>
      typeof id === 'string' ? stats.get(id)?.candidateType : undefined,
    );
    if (kinds.includes(undefined)) continue;
    if (kinds.includes('relay')) return 'turn';
    return kinds.every((kind) => kind === 'host') ? 'host' : 'stun';
  }
  return null;
}

/**
 * The route of a libp2p connection now. Null for one that is not WebRTC, or of a host whose WebRTC keeps no
 * such statistics, as that of Node. Never rejects.
 */
export async function iceRouteOf(connection: Connection): Promise<IceRoute | null> {
  // libp2p's Connection has no public way to the RTCPeerConnection below it.
  const { maConn } = connection as unknown as {
    readonly maConn?: { readonly peerConnection?: RTCPeerConnection };
  };
  try {
    const report = await maConn?.peerConnection?.getStats();
    return report === undefined ? null : iceRouteIn(new Map(report.entries()));
  } catch {
    return null;
  }
}
