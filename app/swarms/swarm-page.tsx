import { Feather } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { useStore } from 'zustand';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { Button } from '../ui/button.tsx';
import { formatSpan, plural } from '../ui/format.ts';
import { OpenedPart } from '../ui/opened-part.tsx';
import { Disclosure, Fact, HexText, Section } from '../ui/section.tsx';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { BlocksCostLine } from './blocks-cost-line.tsx';
import { CostLine } from './cost-line.tsx';
import { HeldOutCurve } from './held-out-curve.tsx';
import { KeepModel } from './keep-model.tsx';
import { OwnModelChoice } from './own-model-choice.tsx';
import { SwarmLink } from './swarm-link.tsx';
import { SETTINGS } from './swarm-presets.ts';
import {
  audienceInWords,
  baseInWords,
  checkerInWords,
  heldOutInWords,
  membersInWords,
  roundSeconds,
  taskName,
  trainedInWords,
} from './swarm-words.ts';
import { useSwarms } from './swarms-context.tsx';
import type { ShownSwarm, SwarmsPort } from './swarms-port.ts';
import { useJoin } from './use-join.ts';

interface SwarmPageProps {
  readonly chainId: number;
  readonly swarm: number;
  readonly engine: EngineChoice;
}

/** Where a swarm's link leads: what it trains, for whom and how it does, and the button to join. */
export default function SwarmPage({ chainId, swarm, engine }: SwarmPageProps) {
  const opened = useSwarms();
  const network = useView((view) => view.network);
  return (
    <main className="space-y-10">
      {network !== null && network.chainId !== chainId ? (
        <NotHere>
          This link leads to a swarm on chain {chainId}, and this page belongs to {network.name}, chain{' '}
          {network.chainId}. Ask whoever sent the link for the address of that network’s page.
        </NotHere>
      ) : (
        <OpenedPart opened={opened} testId="swarms-failure">
          {(swarms) => <Landing swarms={swarms} id={swarm} chainId={chainId} engine={engine} />}
        </OpenedPart>
      )}
    </main>
  );
}

function NotHere({ children }: { readonly children: ReactNode }) {
  return (
    <div className="max-w-2xl pt-6" data-testid="swarm-not-here">
      <h1 className="text-headline font-semibold tracking-tight">This swarm is not here</h1>
      <p className="mt-3 text-lead text-quiet text-pretty">{children}</p>
      <p className="mt-5">
        <a href="#/swarms" className="text-accent underline decoration-line-strong/60 underline-offset-4">
          See the swarms of this network
        </a>
      </p>
    </div>
  );
}

interface LandingProps {
  readonly swarms: SwarmsPort;
  readonly id: number;
  readonly chainId: number;
  readonly engine: EngineChoice;
}

function Landing({ swarms, id, chainId, engine }: LandingProps) {
  const { swarms: listed, trouble } = useStore(swarms.store);
  useEffect(() => {
    swarms.follow(id);
    return () => swarms.follow(null);
  }, [swarms, id]);
  const found = listed?.find((each) => each.id === id);
  if (found !== undefined) {
    return <Known swarm={found} swarms={swarms} chainId={chainId} engine={engine} />;
  }
  if (listed === null) {
    return (
      <p className="pt-6 text-body text-quiet" role="status">
        {trouble ?? 'Reading the chain…'}
      </p>
    );
  }
  return (
    <NotHere>
      The chain of this network has no swarm of the number {id}. Perhaps the network was started again since
      the link was made.
    </NotHere>
  );
}

interface KnownProps {
  readonly swarm: ShownSwarm;
  readonly swarms: SwarmsPort;
  readonly chainId: number;
  readonly engine: EngineChoice;
}

