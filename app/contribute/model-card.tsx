import { formatBytes, formatChange, formatShare, plural } from '../ui/format.ts';
import { Empty, Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { ModelReport } from '../volunteer/volunteer-events.ts';
import { TakeModel } from './take-model.tsx';

/** The volunteer's own model: its answers before and now, and its weights as a download. */
export function ModelCard() {
  const model = useView((view) => view.model);
  const root = useView((view) => view.history.at(-1)?.checkpointRoot ?? null);
  return (
    <Section
      title="Your model"
      about="It stays yours: every device keeps its own weights, and yours differ from the others’."
    >
      {model.start === null ? (
        <Empty>Before-and-after results appear once the model is loaded.</Empty>
      ) : (
        <>
          <Comparison start={model.start} now={model.now ?? model.start} />
          <Samples start={model.start} now={model.now ?? model.start} />
        </>
      )}
      {root === null ? null : <TakeModel root={root} />}
      <Kept />
    </Section>
  );
}

/** What the device keeps of its checkpoints for members who ask, and how much that may become. */
function Kept() {
  const kept = useView((view) => view.kept);
  if (kept === null || kept.checkpoints === 0) return null;
  const { checkpoints, bytes, policy } = kept;
  return (
    <p className="mt-2 max-w-prose text-note text-quiet" data-testid="kept-checkpoints">
      For members who ask, this device keeps {plural(checkpoints, 'checkpoint')}, {formatBytes(bytes)} of at
      most {formatBytes(policy.quota)}: the first, every {policy.every}th and the last.
    </p>
  );
}

function Comparison({ start, now }: { readonly start: ModelReport; readonly now: ModelReport }) {
  return (
    <dl className="flex flex-wrap items-end gap-x-8 gap-y-2">
      <div>
        <dt className="text-note text-quiet">Held-out accuracy at the start</dt>
        <dd className="figure text-title font-semibold" data-testid="accuracy-before">
          {formatShare(start.heldOutAccuracy)}
        </dd>
      </div>
      <div>
        <dt className="text-note text-quiet">after round {now.round}</dt>
        <dd className="figure text-title font-semibold" data-testid="accuracy-after">
          {formatShare(now.heldOutAccuracy)}{' '}
          <span className="text-note font-normal text-quiet">
            {formatChange(start.heldOutAccuracy, now.heldOutAccuracy)}
          </span>
        </dd>
      </div>
    </dl>
  );
}

function Samples({ start, now }: { readonly start: ModelReport; readonly now: ModelReport }) {
  if (start.samples.length === 0) return null;
  return (
    <div className="mt-4 overflow-x-auto">
      <table className="w-full min-w-72 text-left text-note">
        <caption className="pb-1 text-left text-quiet">
          Its most likely answers to a few held-out tasks
        </caption>
        <thead className="text-quiet">
          <tr className="border-b border-line">
            <th scope="col" className="py-1.5 pr-3 font-medium">
              Task
            </th>
            <th scope="col" className="py-1.5 pr-3 font-medium">
              Expected
            </th>
            <th scope="col" className="py-1.5 pr-3 font-medium">
              Before
            </th>
            <th scope="col" className="py-1.5 font-medium">
              Now
            </th>
          </tr>
        </thead>
        <tbody className="font-mono">
          {start.samples.map((sample, index) => (
            <tr key={sample.prompt} className="border-b border-line last:border-0">
              <th scope="row" className="py-1.5 pr-3 font-normal">
                {sample.prompt}
              </th>
              <td className="py-1.5 pr-3 wrap-anywhere">{sample.expected}</td>
              <SampleText text={sample.text} expected={sample.expected} />
              <SampleText text={now.samples[index]?.text ?? ''} expected={sample.expected} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SampleText({ text, expected }: { readonly text: string; readonly expected: string }) {
  const right = text === expected;
  return (
    <td className={`py-1.5 pr-3 wrap-anywhere ${right ? 'font-semibold text-accent' : 'text-quiet'}`}>
      {text === '' ? '–' : text}
      <span className="sr-only">{right ? ', right' : ', wrong'}</span>
    </td>
  );
}
