import { useState } from 'react';
import { Button } from '../ui/button.tsx';
import { CheckBox } from '../ui/check-box.tsx';
import { plural } from '../ui/format.ts';
import { type CatalogueTask, type SwarmDraft, tasksFor } from './swarm-draft.ts';

interface StartTasksProps {
  readonly catalogue: readonly CatalogueTask[];
  readonly draft: SwarmDraft;
  readonly onChange: (draft: SwarmDraft) => void;
}

/** Tasks that show by themselves. */
const SHOWN_TASKS = 8;

/** Tasks of the catalogue, each with the difficulties that a swarm may use. */
export function StartTasks({ catalogue, draft, onChange }: StartTasksProps) {
  const [all, setAll] = useState(false);
  const chosen = (id: string) => draft.generators[id] ?? [];
  const choose = (id: string, difficulties: readonly number[]) => {
    const { [id]: _, ...others } = draft.generators;
    onChange({
      ...draft,
      generators: difficulties.length === 0 ? others : { ...others, [id]: difficulties },
    });
  };
  const ordered = tasksFor(draft.base, catalogue);
  const shown = all ? ordered : ordered.filter(({ id }, i) => i < SHOWN_TASKS || chosen(id).length > 0);
  return (
    <fieldset>
      <legend className="text-note font-medium">Tasks of the catalogue</legend>
      <p className="text-note text-quiet">
        Made by rule, without end, and checked exactly. Begin with those that the model gets right now and
        then.
      </p>
      <ul className="mt-2 grid gap-x-8 gap-y-1 sm:grid-cols-2">
        {shown.map(({ id, title, difficulties }) => (
          <li key={id}>
            <CheckBox
              testId={`start-task-${id}`}
              checked={chosen(id).length > 0}
              onChange={(on) => choose(id, on ? [0] : [])}
            >
              {title}
            </CheckBox>
            {chosen(id).length === 0 ? null : (
              <ul className="mb-2 ml-7 space-y-0.5">
                {difficulties.map((words, difficulty) => (
                  <li key={words}>
                    <CheckBox
                      testId={`start-task-${id}-${difficulty}`}
                      checked={chosen(id).includes(difficulty)}
                      onChange={(on) =>
                        choose(
                          id,
                          on ? [...chosen(id), difficulty] : chosen(id).filter((each) => each !== difficulty),
                        )
                      }
                    >
                      {words}
                    </CheckBox>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {catalogue.length <= shown.length ? null : (
        <Button look="text" data-testid="start-more-tasks" onClick={() => setAll(true)}>
          Show {plural(catalogue.length - shown.length, 'more task')}
        </Button>
      )}
    </fieldset>
  );
}
