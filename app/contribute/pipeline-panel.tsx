import { memo } from 'react';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { formatBytes, plural, shortHex } from '../ui/format.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { Disclosure, Fact, HexText, Section } from '../ui/section.tsx';
import { blockName, blocksNow } from '../volunteer/blocks-words.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { ShownBlocks } from '../volunteer/volunteer-events.ts';
import { AttestedRounds } from './attested-rounds.tsx';
import { TakeBlocks } from './take-blocks.tsx';

type Block = ShownBlocks['blocks'][number];
type Microbatch = ShownBlocks['microbatches'][number];

/** Microbatches that a block shows by number. */
const MOST_SHOWN = 8;

/** A model in blocks as its members train it: the blocks, who keeps them, and how far the step is. */
export function PipelinePanel() {
  const blocks = useView((view) => view.blocks);
  const own = useView((view) => view.device?.address ?? null);
  return (
    <Section
      title="The pipeline"
      about="The model is cut into blocks. Each device keeps some, and what one computes goes on to the next."
      testId="pipeline"
    >
      {blocks === null ? (
        <p className="text-body text-quiet">The blocks appear here once this device has joined.</p>
      ) : (
        <Pipeline blocks={blocks} own={own} />
      )}
    </Section>
  );
}

interface PipelineProps {
  readonly blocks: ShownBlocks;
  readonly own: DeviceAddress | null;
}

function Pipeline({ blocks, own }: PipelineProps) {
  const { hops, microbatches, problems, last } = blocks;
  const here = blocks.blocks.filter(({ isHere }) => isHere);
  const memory = here.reduce((sum, { id }) => sum + (blocks.memory.get(id) ?? 0), 0);
  const disk = here.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <>
      <p className="min-h-12 max-w-prose text-body sm:min-h-6" data-testid="pipeline-now">
        {blocksNow(blocks, own)}
      </p>
      <div data-testid="pipeline-state" data-state={blocks.state}>
        <ProgressBar
          share={hops.all === 0 ? 0 : hops.done / hops.all}
          label={`Hops done of step ${blocks.step}`}
        />
      </div>
      <ol className="mt-5 grid grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))] gap-3">
        {blocks.blocks.map((block) => (
          <BlockCard
            key={block.id}
            block={block}
            own={own}
            at={microbatches.filter((each) => each.block === block.id)}
          />
        ))}
      </ol>
      <p className="mt-3 text-note text-quiet">
        <Arrow kind="forward" /> forward, <Arrow kind="backward" /> backward: where each numbered microbatch
        was last.
      </p>
      {problems.length === 0 ? null : (
        <ul
          className="mt-4 max-w-prose space-y-1 rounded-xl bg-warn-soft px-4 py-3 text-note"
          data-testid="pipeline-problems"
        >
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      <dl className="mt-5 max-w-md divide-y divide-line">
        <Fact name="Step" testId="pipeline-step">
          <span className="figure font-semibold">{blocks.step}</span>
        </Fact>
        <Fact name="Hops of this step" testId="pipeline-hops">
          <span className="figure">{hops.done}</span> of <span className="figure">{hops.all}</span>
        </Fact>
        <Fact name="Kept here" testId="pipeline-here">
          {plural(here.length, 'block')}, {formatBytes(disk)}
        </Fact>
        <Fact name="Memory to compute them" testId="pipeline-memory">
          about {formatBytes(memory)}
        </Fact>
        <Fact name="Hops taken over from late devices" testId="pipeline-takeovers">
          <span className="figure">{blocks.takeovers}</span>
        </Fact>
        <Fact name="Root of the model" testId="pipeline-root">
          {last === null ? (
            <span className="text-quiet">after the next step</span>
          ) : (
            <>
              <HexText value={last.root} testId="pipeline-root-value" /> after {plural(last.step, 'step')}
            </>
          )}
        </Fact>
      </dl>
      {blocks.refused === 0 ? null : (
        <Disclosure summary={`${plural(blocks.refused, 'message')} of others refused`}>
          <p className="max-w-prose text-quiet">
            They were malformed, wrongly signed or not what others computed. Nothing of them was used.
          </p>
        </Disclosure>
      )}
      <AttestedRounds />
      <TakeBlocks isReady={blocks.state === 'computing'} />
    </>
  );
}

interface BlockCardProps {
  readonly block: Block;
  readonly own: DeviceAddress | null;
  readonly at: readonly Microbatch[];
}

/** Equal properties are drawn once: four times a second most blocks are as they were. */
const BlockCard = memo(Card, (a, b) => JSON.stringify(a) === JSON.stringify(b));

function Card({ block, own, at }: BlockCardProps) {
  const { id, bytes, keepers, isHere } = block;
  return (
    <li
      className={`min-w-0 rounded-xl border px-3 py-2.5 ${isHere ? 'border-accent bg-accent-soft' : 'border-line'}`}
      data-testid="pipeline-block"
      data-block={id}
      data-here={isHere}
    >
      <div className="flex min-h-10 flex-wrap items-baseline justify-between gap-x-2">
        <h3 className="text-note font-semibold">{blockName(id)}</h3>
        <span className="shrink-0 text-note">{formatBytes(bytes)}</span>
      </div>
      <ul className="mt-1 min-h-[3.75rem] text-note" aria-label="Kept by">
        {keepers.length === 0 ? <li className="text-quiet">nobody yet</li> : null}
        {keepers.slice(0, 3).map((device) => (
          <li key={device} className={device === own ? 'font-semibold' : ''}>
            {device === own ? 'this device' : <code title={device}>{shortHex(device)}</code>}
          </li>
        ))}
      </ul>
      <p className="mt-1 min-h-10 text-note leading-5">
        {at.length === 0 ? <span className="sr-only">No microbatch is here.</span> : null}
        {at.slice(0, MOST_SHOWN).map(({ microbatch, kind }) => (
          <span key={microbatch} className="mr-1.5 inline-block whitespace-nowrap" title={kind}>
            <Arrow kind={kind} />
            <span className="figure">{microbatch}</span>
          </span>
        ))}
        {at.length > MOST_SHOWN ? `+${at.length - MOST_SHOWN}` : null}
      </p>
    </li>
  );
}

function Arrow({ kind }: { readonly kind: string }) {
  const isBackward = kind.endsWith('backward');
  return (
    <>
      <span aria-hidden="true">{isBackward ? '←' : '→'}</span>
      <span className="sr-only">{isBackward ? 'backward ' : 'forward '}</span>
    </>
  );
}
