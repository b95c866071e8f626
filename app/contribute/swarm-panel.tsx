import { plural } from '../ui/format.ts';
import { Disclosure, Empty, Fact, HexText, Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { PeerStatus } from '../volunteer/volunteer-events.ts';

const PATH = { relayed: 'through a relay', gossip: 'through others' } as const;
const ROUTE = { host: 'direct', stun: 'direct by STUN', turn: 'through TURN' } as const;

/** Until the route of a direct connection is measured it is called direct, as without any server. */
function pathInWords({ path, route }: Pick<PeerStatus, 'path' | 'route'>): string {
  return path === 'direct' ? ROUTE[route ?? 'host'] : PATH[path];
}

/** The devices and relays that this device is connected to, and by which path. */
export function SwarmPanel() {
  const peers = useView((view) => view.peers);
  const relays = useView((view) => view.relays);
  const iceServers = useView((view) => view.network?.iceServers);
  const active = useView((view) => view.clock !== null);
  const count = (path: PeerStatus['path']) => peers.filter((peer) => peer.path === path).length;
  const direct = count('direct');
  const routes = Object.values(ROUTE).flatMap((words) => {
    const devices = peers.filter((peer) => pathInWords(peer) === words).length;
    return devices === 0 ? [] : [`${devices} ${words}`];
  });
  const up = relays.filter((relay) => relay.connected).length;
  return (
    <Section title="Swarm" about="Relays only introduce devices; the work then goes from device to device.">
      <dl className="divide-y divide-line">
        <Fact name="Devices connected" testId="peers">
          <span className="figure font-semibold">{direct}</span>
        </Fact>
        {routes.length === 0 ? null : (
          <Fact name="Their paths" testId="peer-routes">
            {routes.join(', ')}
          </Fact>
        )}
        <Fact name="Still through a relay" testId="peers-relayed">
          <span className="figure">{count('relayed')}</span>
        </Fact>
        <Fact name="Heard of through others" testId="peers-gossip">
          <span className="figure">{count('gossip')}</span>
        </Fact>
        <Fact name="Relays" testId="relays">
          {relays.length === 0 ? (
            <span className="text-quiet">not asked yet</span>
          ) : (
            <span className={up === 0 && direct === 0 ? 'text-warn' : ''}>
              {up} of {relays.length} reachable
            </span>
          )}
        </Fact>
        <Fact name="STUN and TURN servers" testId="ice-servers">
          {iceServers === undefined ? (
            <span className="text-quiet">not known yet</span>
          ) : iceServers.length === 0 ? (
            <span className="text-quiet">none in network.json, and no others are asked</span>
          ) : (
            <span className="break-all">{iceServers.join(', ')}</span>
          )}
        </Fact>
      </dl>
      {active && relays.length > 0 && up === 0 ? (
        <p className="mt-2 text-note text-quiet">
          {direct > 0
            ? 'No relay answers, and none is needed now: you are connected to others directly.'
            : 'No relay answers, so nobody can introduce you. Trying again every few seconds.'}
        </p>
      ) : null}
      {peers.length === 0 ? (
        <div className="mt-3">
          <Empty>
            {active
              ? 'Alone so far. Training goes on meanwhile; others join as they come.'
              : 'Devices appear here when you contribute.'}
          </Empty>
        </div>
      ) : (
        <Disclosure summary={`${plural(peers.length, 'device')} by name`}>
          <ul className="space-y-1">
            {peers.map((peer) => (
              <li
                key={peer.peerId}
                className="flex justify-between gap-4"
                data-testid="peer"
                data-peer={peer.device ?? peer.peerId}
                data-path={peer.path}
                data-route={peer.route}
              >
                <HexText value={peer.device ?? peer.peerId} />
                <span className="text-quiet">
                  {pathInWords(peer)}
                  {peer.latency === null ? '' : `, ${Math.round(peer.latency)} ms away`}
                </span>
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
    </Section>
  );
}
