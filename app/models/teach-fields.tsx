import { CheckBox } from '../ui/check-box.tsx';
import { Field } from '../ui/field.tsx';
import type { TrainDraft } from './drafts.ts';
import type { AdapterView } from './models-view.ts';

interface TeachFieldsProps {
  readonly draft: TrainDraft;
  readonly change: (part: Partial<TrainDraft>) => void;
  readonly running: boolean;
  readonly adapter: AdapterView | null;
}

/** How an adapter is trained. Rank and alpha are those of the adapter that is there, until it is started again. */
export function TeachFields({ draft, change, running, adapter }: TeachFieldsProps) {
  return (
    <>
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
        <Field
          label="Steps"
          testId="train-steps"
          value={draft.steps}
          disabled={running}
          onChange={(steps) => change({ steps })}
        />
        <Field
          label="Rate"
          testId="train-rate"
          value={draft.rate}
          disabled={running}
          onChange={(rate) => change({ rate })}
        />
        <Field
          label="Window"
          unit="tokens"
          testId="train-length"
          value={draft.length}
          disabled={running}
          onChange={(length) => change({ length })}
        />
        <Field
          label="Windows a step"
          testId="train-rows"
          value={draft.rows}
          disabled={running}
          onChange={(rows) => change({ rows })}
        />
        <Field
          label="Rank"
          testId="train-rank"
          value={draft.rank}
          disabled={running}
          onChange={(rank) => change({ rank })}
        />
        <Field
          label="Alpha"
          testId="train-alpha"
          value={draft.alpha}
          disabled={running}
          onChange={(alpha) => change({ alpha })}
        />
      </div>
      <div className="mt-2">
        <CheckBox
          testId="train-recompute"
          checked={draft.recompute}
          disabled={running}
          onChange={(recompute) => change({ recompute })}
        >
          Take less memory and a third more time, with the same result
        </CheckBox>
      </div>
      {adapter === null || adapter.lora.rank === Number(draft.rank) ? null : (
        <p className="text-note text-quiet text-pretty">
          More steps keep the adapter’s rank {adapter.lora.rank}. Another rank begins with “Start again”.
        </p>
      )}
    </>
  );
}
