import { useEffect, useId, useState } from 'react';
import { Select } from '../ui/select.tsx';
import type { OwnModel } from '../volunteer/own-model.ts';
import type { SwarmsPort } from './swarms-port.ts';

interface OwnModelChoiceProps {
  readonly swarms: SwarmsPort;
  /** Number of the swarm. */
  readonly id: number;
  /** Name of the model that the swarm starts from. */
  readonly base: string;
}

const BASE = 'base';

/** What this device starts from in a swarm whose members may bring models of their own. */
export function OwnModelChoice({ swarms, id, base }: OwnModelChoiceProps) {
  const [models, setModels] = useState<readonly OwnModel[]>([]);
  const [chosen, setChosen] = useState(() => optionOf(swarms.ownModel(id)));
  const field = useId();
  useEffect(() => {
    let current = true;
    swarms.bringable().then(
      (found) => {
        if (current) setModels(found);
      },
      // Without storage there are the models that the choice already has.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [swarms]);
  const kept = swarms.ownModel(id);
  const listed =
    kept === null || models.some((each) => optionOf(each) === optionOf(kept)) ? models : [...models, kept];
  return (
    <div className="mt-4 max-w-sm">
      <label htmlFor={field} className="text-note font-medium">
        Start from
      </label>
      <Select
        id={field}
        testId="own-model"
        value={chosen}
        className="mt-1 block min-h-11 w-full text-body"
        options={[
          { value: BASE, text: `${base}, as the swarm proposes` },
          ...listed.map((each) => ({ value: optionOf(each), text: textOf(each) })),
        ]}
        onChange={(value) => {
          setChosen(value);
          swarms.bring(id, listed.find((each) => optionOf(each) === value) ?? null);
        }}
      />
      <p className="mt-1 text-note text-quiet">
        Only texts and rewards travel between members. Models that were downloaded under Models can be
        brought, too.
      </p>
    </div>
  );
}

function optionOf(model: OwnModel | null): string {
  if (model === null) return BASE;
  return model.kind === 'builtin' ? `builtin:${model.name}` : model.id;
}

function textOf(model: OwnModel): string {
  return model.kind === 'builtin' ? `${model.name}, which comes with this page` : model.name;
}
