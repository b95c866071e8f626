import { CheckBox } from '../ui/check-box.tsx';
import { type DraftField, Fields } from '../ui/field.tsx';
import type { TrainDraft } from './drafts.ts';
import type { AdapterView } from './models-view.ts';

const FIELDS: readonly DraftField<'steps' | 'rate' | 'length' | 'rows' | 'rank' | 'alpha'>[] = [
  { name: 'steps', label: 'Steps', testId: 'train-steps' },
  { name: 'rate', label: 'Rate', testId: 'train-rate' },
  { name: 'length', label: 'Window', unit: 'tokens', testId: 'train-length' },
  { name: 'rows', label: 'Windows a step', testId: 'train-rows' },
  { name: 'rank', label: 'Rank', testId: 'train-rank' },
  { name: 'alpha', label: 'Alpha', testId: 'train-alpha' },
];

interface TeachFieldsProps {
  readonly draft: TrainDraft;
  readonly change: (part: Partial<TrainDraft>) => void;
  readonly running: boolean;
  readonly adapter: AdapterView | null;
}

/** How an adapter is trained. An adapter keeps its rank and alpha until the training starts again. */
export function TeachFields({ draft, change, running, adapter }: TeachFieldsProps) {
  return (
    <>
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
        <Fields
          fields={FIELDS}
          draft={draft}
          disabled={running}
          onChange={(name, value) => change({ [name]: value })}
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
