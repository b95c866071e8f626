import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { coinAmount, formatAmount } from '../../chain/token-amount.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { BaseModel, SwarmSpec } from '../../protocol/swarm-spec.ts';
import { Field } from '../ui/field.tsx';
import { formatBytes } from '../ui/format.ts';
import { Disclosure, Empty } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import { PayingWallet } from '../wallet/paying-wallet.tsx';
import { useWallet } from '../wallet/use-wallet.ts';
import { WalletActionButton } from '../wallet/wallet-action-button.tsx';
import { WalletProvider } from '../wallet/wallet-provider.tsx';
import { CostLine } from './cost-line.tsx';
import { StartModel } from './start-model.tsx';
import { StartQuestions } from './start-questions.tsx';
import { StartTasks } from './start-tasks.tsx';
import { type CatalogueTask, FIRST_DRAFT, readSwarmDraft, type SwarmDraft, withBase } from './swarm-draft.ts';
import { SwarmLink } from './swarm-link.tsx';
import { SETTINGS } from './swarm-presets.ts';
import type { PreparedSwarm, SwarmsPort } from './swarms-port.ts';

/** A new swarm: model, tasks, settings, the price of its one transaction, and then its link. */
export default function StartSwarm({ swarms }: { readonly swarms: SwarmsPort }) {
  return <WalletProvider>{(network) => <Start swarms={swarms} network={network} />}</WalletProvider>;
}

interface Known {
  readonly builtins: readonly Extract<BaseModel, { kind: 'builtin' }>[];
  readonly catalogue: readonly CatalogueTask[];
}

function Start({ swarms, network }: { readonly swarms: SwarmsPort; readonly network: Network }) {
  const [known, setKnown] = useState<Known | { readonly failure: string } | null>(null);
  const [draft, setDraft] = useState<SwarmDraft>(FIRST_DRAFT);
  const [started, setStarted] = useState<number | null>(null);
  useEffect(() => {
    Promise.all([swarms.builtins(), swarms.catalogue()]).then(
      ([builtins, catalogue]) => {
        setKnown({ builtins, catalogue });
        const [first] = builtins;
        if (first !== undefined) setDraft((now) => (now.base === null ? withBase(now, first) : now));
      },
      (error: unknown) => setKnown({ failure: messageOf(error) }),
    );
  }, [swarms]);
  if (started !== null) return <Started swarms={swarms} id={started} chainId={network.chainId} />;
  if (known === null) return <p className="text-note text-quiet">Looking up models and tasks…</p>;
  if ('failure' in known) return <p className="text-body text-bad">{known.failure}</p>;
  return (
    <Form
      swarms={swarms}
      network={network}
      known={known}
      draft={draft}
      onChange={setDraft}
      onStarted={setStarted}
    />
  );
}

interface FormProps {
  readonly swarms: SwarmsPort;
  readonly network: Network;
  readonly known: Known;
  readonly draft: SwarmDraft;
  readonly onChange: (draft: SwarmDraft) => void;
  readonly onStarted: (id: number) => void;
}

/** Stands for the account until a wallet is connected, so that everything else is checked before. */
const NOBODY = `0x${'00'.repeat(20)}` as const;

function Form({ swarms, network, known, draft, onChange, onStarted }: FormProps) {
  const { address } = useWallet(network);
  const [readable, setReadable] = useState(true);
  const [now] = useState(() => Math.floor(Date.now() / 1000));
  const onReadable = useCallback((value: boolean) => setReadable(value), []);
  const read = readSwarmDraft(draft, {
    catalogue: known.catalogue,
    account: address ?? NOBODY,
    now,
  });
  const problem =
    read.kind === 'problem' ? read.problem : readable ? null : 'Correct the file of questions first.';
  return (
    <div className="space-y-9">
      <div className="grid gap-x-6 gap-y-4 sm:grid-cols-[2fr_3fr]">
        <Field
          kind="text"
          label="Name"
          value={draft.name}
          testId="start-name"
          onChange={(name) => onChange({ ...draft, name })}
        />
        <Field
          kind="text"
          label="What it is for, in one line"
          value={draft.description}
          testId="start-description"
          onChange={(description) => onChange({ ...draft, description })}
        />
      </div>
      <Part title="Model">
        <StartModel swarms={swarms} builtins={known.builtins} draft={draft} onChange={onChange} />
      </Part>
      <Part title="Tasks">
        <div className="space-y-7">
          <StartQuestions swarms={swarms} draft={draft} onChange={onChange} onReadable={onReadable} />
          <StartTasks catalogue={known.catalogue} draft={draft} onChange={onChange} />
        </div>
      </Part>
      <Part title="Settings">
        <p className="text-note text-quiet">
          They suit the model. Nobody can change them once the swarm is open.
        </p>
        <Disclosure summary={<>Look at them, and change them</>}>
          <div className="mt-2 grid gap-x-6 gap-y-5 sm:grid-cols-2 lg:grid-cols-3">
            <Field
              kind="text"
              label="Language of the tasks"
              value={draft.language}
              testId="start-language"
              about="A language tag, such as en or de."
              onChange={(language) => onChange({ ...draft, language })}
            />
            {SETTINGS.map(({ name, label, unit, sentence }) => (
              <Field
                key={name}
                label={label}
                unit={unit}
                value={draft.numbers[name]}
                testId={`start-${name}`}
                about={sentence}
                onChange={(value) => onChange({ ...draft, numbers: { ...draft.numbers, [name]: value } })}
              />
            ))}
          </div>
        </Disclosure>
        {read.kind === 'spec' ? <Here swarms={swarms} spec={read.spec} /> : null}
      </Part>
      <Part title="Price">
        <div className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
          <div>
            <h4 className="text-note font-medium">Your wallet</h4>
            <div className="mt-1">
              <PayingWallet network={network} />
            </div>
          </div>
          <div>
            {problem !== null ? (
              <p className="text-note text-warn" role="status" data-testid="start-problem">
                {problem}
              </p>
            ) : address === null ? (
              <Empty>Connect a wallet to see the price. Nothing is sent yet.</Empty>
            ) : read.kind === 'spec' ? (
              <Price
                key={JSON.stringify(read.spec)}
                swarms={swarms}
                network={network}
                spec={read.spec}
                draft={draft}
                onStarted={onStarted}
              />
            ) : null}
          </div>
        </div>
      </Part>
    </div>
  );
}

