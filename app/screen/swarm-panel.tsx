import { plural, shortHex } from '../format.ts';
import { Disclosure, Empty, Fact, Section } from './section.tsx';
import { useView } from './volunteer-context.tsx';

/** Who this device talks to, and how. */
export function SwarmPanel() {
  const peers = useView((view) => view.peers);
  const relays = useView((view) => view.relays);
  const active = useView((view) => view.clock !== null);
  const direct = peers.filter((peer) => peer.direct).length;
  const up = relays.filter((relay) => relay.connected).length;
  return (
    <Section title="Swarm" about="Relays only introduce devices; the work then goes from device to device.">
      <dl className="divide-y divide-line">
        <Fact name="Devices connected directly" testId="peers">
          <span className="figure font-semibold">{direct}</span>
        </Fact>
        <Fact name="Still through a relay" testId="peers-relayed">
          <span className="figure">{peers.length - direct}</span>
        </Fact>
        <Fact name="Relays" testId="relays">
          {relays.length === 0 ? (
            <span className="text-quiet">not asked yet</span>
          ) : (
            <span className={up === 0 ? 'text-warn' : ''}>
              {up} of {relays.length} reachable
            </span>
          )}
        </Fact>
      </dl>
      {active && relays.length > 0 && up === 0 && direct > 0 ? (
        <p className="mt-2 text-note text-quiet">
          No relay answers, and none is needed: you are already connected to others directly.
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
        <Disclosure summary={<>{plural(peers.length, 'device')} by name</>}>
          <ul className="space-y-1 text-note">
            {peers.map((peer) => (
              <li key={peer.id} className="flex justify-between gap-4">
                <code className="min-w-0 truncate font-mono" title={peer.id}>
                  {shortHex(peer.id)}
                </code>
                <span className="text-quiet">{peer.direct ? 'direct' : 'relayed'}</span>
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
    </Section>
  );
}