function Known({ swarm, swarms, chainId, engine }: KnownProps) {
  const { id, spec, problem, members, round, heldOut } = swarm;
  const { joined, join } = useJoin(engine);
  return (
    <>
      <div className="max-w-2xl pt-6" data-testid="swarm-landing">
        <h1 className="text-headline font-semibold tracking-tight text-balance">
          {spec?.name ?? `Swarm ${id}`}
        </h1>
        {spec === null ? null : (
          <>
            <p className="mt-3 text-lead text-pretty">{spec.description}</p>
            <p className="mt-3 text-body text-quiet text-pretty">
              Trains {trainedInWords(spec)} of {baseInWords(spec.base)}
              {spec.blocks === undefined ? '' : ', in blocks'}. {audienceInWords(spec)}
            </p>
          </>
        )}
        {problem === null ? null : (
          <p
            className="mt-4 max-w-prose rounded-xl bg-warn-soft px-4 py-3 text-note"
            data-testid="swarm-problem"
          >
            {problem}
          </p>
        )}
        <div className="mt-7 flex flex-wrap items-center gap-x-5 gap-y-3">
          {joined === id ? (
            <p className="text-body font-medium text-accent">
              This device contributes to this swarm.{' '}
              <a className="underline" href="#/">
                See how it goes
              </a>
            </p>
          ) : (
            <Button
              look="primary"
              data-testid="swarm-contribute"
              disabled={problem !== null}
              onClick={() => join(id)}
            >
              <Feather size={20} aria-hidden="true" />
              Contribute GPU
            </Button>
          )}
        </div>
        {spec === null || problem !== null ? null : (
          <div className="mt-4">
            {spec.blocks === undefined ? (
              <CostLine swarms={swarms} spec={spec} id={id} />
            ) : (
              <BlocksCostLine swarms={swarms} spec={spec} />
            )}
            {spec.models === 'any' ? <OwnModelChoice swarms={swarms} id={id} base={spec.base.name} /> : null}
            {spec.base.kind === 'files' ? <KeepModel swarms={swarms} base={spec.base} /> : null}
          </div>
        )}
      </div>
      <Section title="How it is doing" about="From the chain, and from what members publish.">
        <dl className="max-w-md divide-y divide-line">
          <Fact name="Members" testId="swarm-members">
            {membersInWords(members)}
          </Fact>
          <Fact name="Round" testId="swarm-round">
            <span className="figure">{round}</span>
            {spec === null ? '' : `, a new one every ${formatSpan(roundSeconds(spec))}`}
          </Fact>
        </dl>
        <h3 className="mt-4 mb-1 text-note font-semibold">Held-out accuracy</h3>
        <HeldOutCurve points={heldOut} />
      </Section>
      {spec === null ? null : <Tasks spec={spec} />}
      <Section title="Bring others">
        <SwarmLink chainId={chainId} id={id} />
      </Section>
      {spec === null ? null : <Small spec={spec} swarm={swarm} />}
    </>
  );
}

function Tasks({ spec }: { readonly spec: SwarmSpec }) {
  const { generators, dataSets } = spec.tasks;
  return (
    <Section title="Tasks" about="Checkers are exact rules, so that every device computes the same reward.">
      <ul className="grid gap-x-10 gap-y-2 text-body sm:grid-cols-2">
        {dataSets.map(({ id, heldOutOneIn, checker }) => (
          <li key={id}>
            Questions “{id}”
            <p className="text-note text-quiet">
              Right is {checkerInWords(checker)}; {heldOutInWords(heldOutOneIn)}.
            </p>
          </li>
        ))}
        {generators.map(({ id, difficulties }) => (
          <li key={id}>
            {taskName(id)}
            <p className="text-note text-quiet">
              {plural(difficulties.length, 'difficulty', 'difficulties')}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Everything else that a specification says. */
function Small({ spec, swarm }: { readonly spec: SwarmSpec; readonly swarm: ShownSwarm }) {
  const numbers: Readonly<Record<string, number>> = { ...spec.round, ...spec.schedule };
  return (
    <Section title="In detail">
      <Disclosure summary={<>Settings, as everybody has them</>}>
        <dl className="max-w-md divide-y divide-line">
          {SETTINGS.map(({ name, label, unit }) => (
            <Fact key={name} name={label}>
              <span className="figure">{numbers[name]}</span>
              {unit === undefined ? '' : ` ${unit}`}
            </Fact>
          ))}
          <Fact name="Root of the model">
            <HexText value={spec.base.root} />
          </Fact>
          <Fact name="Opened by">
            <HexText value={swarm.openedBy} />
          </Fact>
          <Fact name="Opened on">{new Date(swarm.openedAt * 1000).toLocaleDateString()}</Fact>
        </dl>
      </Disclosure>
    </Section>
  );
}