/** What the swarm would take on this device, or why this device could not take part in it. */
function Here({ swarms, spec }: { readonly swarms: SwarmsPort; readonly spec: SwarmSpec }) {
  const reason = swarms.whyNotHere(spec);
  if (reason === null) return <CostLine swarms={swarms} spec={spec} />;
  return (
    <p className="text-note text-warn" role="status" data-testid="start-not-here">
      This device itself could not take part: {reason}
    </p>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="mb-3 text-body font-semibold">{title}</h3>
      {children}
    </section>
  );
}

interface PriceProps {
  readonly swarms: SwarmsPort;
  readonly network: Network;
  readonly spec: SwarmSpec;
  readonly draft: SwarmDraft;
  readonly onStarted: (id: number) => void;
}

/** The price of the one transaction, by the chain's present price of gas, before the wallet is asked. */
function Price({ swarms, network, spec, draft, onStarted }: PriceProps) {
  const [asked, setAsked] = useState<PreparedSwarm | { readonly failure: string } | null>(null);
  const { payer } = useWallet(network);
  useEffect(() => {
    let current = true;
    // A person who types is not asked about with every letter.
    const timer = setTimeout(() => {
      swarms.prepare(spec).then(
        (prepared) => {
          if (current) setAsked(prepared);
        },
        (error: unknown) => {
          if (current) setAsked({ failure: messageOf(error) });
        },
      );
    }, 300);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [swarms, spec]);
  if (asked === null) return <p className="text-note text-quiet">Asking the chain for the price…</p>;
  if ('failure' in asked) {
    return (
      <p className="text-note text-bad" role="status" data-testid="start-refused">
        {asked.failure}
      </p>
    );
  }
  const { file } = draft;
  const files = new Map(file === null ? [] : [[file.sha256, file.bytes] as const]);
  return (
    <div className="space-y-3">
      <p className="text-note" data-testid="start-price" data-wei={String(asked.price.wei)}>
        One transaction, at most about <strong>{formatAmount(coinAmount(asked.price.wei))}</strong>. It writes{' '}
        {formatBytes(asked.bytes)} to the chain, where everybody can read them for good. The file of questions
        goes to members, not to the chain.
      </p>
      <WalletActionButton
        look="main"
        data-testid="start-open"
        busyText="Your wallet asks once. Then the chain needs a moment…"
        action={async () => onStarted(await swarms.open(asked, files, await payer()))}
      >
        Open the swarm
      </WalletActionButton>
    </div>
  );
}

interface StartedProps {
  readonly swarms: SwarmsPort;
  readonly id: number;
  readonly chainId: number;
}

function Started({ swarms, id, chainId }: StartedProps) {
  const name = useView((view) => view.network?.name ?? 'this network');
  useEffect(() => swarms.refresh(), [swarms]);
  return (
    <div className="space-y-5" data-testid="start-done" data-value={id}>
      <p className="max-w-prose text-body">
        Your swarm is open on {name}, as number {id}. Nobody can close or change it. Somebody has to begin:
        join it with this device, and keep the tab open while others fetch your questions.
      </p>
      <SwarmLink chainId={chainId} id={id} />
      <p>
        <a
          href={`#/swarm/${chainId}/${id}`}
          data-testid="start-visit"
          className="text-accent underline decoration-line-strong/60 underline-offset-4"
        >
          Go to the swarm
        </a>
      </p>
    </div>
  );
}
