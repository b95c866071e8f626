import type { Page } from '@playwright/test';
import { SERVER } from './sites.ts';

/** How a WebRTC connection of a tab runs, as the browser's own statistics say. */
export interface MeasuredPath {
  /**
   * `direct` between addresses of the devices, `stun` between addresses of routers, `turn` by a TURN server.
   */
  readonly kind: 'direct' | 'stun' | 'turn';
  /** What the tab speaks with its TURN server; null where it does not use one. */
  readonly relayProtocol: string | null;
  readonly local: string;
  readonly remote: string;
  /** Bytes with everything but the headers of UDP and TCP. */
  readonly sent: number;
  readonly received: number;
}

interface Candidate {
  readonly candidateType: string;
  readonly address: string;
  readonly port: number;
  readonly relayProtocol?: string;
}

interface SelectedPair {
  readonly local: Candidate;
  readonly remote: Candidate;
  readonly sent: number;
  readonly received: number;
}

/**
 * The tab's connections to members that are not on the server's machine. The page must have been watched
 * from its start (`watchConnections`).
 */
export async function pathsBetweenHomes(page: Page): Promise<readonly MeasuredPath[]> {
  const pairs = await selectedPairs(page);
  return pairs.filter(({ remote }) => remote.address !== SERVER).map(pathOf);
}

/** What a pair of candidates says (RFC 8445, section 4). */
export function pathOf({ local, remote, sent, received }: SelectedPair): MeasuredPath {
  const types = [local.candidateType, remote.candidateType];
  const kind = types.includes('relay') ? 'turn' : types.every((type) => type === 'host') ? 'direct' : 'stun';
  return {
    ...{ kind, relayProtocol: local.relayProtocol ?? null, sent, received },
    local: `${local.candidateType} ${local.address}:${local.port}`,
    remote: `${remote.candidateType} ${remote.address}:${remote.port}`,
  };
}

function selectedPairs(page: Page): Promise<readonly SelectedPair[]> {
  return page.evaluate(async () => {
    const { seenConnections } = globalThis as unknown as {
      readonly seenConnections: readonly RTCPeerConnection[];
    };
    const pairs: SelectedPair[] = [];
    for (const connection of seenConnections) {
      if (connection.connectionState !== 'connected') continue;
      const report = new Map([...(await connection.getStats()).entries()]);
      for (const entry of report.values()) {
        if (entry.type !== 'transport' || entry.dtlsState !== 'connected') continue;
        const pair = report.get(entry.selectedCandidatePairId);
        if (pair === undefined) continue;
        pairs.push({
          local: report.get(pair.localCandidateId),
          remote: report.get(pair.remoteCandidateId),
          sent: pair.bytesSent,
          received: pair.bytesReceived,
        });
      }
    }
    return JSON.parse(JSON.stringify(pairs)) as SelectedPair[];
  });
}
